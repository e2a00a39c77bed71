"""The curves that support a verdict: losses, probabilities, gradients, diversity over the steps."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from stages.gan.common.language import marked, translated
from stages.gan.pages.charts import png

_LINES = {
    "losses": {
        marked("discriminator"): "discriminator_loss",
        marked("generator"): "generator_loss",
    },
    "probabilities": {
        marked("D(x), real"): "real_probability",
        marked("D(G(z)), fake"): "fake_probability",
    },
    "gradients": {"discriminator": "discriminator_gradient", "generator": "generator_gradient"},
    "diversity": {marked("generated images"): "diversity"},
}
NAMES = tuple(_LINES)
_TITLES = {
    "losses": marked("losses"),
    "probabilities": marked("probabilities"),
    "gradients": marked("gradients"),
    "diversity": marked("diversity"),
}


def titles() -> dict[str, str]:
    """The curves' names in the language now spoken."""
    return {name: translated(title) for name, title in _TITLES.items()}


def pictures(
    rows: Sequence[Mapping[str, float]],
    loss_levels: Mapping[str, float],
    real_diversity: float,
    marks: Mapping[str, float],
    size: tuple[float, float] = png.SIZE,
) -> dict[str, bytes]:
    """All curves as PNG, by name. A curve without a finite value is left out.

    Parameters
    ----------
    rows, loss_levels, real_diversity
        As `curves` takes them.
    marks : label to a step that is marked in every picture
    size : width and height of a picture in inches
    """
    drawn = curves(rows, loss_levels, real_diversity)
    return {name: png.curves(**curve, marks=marks, size=size) for name, curve in drawn.items()}


def curves(
    rows: Sequence[Mapping[str, float]],
    loss_levels: Mapping[str, float],
    real_diversity: float,
    names: Sequence[str] = NAMES,
) -> dict[str, dict[str, Any]]:
    """For each curve the arguments of `png.curves` and of `vega.curves`.

    All labels are English: see `png`.

    A curve without a finite value is left out.

    Parameters
    ----------
    rows : a history by steps: mappings with `step` and the MEASURES of `training.step.measures`
    loss_levels : label to the height of a dashed line: a loss at equilibrium
    real_diversity : float
        Mean pairwise distance of real images.
    names : the curves, from NAMES
    """
    levels = {"losses": loss_levels, "diversity": {marked("real images"): real_diversity}}
    labels = {
        "losses": "loss",
        "probabilities": marked("probability of being real"),
        "gradients": marked("length of the gradient"),
        "diversity": marked("mean distance of two images"),
    }
    found = {}
    for name in names:
        columns = _LINES[name]
        # Not every row has every measure. Infinite ones cannot be drawn.
        taken = [row for row in rows if all(math.isfinite(row[c]) for c in columns.values())]
        if not taken:
            continue
        found[name] = {
            "x": [row["step"] for row in taken],
            "lines": {label: [row[column] for row in taken] for label, column in columns.items()},
            "levels": levels.get(name, {}),
            "x_label": marked("step"),
            "y_label": labels[name],
            "y_range": (-0.03, 1.03) if name == "probabilities" else None,
            "logarithmic": name == "gradients",
        }
    return found
