"""The report: everything on one HTML page that needs no network and no other file."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.gan.errors import UserError

_TEMPLATES = Path(__file__).parent / "templates"


def embedded(content: bytes, kind: str) -> Markup:
    """A picture as a data URL; `kind` is png or gif."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")


def embedded_file(file: Path) -> Markup:
    """A picture file as a data URL.

    Raises
    ------
    UserError
        If it is missing.
    """
    try:
        return embedded(file.read_bytes(), file.suffix[1:])
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run `dvc repro` first") from None


def flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as dotted names to values.

    Examples
    --------
    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    rows: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            rows.update(flat(value, f"{prefix}{key}."))
        else:
            rows[f"{prefix}{key}"] = value
    return rows


def render(content: Mapping[str, Any]) -> str:
    """Fill the template; a name it needs and `content` lacks is an error."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(content)
