"""Finds the commands that messages and pages of this project print."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.helpers.project import ROOT

# A command in back quotes, or one that a text gives without them.
_QUOTED = re.compile(r"`((?:{})?(?:dvc|git|make|python|mv|cp|rm|cd)\b[^`]*)`")
_HTML = re.compile(r"<code>((?:dvc|git|make|python) [^<]*)</code>")
_PLAIN = re.compile(
    r"(?:^|[(:] |run )"
    r"((?:dvc (?!\.)|git (?!ended|cannot|was)|python -m stages|mv \{|cp -|rm )[^`)]*)"
)
# A place of a message that is filled in, as gettext's messages have it.
_PLACE = re.compile(r"\{\w+(?:![rs])?(?::[^{}]*)?\}")


def pieces() -> set[tuple[str, str]]:
    """Every piece of advice: the file within stages/, and the command as the source writes it.

    An expression in a command stands there as {}. `{_remove(...)} && ...` is one of its parts.
    """
    found = set()
    for file in sorted((ROOT / "stages").rglob("*.py")):
        for text in _texts(file):
            found |= {(_name(file), command) for command in commands(text)}
    for file in sorted((ROOT / "stages").rglob("*.html")):
        content = file.read_text(encoding="utf-8")
        found |= {(_name(file), command) for command in _HTML.findall(content)}
    return found


def commands(text: str) -> list[str]:
    """The commands in a message; those in back quotes, if there are any."""
    return _QUOTED.findall(text) or [each.strip() for each in _PLAIN.findall(text)]


def _name(file: Path) -> str:
    return file.relative_to(ROOT / "stages").as_posix()


def _texts(file: Path) -> Iterator[str]:
    """All strings of a module but its docstrings, with {} for what is filled in."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    left_out = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            left_out.add(id(body[0].value))
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(value) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(value.value) if isinstance(value, ast.Constant) else "{}"
                for value in node.values
            )
        elif isinstance(node, ast.Constant) and id(node) not in left_out:
            yield _PLACE.sub("{}", node.value) if isinstance(node.value, str) else ""
