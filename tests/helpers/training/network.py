"""Small networks for tests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from mindspore import Tensor, nn

from stages.gan import networks
from stages.gan.layers import spectral
from stages.gan.networks import Description
from stages.gan.trained import checkpoints
from stages.gan.training.optimizers import adam

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


def save_untrained(
    folder: Path, description: Description = _SMALL, epoch: int = 1, seed: int = 4
) -> None:
    """Write a checkpoint of new networks after so many epochs of one step."""
    pair = networks.build(description, seed)
    movers = tuple(
        adam(network, name, 0.002, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    )
    checkpoints.save(folder, description, checkpoints.parts(*pair, movers), epoch, epoch)


def as_if_trained(description: Description, seed: int = 0) -> tuple[nn.Cell, nn.Cell]:
    """Networks in evaluation mode in which no weight and no statistic is as it begins.

    The statistics are those of what passes the networks, as training leaves them.
    """
    generator, discriminator = networks.build(description, seed)
    draw = np.random.default_rng(seed)
    # Of a residual network's layers, each adds to what the ones before it gave.
    gain = 0.5 if description.kind == "residual" else 1.5
    for network in (generator, discriminator):
        for parameter in network.trainable_params():
            values = parameter.asnumpy()
            if values.ndim == 1:
                values = values + draw.normal(0, 0.2, values.shape)
            else:  # so large that some pixels are black, white, or in between
                values = draw.normal(0, gain / max(16, min(values.shape)) ** 0.5, values.shape)
            parameter.set_data(Tensor(values.astype(np.float32)))
    for position, layer in enumerate(spectral.layers(discriminator)):
        layer.start(np.random.default_rng([seed, position]))
    for _ in range(10):
        codes = draw.standard_normal((16, description.latent_size))
        discriminator(generator(Tensor(codes.astype(np.float32))))
    generator.set_train(False)
    discriminator.set_train(False)
    return generator, discriminator
