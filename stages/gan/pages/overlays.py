"""The same curve of several runs in one drawing, as PNG without date or version."""

import math
from collections.abc import Mapping, Sequence

from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.gan.pages.figures import png

_SIZE = (7.5, 4.4)
# Of the largest height to the usual one, from which on a linear scale would hide all the others.
_FAR_APART = 8.0
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))


def draw(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    levels: Mapping[str, float | None],
    x_label: str,
    y_label: str,
    size: tuple[float, float] = _SIZE,
) -> bytes:
    """Draw a line for each run, and where it would be at equilibrium, as PNG.

    Parameters
    ----------
    lines : name to the places on x and as many heights
        What is not finite is left out.
    levels : name to the height of a dashed line, or None
        If it is the same for all, one grey line is drawn; else one for each in its colour.
    size : width and height in inches
    """
    figure = Figure(figsize=size, dpi=110, layout="tight")
    axes = figure.subplots()
    colours = colormaps["tab10"]
    given = {round(level, 6) for level in levels.values() if level is not None}
    is_common = len(given) == 1 and None not in levels.values()
    drawn: list[float] = []
    for index, (name, (x, heights)) in enumerate(lines.items()):
        colour = colours(index % 10)
        taken = [(a, b) for a, b in zip(x, heights, strict=True) if math.isfinite(b)]
        axes.plot(
            [a for a, _ in taken],
            [b for _, b in taken],
            label=name if taken else f"{name} (nothing finite)",
            color=colour,
            linestyle=_DASHES[index // 10 % len(_DASHES)],
            linewidth=1.3,
            marker="." if len(taken) < 30 else None,
        )
        drawn += [b for _, b in taken]
        level = levels.get(name)
        if level is not None and not is_common:
            axes.axhline(level, color=colour, linestyle="--", linewidth=0.9)
    if is_common:
        axes.axhline(given.pop(), color="0.3", linestyle="--", linewidth=1, label="equilibrium")
    sizes = sorted(abs(height) for height in drawn)
    if sizes and sizes[-1] > _FAR_APART * max(sizes[len(sizes) // 2], 0.1):
        axes.set_yscale("symlog", linthresh=0.1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # epochs or steps
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, ncol=1 + len(lines) // 9)
    return png(figure)
