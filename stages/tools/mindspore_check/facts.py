"""What a fact is: a heading of docs/mindspore.md, and a function that looks whether it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True)
class Seen:
    """What a check saw: whether the fact holds, and the figures in one line."""

    holds: bool
    figures: str


@dataclass(frozen=True)
class Fact:
    """A fact. `heading` is a heading of docs/mindspore.md; `check` takes a second or less."""

    heading: str
    check: Callable[[], Seen]


def fact(heading: str) -> Callable[[Callable[[], Seen]], Fact]:
    """Make a fact of the function that checks it."""

    def make(check: Callable[[], Seen]) -> Fact:
        return Fact(heading, check)

    return make


def facts_of(module: ModuleType) -> tuple[Fact, ...]:
    """The facts of a module, in the order of their definition."""
    return tuple(value for value in vars(module).values() if isinstance(value, Fact))


def short(*numbers: float) -> str:
    """Numbers with four digits, separated by commas.

    Examples
    --------
    >>> short(1.20761, 0.0)
    '1.208, 0'
    """
    return ", ".join(f"{float(number):.4g}" for number in numbers)
