"""The charts of the pages, as PNG: curves, bars, dots, and one curve for each of several runs.

A chart holds no date and no version, so the same values give the same bytes.

Labels are symbols and Latin letters in every language. Matplotlib brings no font with Chinese
letters: it would draw boxes, or take a font of this machine, and the bytes would depend on it.
Charts that the browser draws (`vega`) and all texts around a picture are in the page's language.
"""

import io
import math
import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from stages.gan.pages.charts.plain_matplotlib import plain

with plain():
    from matplotlib import colormaps
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

SIZE = (7.5, 3.6)
_BARS_SIZE = (7.5, 2.8)
_OVERLAY_SIZE = (7.5, 4.4)
# If there are fewer points than this, each is also drawn as a dot.
_FEW = 30
# The ratio of the largest to the median height. From here on a linear scale would hide the rest.
_FAR_APART = 8.0
# The ratio of the largest to the smallest of some dots from which their scale is logarithmic.
_WIDE = 30.0
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))


def encoded(figure: Figure) -> bytes:
    """The figure as PNG, without date or version: the same drawing gives the same bytes."""
    buffer = io.BytesIO()
    # `savefig` gives the same, but draws all of it once more to arrange it.
    if (arranging := figure.get_layout_engine()) is not None:
        arranging.execute(figure)
        figure.set_layout_engine("none")
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    levels: Mapping[str, float],
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    marks: Mapping[str, float] | None = None,
    logarithmic: bool = False,
    size: tuple[float, float] = SIZE,
) -> bytes:
    """Draw lines over x with reference levels, as PNG.

    Parameters
    ----------
    x : sequence of N floats
    lines : label to N values
    levels : label to the height of a dashed line
        It has the colour of the line with the same index.
    marks : label to the place on x of a dotted vertical line
    logarithmic : bool
        Whether the scale of heights is logarithmic above 1e-8. It is linear from there to 0, so
        that a 0 can be drawn.
    size : width and height in inches
    """
    figure, axes = _empty(size)
    marker = "." if len(x) < _FEW else None
    for index, (label, values) in enumerate(lines.items()):
        axes.plot(x, values, label=label, color=f"C{index}", linewidth=1.3, marker=marker)
    for index, (label, height) in enumerate(levels.items()):
        axes.axhline(height, color=f"C{index}", linestyle="--", linewidth=1, label=label)
    for label, place in (marks or {}).items():
        axes.axvline(place, color="0.35", linestyle=":", linewidth=1.2, label=label)
    if logarithmic:
        axes.set_yscale("symlog", linthresh=1e-8)
        axes.set_ylim(bottom=-1e-9)
    if y_range:
        axes.set_ylim(*y_range)
    axes.grid(alpha=0.25)
    return _finished(figure, axes, x_label, y_label)


def bars(groups: Mapping[str, Sequence[float]], x_label: str, y_label: str) -> bytes:
    """Draw the bars of several groups side by side, as PNG.

    Parameters
    ----------
    groups : label to N heights; the places on x are 0 to N - 1
    """
    figure, axes = _empty(_BARS_SIZE)
    width = 0.8 / len(groups)
    for index, (label, heights) in enumerate(groups.items()):
        places = np.arange(len(heights)) - 0.4 + (index + 0.5) * width
        axes.bar(places, heights, width, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", alpha=0.25)
    return _finished(figure, axes, x_label, y_label)


def overlay(
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    levels: Mapping[str, float | None],
    x_label: str,
    y_label: str,
    groups: Mapping[str, str] | None = None,
    size: tuple[float, float] = _OVERLAY_SIZE,
) -> bytes:
    """Draw a line for each run, and its height at equilibrium, as PNG.

    Parameters
    ----------
    lines : name to the places on x and their heights
        Heights that are not finite are left out.
    levels : name to the height of a dashed line, or None
        If all are the same, one grey line is drawn; otherwise one line per run, in its colour.
    groups : name to the name of its group; None if each run is a group of its own
        The lines of a group have one colour, and one entry in the legend.
    size : width and height in inches
    """
    figure, axes = _empty(size)
    colours = colormaps["tab10"]
    group_of = groups or {name: name for name in lines}
    order = {group: index for index, group in enumerate(dict.fromkeys(map(group_of.get, lines)))}
    shown: set[str] = set()
    given = {round(level, 6) for level in levels.values() if level is not None}
    is_common = len(given) == 1 and None not in levels.values()
    drawn: list[float] = []
    for name, (x, heights) in lines.items():
        group = group_of[name]
        index = order[group]
        colour = colours(index % 10)
        taken = [(a, b) for a, b in zip(x, heights, strict=True) if math.isfinite(b)]
        axes.plot(
            [a for a, _ in taken],
            [b for _, b in taken],
            label=None
            if group in shown and taken
            else group
            if taken
            else f"{name} (nothing finite)",
            color=colour,
            linestyle=_DASHES[index // 10 % len(_DASHES)],
            linewidth=1.3,
            marker="." if len(taken) < _FEW else None,
        )
        if taken:
            shown.add(group)
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
    axes.grid(alpha=0.25)
    return _finished(figure, axes, x_label, y_label, columns=1 + len(order) // 9)


def points(
    groups: Mapping[str, Sequence[float]],
    x_label: str,
    mean: Callable[[Sequence[float]], float] = statistics.fmean,
) -> bytes:
    """Draw a row of dots for each group, one dot a value, and a line at their mean, as PNG.

    Parameters
    ----------
    groups : name to one or more values; the first group stands at the top
        If all are above 0 and far apart, the scale is logarithmic.
    x_label : str
    mean : callable
        What computes the mean of a group: the arithmetic one, or another.
    """
    figure, axes = _empty((_OVERLAY_SIZE[0], 1.1 + 0.42 * len(groups)))
    colours = colormaps["tab10"]
    for index, values in enumerate(groups.values()):
        colour = colours(index % 10)
        axes.plot(values, [index] * len(values), "o", color=colour, alpha=0.7, markersize=7)
        axes.plot([mean(values)] * 2, [index - 0.32, index + 0.32], color=colour, linewidth=2)
    drawn = [value for values in groups.values() for value in values]
    if 0 < _WIDE * min(drawn) < max(drawn):
        axes.set_xscale("log")
    axes.set_yticks(range(len(groups)), list(groups), fontsize=8)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlabel(x_label)
    axes.grid(axis="x", which="both", alpha=0.25)
    return encoded(figure)


def _empty(size: tuple[float, float]) -> tuple[Figure, Axes]:
    # A Figure of our own, not pyplot's: no global state, no window system.
    figure = Figure(figsize=size, dpi=110, layout="tight")
    return figure, figure.subplots()


def _finished(figure: Figure, axes: Axes, x_label: str, y_label: str, columns: int = 1) -> bytes:
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(fontsize=8, ncol=columns)
    return encoded(figure)
