"""Exports both networks to files that run without this project, and compares each with ours.

    generator.onnx          latent_code (N, latent_size) -> image (N, C, H, W) in [-1, 1]
    discriminator.onnx      image -> logit (N, 1), probability (N, 1)
    generator.mindir        the same, for MindSpore
    discriminator.mindir

All files compute as in evaluation mode, with any N.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from mindspore import nn, ops
from numpy.typing import NDArray
from scipy.special import expit

from stages.gan.common.compiled import put
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.export import mindir_files, onnx_files
from stages.gan.export.plain import as_plain
from stages.gan.networks import Description
from stages.gan.trained import sampling

TOLERANCE = 1e-5
# If values within the network are large, float32 cannot keep TOLERANCE. Then a file may differ by
# this factor times the effect of one unit in the last place of every weight. (Measured: up to 1.5.)
_TIMES_ROUNDING = 5
GENERATOR = {"onnx": "generator.onnx", "mindir": "generator.mindir"}
DISCRIMINATOR = {"onnx": "discriminator.onnx", "mindir": "discriminator.mindir"}
# MindSpore's own convolution is very slow on a CPU.
_FEW = 2


class _WithProbability(nn.Cell):
    """Logits (N, 1) of a discriminator, and their sigmoid."""

    def __init__(self, discriminator: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.discriminator = discriminator

    def construct(self, image):
        logit = self.discriminator(image)
        return logit, ops.sigmoid(logit)


def export(
    folder: Path,
    description: Description,
    generator: nn.Cell,
    discriminator: nn.Cell,
    codes: NDArray[np.float32],
    images: NDArray[np.float32],
) -> dict[str, float]:
    """Write all four files into a folder and compare each with the networks.

    Parameters
    ----------
    folder : Path
        It must be there.
    description, generator, discriminator
        From a checkpoint.
    codes : (N, latent_size)
    images : (M, C, H, W)
        Files and networks are compared on these, in one batch and on the first one alone. MindIR
        is compared on the first few only.

    Returns
    -------
    dict of file name to the largest `difference` of images or logits

    Raises
    ------
    UserError
        If a difference is above TOLERANCE and larger than rounding explains, or if an output of
        the networks is not finite.
    """
    plain = as_plain(description, generator, discriminator)
    code, image = (description.latent_size,), description.image_shape
    onnx_files.write(
        folder / GENERATOR["onnx"], plain[0], "Latent codes, N(0, I), to images in [-1, 1].",
        ("latent_code", code), {"image": image},
    )  # fmt: skip
    onnx_files.write(
        folder / DISCRIMINATOR["onnx"], plain[1], "Images in [-1, 1] to D's logit of being real.",
        ("image", image), {"logit": (1,), "probability": (1,)},
    )  # fmt: skip
    mindir_files.write(folder / GENERATOR["mindir"], plain[0], code)
    mindir_files.write(folder / DISCRIMINATOR["mindir"], _WithProbability(plain[1]), image)

    found = {}
    for names, values, outputs_of, network in (
        (GENERATOR, codes, sampling.generate, generator),
        (DISCRIMINATOR, images, _column_of_logits, discriminator),
    ):
        ours = outputs_of(network, values)
        if not np.isfinite(ours).all():
            raise UserError(
                _(
                    "{file} cannot be made: the network's outputs are not finite, because "
                    "its training diverged; first try a smaller learning_rate"
                ).format(file=names["onnx"])
            )
        for form, run, sizes in (
            ("onnx", onnx_files.run, (len(values), 1)),
            ("mindir", mindir_files.run, (_FEW, 1)),
        ):
            name = names[form]
            results = run(folder / name, *(values[:size] for size in sizes))
            found[name] = max(
                _apart(outputs, ours[:size]) for size, outputs in zip(sizes, results, strict=True)
            )
            allowed = TOLERANCE
            if found[name] > allowed:
                with _nudged(network):
                    rounding = difference(outputs_of(network, values), ours)
                allowed = max(allowed, _TIMES_ROUNDING * rounding)
            if found[name] >= allowed:
                raise UserError(
                    _(
                        "{name} differs from the trained network by {difference:.2g}, "
                        "valid is up to {allowed:.2g}: nothing is exported, because the "
                        "file computes other values"
                    ).format(name=name, difference=found[name], allowed=allowed)
                )
    return found


def difference(theirs: NDArray[np.floating], ours: NDArray[np.floating]) -> float:
    """The largest difference of two arrays, divided by the largest value if that is above 1.

    Infinite if their shapes differ or a value is not finite.
    """
    if theirs.shape != ours.shape or not (np.isfinite(theirs).all() and np.isfinite(ours).all()):
        return np.inf
    scale = max(1.0, float(np.abs(ours).max()))
    return float(np.abs(theirs.astype(np.float64) - ours).max()) / scale


def _apart(outputs: Sequence[NDArray[np.float32]], ours: NDArray[np.floating]) -> float:
    """The difference of images or logits; probabilities are compared with their logits' sigmoid."""
    first, *rest = outputs
    own = [difference(probability, expit(first)) for probability in rest]
    return max([difference(first, ours), *own])


def _column_of_logits(discriminator: nn.Cell, images: NDArray[np.float32]) -> NDArray[np.float64]:
    return sampling.logits(discriminator, images)[:, None]


@contextmanager
def _nudged(network: nn.Cell) -> Iterator[None]:
    """Move every weight and statistic to the next float32 number, and back at the end."""
    draw = np.random.default_rng(0)
    parameters = list(network.get_parameters())
    before = [np.array(parameter.asnumpy()) for parameter in parameters]
    try:
        for parameter, values in zip(parameters, before, strict=True):
            towards = np.where(draw.random(values.shape) < 0.5, -np.inf, np.inf)
            moved = np.nextafter(values, towards.astype(np.float32))
            put(parameter, moved)
        yield
    finally:
        for parameter, values in zip(parameters, before, strict=True):
            put(parameter, values)
