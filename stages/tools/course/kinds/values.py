"""Reads one value from a student's file: JSON, YAML, or a column of a CSV."""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from stages.gan.common.language import _
from stages.gan.common.yaml_files import NO_YAML
from stages.tools.course.kinds.number import as_number
from stages.tools.course.places import Place

# What a key of a CSV says first: which of a column's numbers.
_OF_COLUMN: Mapping[str, Callable[[Sequence[float]], float]] = {
    "first": lambda numbers: numbers[0],
    "last": lambda numbers: numbers[-1],
    "min": min,
    "max": max,
}
_MOST_BYTES = 1 << 24


class Unreadable(Exception):
    """There is no such file or value; the message says which."""


def value_of(place: Place, file: str, key: str) -> Any:
    """The value under a dotted key.

    Parameters
    ----------
    place : Place
    file : path from the project's folder: .json, .yaml, .lock (YAML) or .csv
    key : dotted names; of a CSV last.column, first.column, min.column or max.column

    Raises
    ------
    Unreadable
        If the file is missing or damaged, or has no such key.
    """
    content = place.read(file)
    if content is None:
        raise Unreadable(_("{file} is not there.").format(file=file))
    try:
        if len(content) > _MOST_BYTES:
            raise ValueError(_("it is too large"))
        text = content.decode("utf-8")
        if PurePosixPath(file).suffix == ".csv":
            return _of_column(text, key)
        is_json = PurePosixPath(file).suffix == ".json"
        found = json.loads(text) if is_json else yaml.safe_load(text)
    except (*NO_YAML, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise Unreadable(
            _("{file} cannot be read ({reason}).").format(file=file, reason=reason)
        ) from None
    for name in key.split("."):
        if not isinstance(found, dict) or name not in found:
            raise Unreadable(_("{file} has no {key}.").format(file=file, key=key))
        found = found[name]
    return found


def _of_column(text: str, key: str) -> float:
    which, _dot, column = key.partition(".")
    rows = list(csv.DictReader(io.StringIO(text)))
    numbers = [as_number(row.get(column)) for row in rows]
    known = [number for number in numbers if number is not None]
    if which not in _OF_COLUMN or not known:
        raise ValueError(_("no numbers for {key}").format(key=key))
    return _OF_COLUMN[which](known)
