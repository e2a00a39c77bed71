"""The tables of figures on a page: the scores of the images, and the discriminator's losses.

Nothing here needs MindSpore.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.gan.measures import Measure
from stages.gan.pages import error_bars
from stages.gan.params import Train

# Without options these are the same measure, and the table need not show it twice.
_CROSS_ENTROPIES = ("bce", "bce_with_logits", "softplus")


def score_table(measures: Sequence[Measure], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table of scores, each with its value and floor and the errors of both.

    Parameters
    ----------
    measures : those of one section
    found : that section of evaluate.json
    """
    return [
        {
            "name": measure.name,
            "sentence": measure.sentence,
            **found[measure.key],
            "drawing": (
                "" if found[measure.key]["value"] is None else error_bars.draw(**found[measure.key])
            ),
        }
        for measure in measures
    ]


def loss_table(evaluate: Mapping[str, Any], train: Train) -> list[dict[str, Any]]:
    """What D and G reach on held-out images, with a sentence each.

    The training loss has rows of its own if it is another measure than the plain cross-entropy.
    """
    bce = evaluate["bce"]
    own = evaluate["training_loss"]
    point = own["equilibrium_point"]
    probability = point["probability"] if point else None
    sentences = {
        "real": "How surprised D is by real images: 0 if it is sure of each.",
        "fake": "How surprised D is by generated images: 0 if it unmasks each.",
        "discriminator": "The sum of the two, what D tries to make small.",
        "generator": "What G tries to make small: large if D unmasks its images.",
    }
    rows = [
        _row(f"cross-entropy, {name} (nats)", **_figure(bce[name]), sentence=sentence)
        for name, sentence in sentences.items()
    ]
    options = train.loss_options
    changed = (options.weight, options.pos_weight, options.label_smoothing) != (1.0, 1.0, 0.0)
    if own["name"] not in _CROSS_ENTROPIES or changed:
        same = "The same in the loss that the networks were trained with, an image."
        rows += [
            _row(f"{own['name']}, {name}", **_figure(own[name]), sentence=same)
            for name in sentences
        ]
    return [
        *rows,
        _row(
            "mean D(x)",
            evaluate["real_probability"],
            probability,
            "How real D finds real images on average.",
        ),
        _row(
            "mean D(G(z))",
            evaluate["fake_probability"],
            probability,
            "How real D finds generated images on average.",
        ),
        _row(
            "D's accuracy",
            evaluate["accuracy"],
            0.5,
            "The share of images that D sorts rightly; guessing gives a half.",
        ),
        _row(
            "JSD, lower bound (nats)",
            evaluate["jsd_lower_bound"],
            0.0,
            "What D's loss proves: real and generated images are at least this far apart, of "
            "0.6931 at most. 0 proves nothing, as D may just be weak.",
        ),
    ]


def _row(name: str, value: float, equilibrium: float | None, sentence: str) -> dict[str, Any]:
    return {"name": name, "value": value, "equilibrium": equilibrium, "sentence": sentence}


def _figure(term: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": term["value"], "equilibrium": term["equilibrium"]}
