"""Says before anything trains what DVC cannot do in this clone, at this path, or with a name.

DVC runs each queued or temporary experiment in a copy of the project, a small git repository below
`.dvc/tmp`. Tried with DVC 3.67: in a shallow clone the experiment trains, and its results are lost.
So they are where the project's path has %41, because git gets the path as a URL, in which that is
an A. In other cases the copy cannot be made. A URL ends at a # or a ?. The cache's path,
`.dvc/config.local` and `.git/config` are written again by ConfigObj, in ASCII. An experiment in the
workspace (`dvc exp run` alone) has none of these limits.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, translated
from stages.tools.dvc import revisions
from stages.tools.dvc.commands import dvc
from stages.tools.dvc.git import git

_CONFIG = Path(".dvc/config")
_LOCAL = Path(".dvc/config.local")
_IN_A_COPY = re.compile(r"--(queue|temp|run-all|jobs)(=.*)?|-j.*")
# What means something else in a URL.
_IN_A_URL = re.compile("[#?]|%[0-9A-Fa-f]{2}")
_COPY = marked("DVC cannot make the copies in which it runs queued and temporary experiments")


def complain_if_no_copies() -> None:
    """Check that queued and temporary experiments work here.

    Raises
    ------
    UserError
        With the reason, and the command that helps.
    """
    complain_if_shallow()
    here = Path.cwd()
    if found := _IN_A_URL.search(str(here)):
        lost = _("DVC loses the results of queued and temporary experiments")
        raise UserError(
            _(
                "the project's path has a {mark}, and {problem} there: move the project "
                "(`{command}`), or use `dvc exp run` without --queue and --temp"
            ).format(
                mark=found[0],
                problem=lost if "%" in found[0] else translated(_COPY),
                command=_move(here),
            )
        )
    if not (cache := cache_folder()).isascii():
        raise UserError(
            _(
                "the path of DVC's cache is {cache}, and {problem} with letters other than "
                "a to z in it: move the cache (`{command}`)"
            ).format(cache=cache, problem=translated(_COPY), command=_move_cache(cache))
        )
    for setting in _settings_of_git():
        key, _break, value = setting.partition("\n")
        words = shlex.quote(key), shlex.quote(value)
        raise UserError(
            _(
                "{key} of this clone's git is {value}, and {problem} with letters other "
                "than a to z in .git/config: set it for all clones (`git config --global "
                "{name} {content} && git config --local --unset-all {name}`)"
            ).format(
                key=key, value=value, problem=translated(_COPY), name=words[0], content=words[1]
            )
        )
    if _LOCAL.is_file() and not _LOCAL.read_bytes().isascii():
        raise UserError(
            _(
                "{local} has letters other than a to z, and {problem} with it: move these "
                "settings to {config}"
            ).format(local=_LOCAL, problem=translated(_COPY), config=_CONFIG)
        )


def complain_if_shallow() -> None:
    """Check that this clone has all commits: the results of experiments need those before them.

    Raises
    ------
    UserError
        If it has not, with the command that brings them; or if there is no commit.
    """
    revisions.head()
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        raise UserError(
            _(
                "this clone is shallow (`git clone --depth`), and DVC loses the results of "
                "queued and temporary experiments in such a clone: first run `git fetch "
                "--unshallow`"
            )
        )


def cache_folder() -> str:
    """The path of DVC's cache; "" where there is none."""
    try:
        return dvc("cache", "dir").strip()
    except UserError:
        return ""


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
    return _(
        "{config} is empty, but not in the last commit (`dvc remote add` with letters "
        "other than a to z empties it): `git checkout HEAD -- {path}` brings it back"
    ).format(config=_CONFIG, path=_CONFIG.as_posix())


def complain_if_not_settable(dataset: str, names: Iterable[str]) -> None:
    """Check that `dvc exp run -S` can set params with these dotted names.

    Raises
    ------
    UserError
        If one of them has letters other than a to z: DVC's reader of -S knows no others.
    """
    if other := [name for name in names if not name.isascii()]:
        raise UserError(
            _(
                "DVC's -S cannot set {name}, because it knows only the letters a to z in "
                "names: set it in params.yaml, then run `dvc exp run report@{dataset}`"
            ).format(name=other[0], dataset=dataset)
        )


def _settings_of_git() -> list[str]:
    """Each setting of `.git/config` with other letters than ASCII: its key, a break, its value."""
    listed = git("config", "--local", "--list", "-z").stdout.decode(errors="replace").split("\0")
    return [setting for setting in listed if not setting.isascii()]


def _move(here: Path) -> str:
    """The command that moves the project to a path that is the same in a URL."""
    plain = re.sub(r"[^\w.-]+", "-", here.name).strip("-") or "project"
    places = [here.parent, Path.home(), Path("/var/tmp")]
    place = next(each for each in places if not _IN_A_URL.search(str(each)))
    words = [shlex.quote(str(each)) for each in (here, _free(place / plain))]
    return f"mv {words[0]} {words[1]} && cd {words[1]} && make clean-venv setup"


def _move_cache(cache: str) -> str:
    """The command that moves DVC's cache to a path of ASCII letters."""
    home = Path.home()
    target = _free((home if str(home).isascii() else Path("/var/tmp")) / ".dvc-cache")
    words = [shlex.quote(str(each)) for each in (cache, target)]
    bring = f"mv {words[0]} {words[1]}" if Path(cache).is_dir() else f"mkdir {words[1]}"
    return f"dvc cache dir --local {words[1]} && {bring}"


def _free(path: Path) -> Path:
    while path.exists():
        path = path.with_name(f"{path.name}-2")
    return path
