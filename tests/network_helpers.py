"""Small networks for tests."""

from dataclasses import replace

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
