"""The grids of single epochs, for a reader to go through: which ones a page shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from stages.gan import pages
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, to_terminal

# A page shows at most so many grids, and at most so many bytes of them.
MOST = 60
BYTES = 4_000_000
# Without JavaScript it shows a row of so many.
FEW = 6


@dataclass(frozen=True)
class Grid:
    """The grid of an epoch.

    Parameters
    ----------
    epoch : int
    picture : Markup
        A data URL.
    in_row : bool
        Whether it is shown without JavaScript, too.
    """

    epoch: int
    picture: Markup
    in_row: bool


@to_terminal()
def files(folder: Path) -> dict[int, Path]:
    """The pictures of a folder of `paths.training_pictures`: epoch to file, in order.

    Raises
    ------
    UserError
        If there is none.
    """
    found = {int(file.stem): file for file in (folder / paths.EPOCHS).glob("*.png")}
    if not found:
        raise UserError(
            _("{folder} has no picture of an epoch: run `dvc repro` first").format(folder=folder)
        )
    return dict(sorted(found.items()))


def grids(folder: Path) -> list[Grid]:
    """The grids that a page shows: all, or as many as MOST and BYTES allow.

    Raises
    ------
    UserError
        If there is no picture of an epoch.
    """
    found = files(folder)
    mean = sum(file.stat().st_size for file in found.values()) / len(found)
    shown = chosen(list(found), max(FEW, min(MOST, int(BYTES / mean))))
    row = set(evenly(shown, FEW))
    return [Grid(epoch, pages.embedded_file(found[epoch]), epoch in row) for epoch in shown]


def chosen(epochs: Sequence[int], most: int) -> list[int]:
    """At most `most` epochs: all at the beginning (a third), where most happens, then evenly.

    Examples
    --------
    >>> chosen(range(1, 101), 9)
    [1, 2, 3, 4, 23, 42, 62, 81, 100]
    """
    if len(epochs) <= most:
        return list(epochs)
    first = most // 3
    return [*epochs[:first], *evenly(epochs[first:], most - first)]


def evenly(epochs: Sequence[int], number: int) -> list[int]:
    """So many of the epochs, the first and the last among them; all if they are not more.

    Examples
    --------
    >>> evenly(range(1, 101), 4)
    [1, 34, 67, 100]
    """
    if len(epochs) <= number:
        return list(epochs)
    last = len(epochs) - 1
    return [epochs[round(place * last / (number - 1))] for place in range(number)]


def told(shown: Sequence[int], every: Sequence[int]) -> str:
    """A sentence that says which of all epochs are shown.

    Examples
    --------
    >>> told([1, 2, 3], [1, 2, 3])
    'All 3 epochs are shown.'
    >>> told([1, 2, 5, 9], range(1, 10))
    'Shown are 4 of 9 epochs: all up to epoch 2, then evenly spaced ones.'
    """
    if len(shown) == len(every):
        if len(shown) == 1:
            return _("There is one epoch.")
        return _("All {count} epochs are shown.").format(count=len(shown))
    same = [a for a, b in zip(shown, every, strict=False) if a == b]
    return _(
        "Shown are {count} of {all} epochs: all up to epoch {last}, then evenly spaced ones."
    ).format(count=len(shown), all=len(every), last=same[-1])
