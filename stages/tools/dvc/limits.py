"""Says before anything trains what DVC cannot do in this clone, at this path, or with a name.

DVC runs each queued or temporary experiment in a copy of the project, a small git repository below
`.dvc/tmp`. Tried with DVC 3.67: in a shallow clone the experiment trains, and its results are lost.
At some paths the copy cannot be made. An experiment in the workspace (`dvc exp run` alone) has
neither limit.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.tools.dvc import revisions
from stages.tools.dvc.git import git

# DVC gives git the copy's path as an URL, in which these end the path.
_END_OF_PATH = "#?"
_CONFIG = Path(".dvc/config")
_IN_A_COPY = re.compile(r"--(queue|temp|run-all|jobs)(=.*)?|-j.*")


def complain_if_no_copies() -> None:
    """Check that queued and temporary experiments work here.

    Raises
    ------
    UserError
        With the reason, and the command that helps.
    """
    revisions.head()
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        raise UserError(
            "this clone is shallow (`git clone --depth`), and DVC loses the results of queued and "
            "temporary experiments in such a clone: first run `git fetch --unshallow`"
        )
    here = Path.cwd()
    if found := _hindrances(str(here)):
        raise UserError(
            f"the project's path has {found}, and DVC cannot make the copies at such a path in "
            f"which it runs queued and temporary experiments: move the project (`{_move(here)}`), "
            "or use `dvc exp run` without --queue and --temp"
        )


def complain_if_copies_are_asked_for(options: Sequence[str]) -> None:
    """`complain_if_no_copies`, if these options of `dvc exp run` ask for a copy."""
    if any(map(_IN_A_COPY.fullmatch, options)):
        complain_if_no_copies()


def emptied_configuration() -> str:
    """What to do if DVC has emptied its configuration; "" if it has not.

    `dvc remote add` with a path that is not ASCII does so: it opens the file, and then fails.
    """
    if not _CONFIG.is_file() or _CONFIG.read_bytes().strip():
        return ""
    if not (revisions.Revision("HEAD", "HEAD").content(_CONFIG) or b"").strip():
        return ""  # `dvc init` leaves it empty
    return (
        f"{_CONFIG} is empty, but not in the last commit (`dvc remote add` with letters other than "
        f"a to z empties it): `git checkout HEAD -- {_CONFIG.as_posix()}` brings it back"
    )


def complain_if_not_settable(dataset: str, names: Iterable[str]) -> None:
    """Check that `dvc exp run -S` can set params with these dotted names.

    Raises
    ------
    UserError
        If one of them has letters other than a to z: DVC's reader of -S knows no others.
    """
    if other := [name for name in names if not name.isascii()]:
        raise UserError(
            f"DVC's -S cannot set {other[0]}, because it knows only the letters a to z in names: "
            f"set it in params.yaml, then run `dvc exp run report@{dataset}`"
        )


def _hindrances(path: str) -> str:
    found = [f"a {letter}" for letter in _END_OF_PATH if letter in path]
    if not path.isascii():
        found.append(f"letters other than a to z ({''.join(re.findall('[^ -~]+', path))})")
    return " and ".join(found)


def _move(here: Path) -> str:
    """The command that moves the project to a path without hindrances."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", here.name).strip("-") or "project"
    places = [here.parent, Path.home(), Path("/var/tmp")]
    place = next(each for each in places if not _hindrances(str(each)))
    target = place / plain
    while target.exists():
        target = target.with_name(f"{target.name}-2")
    words = [shlex.quote(str(each)) for each in (here, target)]
    return f"mv {words[0]} {words[1]} && cd {words[1]} && make clean-venv setup"
