"""Both networks of the lecture, as the recipe `lecture` has them."""

from types import SimpleNamespace

import numpy as np

from benchmarks import lecture
from stages.gan.data.prepared import Split
from stages.gan.training.assembly import describe

# The shapes of the lecture's data; all else is the recipe.
_DATA = {"mlp": ("mnist", (1, 28, 28)), "dcgan": ("faces", (3, 64, 64))}


def recipe(network: str) -> SimpleNamespace:
    """The fields of a network's Description, with learning_rate, beta1 and beta2."""
    dataset, image_shape = _DATA[network]
    settings = lecture.settings(dataset)
    empty = Split(
        np.empty((0, *image_shape), np.float16),
        np.empty((0, settings.preprocess.latent_size), np.float32),
        None,
    )
    optimizer = {key: getattr(settings.train, key) for key in ("learning_rate", "beta1", "beta2")}
    return SimpleNamespace(**describe(settings, empty).to_json(), **optimizer)


def description(problem: SimpleNamespace):
    """The Description in it."""
    from stages.gan.networks import Description

    fields = Description.__dataclass_fields__
    return Description.from_json({k: v for k, v in vars(problem).items() if k in fields})
