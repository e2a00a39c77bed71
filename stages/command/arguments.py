"""Parses a command's arguments; help and errors are in the terminal's language."""

import argparse
import gettext
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from stages.gan.common import language
from stages.gan.common.language import marked, translated

# The words of argparse that a user of these commands sees. It says them through gettext itself.
WORDS = (
    marked("usage: "),
    marked("positional arguments"),
    marked("options"),
    marked("show this help message and exit"),
    marked("%(prog)s: error: %(message)s\n"),
    marked("argument %(argument_name)s: %(message)s"),
    marked("the following arguments are required: %s"),
    marked("unrecognized arguments: %s"),
    marked("ambiguous option: %(option)s could match %(matches)s"),
    marked("expected one argument"),
    marked("expected at least one argument"),
    marked("ignored explicit argument %r"),
    marked("invalid %(type)s value: %(value)r"),
    marked("invalid choice: %(value)r (choose from %(choices)s)"),
)
# Where gettext's functions for a whole program, which argparse calls, read the language.
_VARIABLE = "LANGUAGE"


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        with _in_our_language():
            super().__init__(**settings)

    def parse_args(self, *given: Any) -> Any:  # type: ignore[override]
        with _in_our_language():
            return super().parse_args(*given)

    def error(self, message: str) -> NoReturn:
        with _in_our_language():
            super().error(message)


def argument_parser() -> argparse.ArgumentParser:
    """A parser whose description is the first line of the running command's docstring."""
    module = sys.modules["__main__"]
    name = module.__spec__.name.removesuffix(".__main__") if module.__spec__ else ""
    return _Parser(
        prog=f"python -m stages {name.rpartition('.')[2]}",
        description=translated((module.__doc__ or "").partition("\n")[0]),
    )


@contextmanager
def _in_our_language() -> Iterator[None]:
    """Within it, argparse finds its words in our catalogue. Other programs are not told of it."""
    before = gettext.textdomain(), os.environ.get(_VARIABLE)
    gettext.bindtextdomain(language.TERMINAL, str(language.FOLDER))
    gettext.textdomain(language.TERMINAL)
    os.environ[_VARIABLE] = language.spoken()
    try:
        yield
    finally:
        gettext.textdomain(before[0])
        if before[1] is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before[1]
