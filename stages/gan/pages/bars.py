"""Bars side by side, as PNG without date or version."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stages.gan.pages.figures import png

SIZE = (7.5, 2.8)


def draw(groups: Mapping[str, Sequence[float]], x_label: str, y_label: str) -> bytes:
    """Draw each group's bars beside those of the others, as PNG.

    Parameters
    ----------
    groups : label to N heights; the places on x are 0 to N - 1
    """
    figure = Figure(figsize=SIZE, dpi=110, layout="tight")
    axes = figure.subplots()
    width = 0.8 / len(groups)
    for index, (label, heights) in enumerate(groups.items()):
        places = np.arange(len(heights)) - 0.4 + (index + 0.5) * width
        axes.bar(places, heights, width, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(axis="y", alpha=0.25)
    axes.legend(fontsize=8)
    return png(figure)
