"""Measures of the classes that the judge finds: coverage and divergence."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from stages.gan.evaluation.quality.scores import Estimate
from stages.gan.evaluation.quality.standard_errors import jackknife, of_share, parts

NAMES = ("class_coverage", "class_divergence")
# A class counts as covered if it is generated at least this often, as a share of the real class.
# One image would not be enough, because the judge gives some images the wrong class.
COVERED = 0.1


def histogram(classes: NDArray[np.integer], number: int) -> NDArray[np.int64]:
    """The number of images in each of `number` classes, (number,)."""
    return np.bincount(classes, minlength=number)


def coverage(real: NDArray[np.integer], generated: NDArray[np.integer]) -> float:
    """The share of the real classes that are generated at least a tenth as often as real.

    Parameters
    ----------
    real, generated : (K,) histograms

    Examples
    --------
    >>> coverage(np.array([50, 50]), np.array([97, 3]))
    0.5
    """
    there = real > 0
    wanted = COVERED * real[there] / real.sum()
    return float(np.mean(generated[there] / generated.sum() >= wanted))


def divergence(real: NDArray[np.integer], generated: NDArray[np.integer]) -> float:
    """KL(generated || real) of two (K,) histograms, in nats, 0 or more.

    In this direction a class that is never generated gives a finite value (as in Lin et al. 2018,
    PacGAN). Half an image is added to each class that either histogram has, so that a class that
    only the generator has gives a finite value too.

    Examples
    --------
    >>> round(divergence(np.array([500, 500]), np.array([1000, 0])), 3)  # ln 2, nearly
    0.689
    """
    there = (real > 0) | (generated > 0)
    p, q = ((counts[there] + 0.5) / (counts[there] + 0.5).sum() for counts in (generated, real))
    return float(np.sum(p * np.log(p / q)))


def coverage_error(real: NDArray[np.integer], generated: NDArray[np.integer]) -> float:
    """The standard error of `coverage` of two (K,) histograms.

    The jackknife does not work for counts compared with a threshold: it mostly gives 0. So p is
    the probability that another draw would cover a class, by the normal approximation, with half
    an image added to the class's generated images. The variance is sum p (1 - p) / K^2. The error
    is never smaller than that of a share of 0 or 1 among so many images (`of_share`).

    In simulations with 200 to 10,000 images in 10 classes it was 0.8 to 1.2 times the true spread
    for classes at the threshold, and 1.6 to 5 times if a class crosses it in a few draws of 100.
    """
    there = real > 0
    sizes = real.sum(), generated.sum()
    shown = (generated[there] + 0.5) / sizes[1]
    wanted = COVERED * real[there] / sizes[0]
    deviations = np.sqrt(shown / sizes[1] + COVERED * wanted / sizes[0])
    covered = norm.cdf((shown - wanted) / deviations)
    error = float(np.sqrt(np.sum(covered * (1.0 - covered)))) / len(covered)
    return max(error, of_share(0.0, int(min(sizes))))


def compare(
    real: NDArray[np.integer], generated: NDArray[np.integer], number: int
) -> dict[str, Estimate]:
    """Both measures for the classes of real (N,) and generated (M,) images.

    The error of class_divergence is the jackknife's over `number` parts. In simulations it was
    0.95 times the true spread for different shares of classes, 1.4 times for equal shares.
    """
    kinds = int(max(real.max(), generated.max())) + 1
    tables = [
        np.stack([histogram(classes[part], kinds) for part in parts(len(classes), number)])
        for classes in (real, generated)
    ]
    whole = [table.sum(axis=0) for table in tables]
    without = [
        divergence(*(all_ - table[part] for all_, table in zip(whole, tables, strict=True)))
        for part in range(number)
    ]
    return {
        "class_coverage": Estimate(coverage(*whole), coverage_error(*whole)),
        "class_divergence": jackknife(divergence(*whole), without),
    }
