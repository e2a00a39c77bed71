"""DVC's list of what is running, `.dvc/tmp/rwlock`: is it whole, and how it is removed if not.

Private modules of DVC: `dvc.lock` and `dvc.rwlock` name and take the lock under which DVC changes
the list. No command of DVC does either; a lock of our own would not keep a DVC from writing.
"""

import json
from pathlib import Path

from stages.gan.common.errors import UserError

FILE = Path(".dvc/tmp/rwlock")


def remove_if_cut_off() -> bool:
    """Remove the list if it was cut off, and say whether it was; to look takes no time.

    Raises
    ------
    UserError
        If another DVC is writing it.
    """
    if _is_whole():
        return False
    from dvc.lock import LockError, make_lock
    from dvc.rwlock import RWLOCK_LOCK

    guard = make_lock(str(FILE.with_name(RWLOCK_LOCK)), tmp_dir=str(FILE.parent))
    try:
        with guard:
            if _is_whole():
                return False
            FILE.unlink()
            return True
    except LockError:
        raise UserError(f"{FILE} is being written by another DVC: try again") from None


def _is_whole() -> bool:
    try:
        return isinstance(json.loads(FILE.read_bytes()), dict)
    except FileNotFoundError:
        return True
    except ValueError:
        return False
