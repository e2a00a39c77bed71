"""The HTML pages of a run. Each is one file and needs no network."""

import base64
import io
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL.Image import Image

from stages.gan.common import language
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, to_terminal
from stages.gan.common.yaml_files import as_yaml

_TEMPLATES = Path(__file__).parent / "templates"


def embedded(content: bytes, kind: str) -> Markup:
    """A picture as a data URL; `kind` is png or gif."""
    return Markup(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")


def embedded_picture(picture: Image) -> Markup:
    """A picture in memory as a data URL."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return embedded(buffer.getvalue(), "png")


@to_terminal()
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
        raise UserError(_("{file} is missing: run `dvc repro` first").format(file=file)) from None


def embedded_json(value: Any) -> Markup:
    """JSON for a <script> element: `<` is escaped, so that no text can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def commands(dataset: str, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """For each change that is advised, the command that tries it; "" if there is none.

    There is none for a data set whose name has other letters than a to z: DVC's -S knows no others.
    """
    return [
        f"dvc exp run -S {_setting(dataset, change)} report@{dataset}"
        if change["param"].startswith("train.") and dataset.isascii()
        else ""
        for change in changes
    ]


def _setting(dataset: str, change: Mapping[str, Any]) -> str:
    """A change in the form of `-S`, as a word of the shell."""
    value = change["value"]
    text = f"[{','.join(map(as_yaml, value))}]" if isinstance(value, list) else as_yaml(value)
    return shlex.quote(f"{dataset}.{change['param']}={text}")


def render(
    content: Mapping[str, Any], template: str = "report.html", folder: Path = _TEMPLATES
) -> str:
    """Fill a template of a folder, in the language now spoken: see `language.speaking`.

    It is an error if `content` lacks a name that the template needs.
    """
    environment = Environment(
        extensions=["jinja2.ext.i18n"],
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        language.translated, language.n_, newstyle=True
    )
    environment.globals["tag"] = language.TAGS[language.spoken()]
    return environment.get_template(template).render(content)
