"""Removes DVC's list of running stages, `.dvc/tmp/rwlock`, if the file is incomplete.

Private modules of DVC: `dvc.lock` and `dvc.rwlock` name and take the lock under which DVC changes
the list. No command of DVC does this, and a lock of our own would not stop DVC from writing.
"""

import json
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

FILE = Path(".dvc/tmp/rwlock")


def remove_if_cut_off() -> bool:
    """Remove the list if it is incomplete; return whether it was. The check takes no time.

    Raises
    ------
    UserError
        If another DVC process is writing the list.
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
        raise UserError(
            _("another DVC process is writing {file}: try again").format(file=FILE)
        ) from None


def _is_whole() -> bool:
    try:
        return isinstance(json.loads(FILE.read_bytes()), dict)
    except FileNotFoundError:
        return True
    except ValueError:
        return False
