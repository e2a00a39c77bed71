"""Remove DVC's list of what is running where a DVC that was killed left it cut off.

DVC writes the file anew at each stage's beginning and end. One that is killed in that moment leaves
it empty, and every later `dvc` refuses to go on ("Unable to read RWLock-file").
"""

import json
from pathlib import Path

from stages.command import guarded, say
from stages.gan.common.errors import UserError

FILE = Path(".dvc/tmp/rwlock")


def main() -> None:
    """Run the command; without damage it only looks, which takes no time."""
    if _is_sound():
        return
    from dvc.lock import LockError, make_lock
    from dvc.rwlock import RWLOCK_LOCK

    # As DVC itself takes it to change the file.
    guard = make_lock(str(FILE.with_name(RWLOCK_LOCK)), tmp_dir=str(FILE.parent))
    try:
        with guard:
            if not _is_sound():
                FILE.unlink()
                say(f"removed {FILE}, which a DVC that was killed had left cut off")
    except LockError:
        raise UserError(f"{FILE} is being written by another DVC: try again") from None


def _is_sound() -> bool:
    try:
        return isinstance(json.loads(FILE.read_bytes()), dict)
    except FileNotFoundError:
        return True
    except ValueError:
        return False


if __name__ == "__main__":
    guarded(main)
