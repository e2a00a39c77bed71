"""Small networks for tests."""

from dataclasses import replace

import numpy as np
from mindspore import Tensor, nn

from stages.gan import networks
from stages.gan.networks import Description

_SMALL = Description(
    kind="mlp",
    image_shape=(1, 8, 8),
    latent_size=6,
    generator_widths=(8, 12),
    generator_activation="relu",
    generator_slope=0.2,
    generator_batch_norm=True,
    discriminator_widths=(12, 8),
    discriminator_activation="leaky_relu",
    discriminator_slope=0.2,
    discriminator_batch_norm=False,
)


def describe(kind: str, **changes) -> Description:
    """A small network of that kind; dcgan's discriminator is normalised, as in the paper."""
    return replace(_SMALL, kind=kind, **{"discriminator_batch_norm": kind == "dcgan", **changes})


def as_if_trained(description: Description, seed: int = 0) -> tuple[nn.Cell, nn.Cell]:
    """Networks in evaluation mode in which no weight and no statistic is as it begins."""
    pair = networks.build(description, seed)
    draw = np.random.default_rng(seed)
    for network in pair:
        for parameter in network.get_parameters():
            values = parameter.asnumpy()
            if parameter.name.endswith("moving_variance"):
                values = draw.uniform(0.3, 3.0, values.shape)
            elif not parameter.name.endswith((".u", ".v")):  # of spectral norm, of length 1
                values = values + draw.normal(0, 0.1, values.shape)
            parameter.set_data(Tensor(values.astype(np.float32)))
        network.set_train(False)
    return pair
