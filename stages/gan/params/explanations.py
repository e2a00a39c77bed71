"""Makes plain messages about mistakes in params, from pydantic's errors and the schema."""

import difflib
import reprlib
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from stages.gan.common.language import _, marked, translated


def explain(schema: type[BaseModel], dataset: str, problem: Mapping[str, Any]) -> str:
    """Describe one mistake in the params of a data set: its place, the bad value, what is valid.

    Parameters
    ----------
    schema : type of BaseModel
        The model that the params were validated with.
    dataset : str
        The data set's name; each place begins with it.
    problem : Mapping
        One of ValidationError.errors().

    Returns
    -------
    str
        It quotes keys exactly as in the file, so it may have line breaks.
    """
    location = problem["loc"]
    annotation: Any = schema
    metadata: list[Any] = []
    keys: list[str] = []
    reason = ""
    for part in location:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = annotation.model_fields
            if part not in fields:
                place = _place(dataset, [*keys, str(part)])
                return _("unknown key {place}{nearest}").format(
                    place=place, nearest=nearest(part, fields)
                )
            annotation, metadata = fields[part].annotation, fields[part].metadata
            description = fields[part].description
            reason = f" ({translated(description)})" if description else ""
        elif get_origin(annotation) in (list, dict):
            annotation, metadata = get_args(annotation)[-1], []
        else:
            break  # the next part is pydantic's name for a branch of a union
        keys.append(str(part))
    place = _place(dataset, keys)
    if problem["type"] == "missing":
        return _("{place} is missing").format(place=place)
    if problem["type"] == "value_error" and not location:
        return f"{dataset}: {problem['ctx']['error']}"
    valid = _describe(annotation, metadata)
    return _("{place} is {value}: valid is {valid}{reason}").format(
        place=place, value=shown(problem["input"]), valid=valid, reason=reason
    )


def nearest(word: Any, choices: Iterable[Any]) -> str:
    """The end of a message about a misspelt name: the most similar choice, if any, and all choices.

    Examples
    --------
    >>> nearest("mnits", ["mnist", "faces"])
    ', did you mean mnist? (valid: mnist, faces)'
    >>> nearest("x", ["mnist", "faces"])
    ' (valid: mnist, faces)'
    """
    names = [str(choice) for choice in choices]
    close = difflib.get_close_matches(str(word), names, n=1, cutoff=0.5)
    guess = _(", did you mean {name}?").format(name=close[0]) if close else ""
    return guess + _(" (valid: {names})").format(names=", ".join(names))


def _place(dataset: str, keys: list[str]) -> str:
    if keys[:1] == ["kind"]:
        return ".".join(["datasets", dataset, *keys[1:]])
    return ".".join([dataset, *keys])


_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxdict = 20
_SHORT.maxstring = _SHORT.maxlong = _SHORT.maxother = 100


def shown(value: Any) -> str:
    """A value as the file has it, shortened."""
    words = {None: "null", True: "true", False: "false"}
    # reprlib bounds the text: a few lines of YAML with aliases of aliases can be huge values.
    text = words[value] if value is None or isinstance(value, bool) else _SHORT.repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _describe(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        base, *extra = get_args(annotation)
        return _describe(base, [*metadata, *_constraints(extra)])
    if get_origin(annotation) is Literal:
        return " | ".join(str(choice) for choice in get_args(annotation))
    if get_origin(annotation) in (Union, types.UnionType):
        return _(" or ").join(_describe(part, metadata) for part in get_args(annotation))
    if annotation is type(None):
        return "null"
    if get_origin(annotation) is list:
        length = _length(metadata)
        entry = _describe(get_args(annotation)[0], [])
        if length:
            return _("a list of {length} entries, each {entry}").format(length=length, entry=entry)
        return _("a list, each {entry}").format(entry=entry)
    if get_origin(annotation) is dict:
        entry = _describe(get_args(annotation)[1], [])
        return _("a mapping of file name to {entry}").format(entry=entry)
    words = {
        int: _("a whole number"),
        float: _("a number"),
        bool: "true | false",
        str: _("a text"),
    }.get(annotation, _("a mapping of the keys in the shipped params.yaml"))
    if any(getattr(item, "pattern", None) for item in metadata):
        return _("64 hex digits, in lower case")
    if annotation is str and (length := _length(metadata)):
        return _("{words} of {length} characters").format(words=words, length=length)
    bounds = _bounds(metadata)
    return _("{words} {bounds}").format(words=words, bounds=bounds) if bounds else words


def _constraints(extra: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in extra:
        found += getattr(item, "metadata", [item])
    return found


def _length(metadata: list[Any]) -> str:
    least = [item.min_length for item in metadata if getattr(item, "min_length", None) is not None]
    most = [item.max_length for item in metadata if getattr(item, "max_length", None) is not None]
    if most:
        return _("{least} to {most}").format(least=least[0] if least else 0, most=most[0])
    return _("{least} or more").format(least=least[0]) if least else ""


# The bounds that a number has, by pydantic's names: greater or equal, less or equal, and so on.
_BOUNDS = {
    (): "",
    ("ge",): marked("from {ge}"),
    ("gt",): marked("above {gt}"),
    ("le",): marked("to {le}"),
    ("lt",): marked("below {lt}"),
    ("ge", "le"): marked("from {ge} to {le}"),
    ("ge", "lt"): marked("from {ge} below {lt}"),
    ("gt", "le"): marked("above {gt} to {le}"),
    ("gt", "lt"): marked("above {gt} below {lt}"),
}


def _bounds(metadata: list[Any]) -> str:
    found = {
        name: getattr(item, name)
        for name in ("ge", "gt", "le", "lt")
        for item in metadata
        if getattr(item, name, None) is not None
    }
    return translated(_BOUNDS[tuple(found)]).format(**found)
