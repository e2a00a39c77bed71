"""Curves with reference lines, as PNG without date or version."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from stages.gan.pages.figures import png

SIZE = (7.5, 3.6)


def draw(
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
    levels : label to the height of a dashed line; it takes the colour of the line whose
        index it shares
    marks : label to the place on x of a dotted vertical line
    logarithmic : bool
        Whether heights are drawn so down to 1e-8; from there to 0 they are drawn evenly, so
        that a 0 can be seen.
    size : width and height in inches
    """
    # A Figure of our own, not pyplot's: no global state, no window system.
    figure = Figure(figsize=size, dpi=110, layout="tight")
    axes = figure.subplots()
    marker = "." if len(x) < 30 else None
    for index, (label, values) in enumerate(lines.items()):
        axes.plot(x, values, label=label, color=f"C{index}", linewidth=1.3, marker=marker)
    for index, (label, height) in enumerate(levels.items()):
        axes.axhline(height, color=f"C{index}", linestyle="--", linewidth=1, label=label)
    for label, place in (marks or {}).items():
        axes.axvline(place, color="0.35", linestyle=":", linewidth=1.2, label=label)
    if logarithmic:
        axes.set_yscale("symlog", linthresh=1e-8)
        axes.set_ylim(bottom=-1e-9)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    if y_range:
        axes.set_ylim(*y_range)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8)
    return png(figure)
