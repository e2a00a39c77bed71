"""What is wrong with a catalogue, or with the calls that messages are collected from."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message

_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
_FUNCTIONS = ("_", "n_", "marked")
_WORD = re.compile(r"[A-Za-z]{2,}")
# {name}, {name:.2f}, %(name)s; doubled braces and signs stand for themselves.
_PLACEHOLDER = re.compile(r"\{\{|\}\}|%%|(\{[^{}]*\}|%\(\w+\)[a-z])")
# 13.8155, 1/2, 10,000, 2026, 1e-6; a digit within a name such as `beta1` or `float32` is none.
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?(?![A-Za-z0-9_])")


def of_catalogue(catalogue: Catalog) -> list[str]:
    """A line for each message that is not translated, or whose translation cannot be right."""
    return [
        f"{catalogue.domain}: {shown(message)}: {fault}"
        for message in catalogue
        if message.id
        for fault in of_message(message)
    ]


def of_missing(catalogue: Catalog, messages: Catalog) -> list[str]:
    """A line for each message that only the sources have, or only the catalogue."""
    ours = {message.id for message in catalogue if message.id}
    theirs = {message.id for message in messages if message.id}
    return [
        *(f"{catalogue.domain}: {each!r}: not in the catalogue" for each in theirs - ours),
        *(f"{catalogue.domain}: {each!r}: in no source any more" for each in ours - theirs),
    ]


def of_message(message: Message) -> list[str]:
    """What is wrong with the translation of one message."""
    originals = [message.id] if isinstance(message.id, str) else list(message.id)
    given = message.string or ""  # a message that was just added has None
    texts = [given] if isinstance(given, str) else list(given)
    if not all(texts):
        return ["no translation"]
    if message.fuzzy:
        return ["fuzzy: read the translation and take the mark off"]
    found = []
    # The last form of a plural is that of most counts; "one epoch" need not name the count.
    for text in texts:
        if placeholders(originals[-1]) != placeholders(text):
            found.append(
                f"placeholders {_listed(placeholders(originals[-1]))} "
                f"became {_listed(placeholders(text))}"
            )
        if numbers(originals[-1]) != numbers(text):
            found.append(
                f"numbers {_listed(numbers(originals[-1]))} became {_listed(numbers(text))}"
            )
    return found


def placeholders(text: str) -> Counter[str]:
    """The places that values fill, with their formats, each as often as it stands in the text.

    Examples
    --------
    >>> sorted(placeholders("{a} of {b:.1f} and {{c}}"))
    ['{a}', '{b:.1f}']
    """
    return Counter(each for each in _PLACEHOLDER.findall(text) if each)


def numbers(text: str) -> Counter[str]:
    """The numbers written out in a text, each as often as it stands there.

    Examples
    --------
    >>> sorted(numbers("at most 0.6931 in 10,000 steps of {n:.2f}, beta1"))
    ['0.6931', '10000']
    """
    plain = _PLACEHOLDER.sub(" ", text)
    return Counter(each.replace(",", "") for each in _NUMBER.findall(plain))


def of_calls(files: Iterable[Path]) -> list[str]:
    """A line for each call in a module whose message is no literal: it cannot be extracted."""
    found = []
    for file in files:
        if file.suffix == ".py":
            text = file.read_text(encoding="utf-8")
            found += [f"{file}:{fault}" for fault in of_source(text)]
    return found


def of_source(text: str) -> list[str]:
    """The same for one module's text: line and function."""
    found = []
    tree = ast.parse(text)
    # Babel does not look into an f-string.
    hidden = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.JoinedStr)
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in _FUNCTIONS:
            if node in hidden:
                found.append(f"{node.lineno}: {node.func.id}() stands within an f-string")
            taken = node.args[:2] if node.func.id == "n_" else node.args
            if not taken or not all(
                isinstance(each, ast.Constant) and isinstance(each.value, str) for each in taken
            ):
                found.append(f"{node.lineno}: {node.func.id}() takes a literal text only")
    return found + list(_hidden_functions(tree)) + list(_plain_errors(tree))


def _plain_errors(tree: ast.Module) -> Iterator[str]:
    """A line for each UserError with a sentence that was not given to `_`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "UserError" and node.args:
            first = node.args[0]
            parts = first.values if isinstance(first, ast.JoinedStr) else [first]
            words = [
                word
                for part in parts
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
                for word in _WORD.findall(part.value)
            ]
            if len(words) > 2:
                yield f"{node.lineno}: UserError() takes a sentence from _() only"


def _hidden_functions(tree: ast.Module) -> Iterator[str]:
    """A line for each function that calls `_` and also binds it, as in `_, value = pair`.

    The name is then the function's own, and calling it fails.
    """
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        own = list(_own_nodes(function))
        bound = [
            node
            for node in own
            if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
        ]
        calls = any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
            for node in ast.walk(function)
        )
        if bound and calls:
            yield f"{bound[0].lineno}: {function.name} binds `_`, and calls _(): use another name"


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes inside one but those of functions and comprehensions, whose names are their own."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            yield child
            yield from _own_nodes(child)


def shown(message: Message) -> str:
    """The message, shortened, with the files it stands in."""
    text = message.id if isinstance(message.id, str) else message.id[-1]
    places = ", ".join(sorted({place for place, _line in message.locations}))
    return f"{text[:60]!r} ({places})"


def _listed(found: Counter[str]) -> str:
    return ", ".join(sorted(found.elements())) or "none"
