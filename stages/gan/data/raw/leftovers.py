"""What a source holds beside the files that are used: counted, named, and said in words.

Nothing in a source is left out without a word. Files are counted by the ending of their names.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from stages.gan.common.language import _, marked, translated
from stages.gan.data.raw.archives import Container

# Endings of packed files and archives.
_ARCHIVES = (
    "zip", "tar", "gz", "tgz", "bz2", "tbz", "tbz2", "xz", "txz", "7z", "rar", "zst", "npz",
)  # fmt: skip
_NOTES = "__MACOSX"
MACOS = marked("notes of macOS")
NO_ENDING = marked("without an ending")
# So many names are kept and said of each kind.
_FIRST = 5


def is_note(name: str) -> bool:
    """Whether a file is what macOS writes beside each file of an archive.

    Examples
    --------
    >>> is_note("__MACOSX/faces/1.jpg"), is_note("faces/._1.jpg"), is_note("faces/1.jpg")
    (True, True, False)
    """
    *folders, last = name.split("/")
    return last.startswith("._") or _NOTES in folders


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, without the dot; "" if there is none.

    Examples
    --------
    >>> ending_of("a/B.JPG"), ending_of("a.b/c"), ending_of(".hidden")
    ('jpg', '', '')
    """
    stem, _, ending = PurePosixPath(name).name.rpartition(".")
    return ending.lower() if stem and len(ending) <= 20 else ""


def count(
    container: Container, used: Collection[str], opened: Collection[str] = (), name_of_set: str = ""
) -> dict[str, Any]:
    """Everything in a container but the files that are used.

    Parameters
    ----------
    container : Container
    used : collection of str
    opened : collection of str
        Endings of packed files that the format does open, so that they are no archives to it.
    name_of_set : str
        The name of the set that the used files have in common, such as emnist-letters.

    Returns
    -------
    dict
        `set`: its name; `files`: ending to the number of files; `archives`: how many there are, and
        the first names; `unreachable`: how many, and the first names, each with the reason.
    """
    files: Counter[str] = Counter()
    archives = []
    known = set(used)
    for name in container.names():
        if name in known:
            continue
        ending = ending_of(name)
        if is_note(name):
            files[MACOS] += 1
        elif ending in _ARCHIVES and ending not in opened:
            archives.append(printable(name))
        else:
            files[f".{printable(ending)}" if ending else NO_ENDING] += 1
    unreachable = container.unreachable()
    return {
        "set": name_of_set,
        "files": dict(sorted(files.items())),
        "archives": {"count": len(archives), "first": archives[:_FIRST]},
        "unreachable": {
            "count": len(unreachable),
            "first": {printable(name): unreachable[name] for name in [*unreachable][:_FIRST]},
        },
    }


def printable(name: str) -> str:
    """A name as it can be shown and stored, with escapes for odd letters; long ones are cut."""
    text = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in name[:101]
    )
    return text if len(name) <= 100 else f"{text[:100]}..."


NOTHING: dict[str, Any] = {
    "set": "",
    "files": {},
    "archives": {"count": 0, "first": []},
    "unreachable": {"count": 0, "first": {}},
}


def lines(left: Mapping[str, Any]) -> list[str]:
    """Sentences about what `count` has found; none if nothing is left out."""
    found = []
    if files := left["files"]:
        total = sum(files.values())
        kinds = ", ".join(f"{number:,} {translated(ending)}" for ending, number in _most(files))
        found.append(
            _("left out, by the ending of the name: {total:,} ({kinds})").format(
                total=total, kinds=kinds
            )
        )
    if left["archives"]["count"]:
        found.append(
            _(
                "archives inside the source, which are not opened: {names}. To use what is "
                "in them, unpack them, and name the folder instead"
            ).format(names=_named(left["archives"]))
        )
    if left["unreachable"]["count"]:
        places = left["unreachable"]["first"]
        names = [f"{name} ({translated(why)})" for name, why in places.items()]
        more = left["unreachable"]["count"] - len(names)
        found.append(
            _(
                "not followed: {names}. To use what a link leads to, copy the source with "
                "cp -rL, which puts the files in place of the links, and name the copy"
            ).format(names=_joined(names, more))
        )
    return found


def _most(files: Mapping[str, int]) -> Iterable[tuple[str, int]]:
    ordered = sorted(files.items(), key=lambda pair: (-pair[1], pair[0]))
    yield from ordered[:10]
    if rest := ordered[10:]:
        yield _("of other endings"), sum(number for _, number in rest)


def _named(kind: Mapping[str, Any]) -> str:
    return _joined(kind["first"], kind["count"] - len(kind["first"]))


def _joined(names: Iterable[str], more: int) -> str:
    return ", ".join([*names, *([_("and {more:,} more").format(more=more)] if more else [])])
