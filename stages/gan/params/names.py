"""The one rule for names of data sets.

A name is a key of params.yaml, a part of the names of DVC's stages, and a folder's name in data,
models, metrics and reports. So it may hold nothing that YAML, DVC or a file system reads in another
way, and no path.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

import yaml

from stages.gan.common.language import _

LONGEST = 50
# Keys of params.yaml and dvc.yaml with a meaning of their own, and folders of reports/ that belong
# to no data set.
_RESERVED = ("language", "datasets", "key", "item", "compare", "collapse")
# Windows has devices of these names in every folder.
_PORTS = tuple(f"{port}{number}" for port in ("com", "lpt") for number in range(10))
_DEVICES = ("con", "prn", "aux", "nul", *_PORTS)


def valid() -> str:
    """What `is_valid` asks for, in words."""
    return _(
        "1 to {longest} letters of any language, digits, _ and -, with a letter first, and no word "
        "with another meaning, such as on, null or compare"
    ).format(longest=LONGEST)


def is_valid(name: Any) -> bool:
    """Whether something can name a data set.

    Examples
    --------
    >>> [is_valid(name) for name in ("mnist", "数字", "हिन्दी", "my-faces_2")]
    [True, True, True, True]
    >>> [is_valid(name) for name in ("2024", 2024, "on", "a.b", "a b", "..", "a/b", "nul")]
    [False, False, False, False, False, False, False, False]
    """
    return (
        isinstance(name, str)
        and 0 < len(name) <= LONGEST
        and name[0].isalpha()
        and all(letter.isalnum() or letter in "_-" or _is_mark(letter) for letter in name)
        # A file system may store the same letters in another form, which would be another name.
        and unicodedata.normalize("NFKC", name) == name
        and yaml.safe_load(name) == name
        # Windows and macOS do not tell A from a in the name of a file.
        and name.casefold() not in (*_RESERVED, *_DEVICES)
    )


def same_file(name: str, others: Iterable[Any]) -> str | None:
    """Another of these names that differs from this one in nothing but capital letters.

    Examples
    --------
    >>> same_file("mnist", ["mnist", "MNIST"]), same_file("mnist", ["mnist", "faces"])
    ('MNIST', None)
    """
    return next(
        (each for each in others if each != name and str(each).casefold() == name.casefold()), None
    )


def _is_mark(letter: str) -> bool:
    """Whether it is a part of a letter, as vowels are in Hindi and Thai, and can be seen."""
    is_selector = "\ufe00" <= letter <= "\ufe0f" or letter in "\u034f\u180b\u180c\u180d\u180f"
    return unicodedata.category(letter) in ("Mn", "Mc") and not is_selector


def shown(name: Any) -> str:
    """A name as the message about it shows it: short, and in one line.

    Examples
    --------
    >>> [shown(name) for name in (2024, True, "my digits", "a" * 99)]
    ['2024', 'true', "'my digits'", "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."]
    """
    if name is None or isinstance(name, bool):
        return {None: "null", True: "true", False: "false"}[name]
    text = repr(name)
    return text if len(text) <= LONGEST + 2 else f"{text[:30]}..."
