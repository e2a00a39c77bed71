"""A quick score of the generated images after each epoch: a sliced Wasserstein distance.

The features of generated and of real images, by `networks.untrained`, are brought to a form in
which the real ones vary alike in all directions. Without this the amount of ink decides: a blur of
the right darkness, early in a run of digits, scored as well as the legible digits at its end.

Then they are projected on random directions. On a line the Wasserstein distance of two equally
large sets is that of their sorted values; the root of the mean of its squares over the directions
is the sliced distance (Bonneel et al. 2015). Berthet et al. 2026 (MIND, arXiv 2605.06797) show for
the features of Inception that it needs a tenth of the images that a Frechet distance needs. Here
random features take the place of Inception's.

The real images are set aside from the training images, and nothing is trained on them. The held-out
images of `evaluate` stay unseen, so a checkpoint can be chosen by this score.
"""

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.common.randomness import latent_codes, stream
from stages.gan.common.runtime import one_blas_thread
from stages.gan.data.prepared import Split, array_files, to_levels
from stages.gan.networks.untrained import FEATURES, Untrained
from stages.gan.trained.sampling import generate

DIRECTIONS = 128
# Added to each variance, as a share of their mean: few images do not tell the smallest ones.
_RIDGE = 0.1
# Images whose features are computed together: they fit into a core's cache.
_TOGETHER = 100


def distance(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The sliced Wasserstein distance of (N, D) and (N, D) projections, each column sorted.

    Examples
    --------
    >>> distance(np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]]))
    2.0
    """
    return float(np.sqrt(np.mean(np.square(one - other, dtype=np.float64))))


class QuickScore:
    """Scores a generator against real images that were set aside.

    Parameters
    ----------
    images : (N, C, H, W) in [-1, 1], real
    latent_size : int
    seed : int
        Of the latent codes and the directions. They are the same after every epoch, so that the
        score changes with the generator alone.
    """

    def __init__(self, images: NDArray[np.floating], latent_size: int, seed: int) -> None:
        draw = stream(seed, "quick score")
        self._codes = latent_codes(draw, len(images), latent_size)
        directions = draw.standard_normal((FEATURES, DIRECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        self._network = Untrained(images.shape[1:])
        with one_blas_thread():
            real = self._features(images)
            self._directions = (whitening(real) @ directions).astype(np.float32)
            self._real = np.sort(real @ self._directions, axis=0)

    def of(self, generator: nn.Cell) -> float:
        """The distance of its images from the real ones, 0 or more; lower is better."""
        images = generate(generator, self._codes, kept_as=to_levels)
        with one_blas_thread():
            return distance(np.sort(self._features(images) @ self._directions, axis=0), self._real)

    def _features(self, images: NDArray[np.floating]) -> NDArray[np.float32]:
        parts = array_files.blocks(len(images), images.shape[1:], _TOGETHER)
        return np.concatenate([self._network(images[part]) for part in parts])


def whitening(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """A of x -> x A, (F, F): after it (N, F) features vary by 1 in each direction, or by less.

    Less where they vary little, because of the ridge.
    """
    plain = features - features.mean(axis=0, dtype=np.float64)
    variances, vectors = np.linalg.eigh(plain.T @ plain / len(plain))
    # A single image, or equal ones, have no variance at all.
    ridge = max(_RIDGE * float(variances.mean()), 1e-12)
    return vectors / np.sqrt(np.maximum(variances, 0.0) + ridge) @ vectors.T


def set_aside(data: Split, count: int, seed: int) -> tuple[Split, NDArray[np.float32]]:
    """The training images without `count` of them, which are drawn, and those.

    Parameters
    ----------
    data : Split
    count : int
        From 1 to fewer than there are.
    """
    order = stream(seed, "set aside").permutation(len(data))
    return data.only(np.sort(order[count:])), data.batch(np.sort(order[:count]))
