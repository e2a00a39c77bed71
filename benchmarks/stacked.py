"""Stacked digits: three digits as the red, green and blue of an image, so 1,000 modes.

    python -m benchmarks.stacked make DIGITS FILE [--train N] [--test N] [--seed S]
    python -m benchmarks.stacked count DIGITS DATASET [--samples N]

DIGITS is a folder in which the stages download, preprocess and judge have run for `mnist`. `make`
writes FILE.npz, which format `idx` reads: each image has three digits drawn at random, of the
training images or of the held-out ones. `count` is run where such a data set was trained, and
takes the checkpoint that `evaluate` scores. The judge of DIGITS names the digit in each colour of
generated images. It prints how many of the 1,000 modes occur, and the Kullback-Leibler divergence
of their shares from those of 1,000 equal ones, in nats (Metz et al. 2017, section 3.3.1, and
Srivastava et al. 2017, VEEGAN, have 26,000 samples).
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation.judge import storage
from stages.gan.trained import choice
from stages.gan.trained.sampling import generate

COLOURS = 3
MODES = 10**COLOURS
_DIGITS = "mnist"


def stacked(digits: NDArray[np.uint8], count: int, draw: np.random.Generator) -> NDArray[np.uint8]:
    """`count` images (count, H, W, 3) of digits (N, H, W), each colour drawn by itself."""
    rows = draw.integers(0, len(digits), (count, COLOURS))
    return np.ascontiguousarray(digits[rows].transpose(0, 2, 3, 1))


def make(digits: Path, file: Path, counts: dict[str, int], seed: int) -> None:
    """Write stacked digits of both splits, as x_train and x_test (N, H, W, 3) uint8."""
    arrays = {}
    for place, (split, count) in enumerate(counts.items()):
        images = prepared.load(digits / paths.prepared(_DIGITS), split).images
        grey = prepared.to_pixels(np.asarray(images))[:, 0]
        arrays[f"x_{split}"] = stacked(grey, count, np.random.default_rng([seed, place]))
    np.savez(file, **arrays)


def modes(images: NDArray[np.floating], judge: storage.Judge) -> NDArray[np.int64]:
    """The mode, 0 to 999, of images (N, 3, H, W): the hundreds are the digit in red."""
    named = [judge.see(images[:, [colour]]).classes for colour in range(COLOURS)]
    return np.asarray(100 * named[0] + 10 * named[1] + named[2], np.int64)


def coverage(found: NDArray[np.int64]) -> tuple[int, float]:
    """How many modes occur, and the divergence (nats) of their shares from equal ones.

    Examples
    --------
    >>> coverage(np.arange(1000))
    (1000, 0.0)
    >>> covered, divergence = coverage(np.array([7, 7, 7, 7]))
    >>> covered, round(divergence, 3)  # ln 1000
    (1, 6.908)
    """
    shares = np.bincount(found, minlength=MODES) / len(found)
    shares = shares[shares > 0]
    divergence = float((shares * np.log(shares * MODES)).sum())
    return len(shares), max(0.0, round(divergence, 12))


def main() -> None:
    """Parse the arguments and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("action", choices=("make", "count"))
    parser.add_argument("digits", type=Path)
    parser.add_argument("target", metavar="FILE|DATASET")
    parser.add_argument("--train", type=int, default=60_000)
    parser.add_argument("--test", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=26_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.action == "make":
        make(
            given.digits,
            Path(given.target),
            {"train": given.train, "test": given.test},
            given.seed,
        )
        return
    which = params.load(paths.PARAMS, given.target).evaluate.checkpoint
    checkpoint = choice.load(paths.models(given.target), which)
    generator, _ = checkpoint.networks()
    draw = stream(given.seed, "evaluation latents")
    codes = latent_codes(draw, given.samples, checkpoint.description.latent_size)
    images = generate(generator, codes, kept_as=prepared.to_levels)
    judge = storage.load(given.digits / paths.judge(_DIGITS))
    covered, divergence = coverage(modes(images, judge))
    print(
        f"epoch {checkpoint.epoch}: {covered} of {MODES} modes in {given.samples} images, "
        f"divergence {divergence:.4f} nats"
    )
    real = prepared.load(paths.prepared(given.target), "test").images
    covered, divergence = coverage(modes(np.asarray(real), judge))
    print(f"held-out images: {covered} modes in {len(real)}, divergence {divergence:.4f} nats")


if __name__ == "__main__":
    main()
