"""Real images damaged in graded ways, as a generator's faults damage its images.

Each level of a damage contains the one before it: the same images are struck, with the same
noise, only more of them or harder, so that chance puts no level out of its order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from stages.gan.common.errors import UserError

SEED = 2323
CRITIC = "critic_bce"
# A critic must learn from its lessons what is bad, so of a few bad images it needs many others.
MANY = 3_000


@dataclass(frozen=True)
class Pool:
    """What damaged samples are made from.

    Parameters
    ----------
    fresh : (N, C, H, W) float32 real images in [-1, 1] that are in no other set, in random order
    classes : (N,) the judge's
    training : (M, C, H, W) images of the training set, M >= count, to copy from the first on
    count : how many images a damaged sample has, at most N
    seed : of what is drawn for the damages
    """

    fresh: np.ndarray
    classes: np.ndarray
    training: np.ndarray
    count: int
    seed: int = SEED

    @property
    def sound(self) -> np.ndarray:
        """The undamaged sample: what a perfect generator would give."""
        return self.fresh[: self.count]


@dataclass(frozen=True)
class Damage:
    """One way to damage a sample.

    Parameters
    ----------
    title : in the table, with {} for the level
    make : (pool, level) -> (count, C, H, W)
    levels : from mild to hard
    seen_by : the measures that are meant to rank its levels
    seen_with_many : those that are meant to where a sample has MANY images
    copies : of a level, how many times each image is there
    """

    title: str
    make: Callable[[Pool, float], np.ndarray]
    levels: tuple[float, ...]
    seen_by: tuple[str, ...]
    seen_with_many: tuple[str, ...] = ()
    copies: Callable[[float], float] = lambda level: 1.0

    def meant(self, samples: int) -> tuple[str, ...]:
        """The measures that are meant to rank its levels with so many images in a sample."""
        return self.seen_by + (self.seen_with_many if samples >= MANY else ())


def _draw(pool: Pool, purpose: int) -> np.random.Generator:
    return np.random.default_rng([pool.seed, purpose])


def noise(pool: Pool, deviation: float) -> np.ndarray:
    """Gaussian noise on every pixel, cut to [-1, 1]."""
    added = _draw(pool, 1).standard_normal(pool.sound.shape, dtype=np.float32)
    return np.clip(pool.sound + np.float32(deviation) * added, -1.0, 1.0)


def blur(pool: Pool, pixels: float) -> np.ndarray:
    """A Gaussian blur of so many pixels' standard deviation."""
    return gaussian_filter(pool.sound, (0, 0, pixels, pixels), mode="nearest")


def dropped(pool: Pool, share: float) -> np.ndarray:
    """So large a share of the classes (the first ones, at least one) is never drawn."""
    kinds = np.unique(pool.classes)
    left_out = kinds[: max(1, round(share * len(kinds)))]
    kept = np.flatnonzero(~np.isin(pool.classes, left_out))
    if len(kept) < pool.count:
        raise UserError(
            f"of {len(pool.fresh):,} images {len(kept):,} are of the classes that are kept, and "
            f"{pool.count:,} are needed: more images, or fewer --samples"
        )
    return pool.fresh[kept[: pool.count]]


def duplicated(pool: Pool, copies: float) -> np.ndarray:
    """Each image so many times, of so many fewer different ones."""
    return pool.sound[np.arange(pool.count) // int(copies)]


def shuffled(pool: Pool, share: float) -> np.ndarray:
    """In that share of the images the patches, 4 by 4 of them, change places."""
    count, channels, height, width = pool.sound.shape
    patches = pool.sound.reshape(count, channels, 4, height // 4, 4, width // 4)
    patches = patches.transpose(0, 2, 4, 1, 3, 5).reshape(count, 16, channels, height // 4, -1)
    orders = _draw(pool, 2).permuted(np.tile(np.arange(16), (count, 1)), axis=1)
    patches = patches[np.arange(count)[:, None], orders]
    patches = patches.reshape(count, 4, 4, channels, height // 4, width // 4)
    images = patches.transpose(0, 3, 1, 4, 2, 5).reshape(pool.sound.shape)
    return _replaced(pool, images, share)


def mixed(pool: Pool, share: float) -> np.ndarray:
    """That share of the images is noise, uniform in [-1, 1]."""
    images = _draw(pool, 3).uniform(-1.0, 1.0, pool.sound.shape).astype(np.float32)
    return _replaced(pool, images, share)


def copied(pool: Pool, share: float) -> np.ndarray:
    """That share of the images is from the training set."""
    return _replaced(pool, pool.training[: pool.count], share)


def _replaced(pool: Pool, others: np.ndarray, share: float) -> np.ndarray:
    images = pool.sound.copy()
    number = round(share * pool.count)
    images[:number] = others[:number]
    return images


# What is mixed in with a share e puts the mixture e^2 of its squared distance of means away, so
# that the kernel distance cannot be meant to see small shares; the Frechet distance can, as it
# compares covariances too, which change with e. Precision and density count images one by one.
#
# Noise and blur are mild, as harder ones leave nothing to rank: with noise of 0.2, 0.4 and 0.8 on
# faces precision was 0.007, 0 and 0 and the kernel distance 7.3, 6.5 and 6.8; with a blur of 1.5
# and 3 pixels the Frechet distance was 45.8 and 45.5. Nor fainter, as precision and density do not
# see noise of 0.05 on digits: they were 0.954 and 1.04, undamaged 0.944 and 1.01.
#
# The critic tells all images with noise or blur from real ones: its cross-entropy is near 0 at
# every level then, and in no order. A share of bad images bounds it from below. With 1,365 faces
# it learned neither what 14 of noise have of their own nor which clusters are dropped: 1.389 and
# 1.392, undamaged 1.388 (errors of 0.002). With 3,333 digits it ranked both.
_DISTANCES = ("frechet_distance", "kernel_distance")
_SHARES = ("frechet_distance", "precision", "density")
DAMAGES = {
    "noise": Damage(
        "Gaussian noise of {}",
        noise,
        (0.1, 0.15, 0.2),
        (*_DISTANCES, "untrained_frechet_distance", "precision", "density"),
    ),
    "blur": Damage(
        "blurred by {} pixels", blur, (0.5, 0.75, 1.0), (*_DISTANCES, "untrained_frechet_distance")
    ),
    "dropped": Damage(
        "share of classes dropped: {}",
        dropped,
        (0.1, 0.2, 0.4),
        ("class_coverage", "class_divergence", "coverage", "recall", "frechet_distance"),
        (CRITIC,),
    ),
    "duplicated": Damage(
        "each image {} times",
        duplicated,
        (2, 5, 20),
        ("coverage", "recall"),
        copies=lambda level: level,
    ),
    "shuffled": Damage(
        "share of images with patches shuffled: {}",
        shuffled,
        (0.05, 0.2, 0.8),
        (*_SHARES, CRITIC),
    ),
    "mixed": Damage(
        "share of images that are noise: {}",
        mixed,
        (0.01, 0.05, 0.2),
        _SHARES,
        (CRITIC,),
    ),
    "copied": Damage(
        "share of images copied from training: {}",
        copied,
        (0.01, 0.05, 0.2),
        ("memorisation", "near_copies"),
    ),
}
