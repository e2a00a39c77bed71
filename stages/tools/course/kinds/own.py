"""A value that the student reads from an own result: it is compared with that result itself.

Trained weights and scores differ between processors, so no answer for all students can be kept.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml

from stages.gan.common.language import _
from stages.gan.common.yaml_files import NO_YAML
from stages.tools.course.kinds import exact, values
from stages.tools.course.kinds.number import as_number
from stages.tools.course.outcomes import RIGHT, Outcome, State
from stages.tools.course.places import Place

NEEDS_ANSWER = True
# Digits of a hash that are enough: nobody types them by chance.
_DIGITS = 8
_HASHES = {"sha256": hashlib.sha256, "md5": hashlib.md5}
# The hash that dvc.lock has of an out.
_LOCKED = "dvc"
_FIELDS = ("file", "key", "digest", "within")


def seal(task: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """File and key: there is nothing to hide.

    Raises
    ------
    ValueError
        If the task has neither `key` nor a known `digest`, or both.
    """
    if ("key" in task) == ("digest" in task):
        raise ValueError(_("it needs either `key` or `digest`"))
    if "digest" in task and task["digest"] not in (*_HASHES, _LOCKED):
        raise ValueError(
            _("digest {digest!r}: choose one of {valid}").format(
                digest=task["digest"], valid=", ".join((*_HASHES, _LOCKED))
            )
        )
    return {name: task[name] for name in _FIELDS if name in task}


def check(entry: Mapping[str, Any], answer: object, place: Place) -> Outcome:
    """Compare the answer with the value in the student's file, or with the file's hash."""
    try:
        if "digest" in entry:
            expected = _digest(place, entry["file"], entry["digest"])
            text = str(answer).strip().lower() if isinstance(answer, str | int) else ""
            is_right = len(text) >= _DIGITS and expected.startswith(text)
        else:
            value = values.value_of(place, entry["file"], entry["key"])
            is_right = _is_close(answer, value, entry.get("within", 0.0))
    except values.Unreadable as reason:
        return Outcome(State.WRONG if place.is_whole else State.UNSEEN, entry["look"], str(reason))
    return RIGHT if is_right else Outcome(State.WRONG, entry["look"])


def _is_close(answer: object, value: Any, within: float) -> bool:
    number, expected = as_number(answer), as_number(value)
    if number is None or expected is None:
        return exact.canonical(answer) == exact.canonical(value) is not None
    return abs(number - expected) <= within


def _digest(place: Place, file: str, kind: str) -> str:
    if kind == _LOCKED:
        return _locked(place, file)
    content = place.read(file)
    if content is None:
        raise values.Unreadable(_("{file} is not there.").format(file=file))
    return _HASHES[kind](content).hexdigest()


def _locked(place: Place, path: str) -> str:
    """The md5 of an out in dvc.lock."""
    try:
        stages = yaml.safe_load(place.read("dvc.lock") or b"")["stages"].values()
        outs = [out for stage in stages for out in stage.get("outs", [])]
        return next(str(out["md5"]) for out in outs if out["path"] == path)
    except StopIteration:
        raise values.Unreadable(
            _("{file} has no {key}.").format(file="dvc.lock", key=path)
        ) from None
    except (*NO_YAML, TypeError):
        raise values.Unreadable(_("dvc.lock is missing or damaged.")) from None
