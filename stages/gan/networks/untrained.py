"""A network with fixed random weights, never trained: features that no data set has shaped.

A judge notices what its task needs, and may overlook the rest. Random convolutions have no task,
and are the same for every data set with as many channels. Naeem et al. 2020 (section 5) recommend
random features where images are unlike ImageNet's; Jarrett et al. 2009 found that random filters
with absolute values recognise objects nearly as well as trained ones. Ours are two 4x4 convolutions
with stride 2, each followed by the absolute value, then a random projection of all positions. All
weights are normal with the variance 1 / inputs. From each filter of the first convolution its mean
is subtracted, so that brightness, in which photographs differ most, does not hide the rest.

This was chosen on damaged images. With brightness, faces with noise or blur were hardly seen. Leaky
ReLU in place of absolute values saw most damages of digits later. So did means over the image in
place of the projection, which hardly saw missing classes. No variant saw missing kinds of face.

It is NumPy's, so it can look at images beside a training by MindSpore.
"""

import numpy as np
from numpy.typing import NDArray

WIDTHS = (32, 64)
FEATURES = 64
_KERNEL = 4
_SEED = 2323


class Untrained:
    """Images (N, C, H, W) in [-1, 1] to features (N, FEATURES) float32; N from 1 on.

    Parameters
    ----------
    image_shape : (channels, height, width)
        Sides from 4 on.
    """

    def __init__(self, image_shape: tuple[int, ...]) -> None:
        channels, *sides = image_shape
        draw = np.random.default_rng(_SEED)
        self._weights: list[NDArray[np.float32]] = []
        for width in WIDTHS:
            inputs = _KERNEL**2 * channels
            filters = _normal(draw, (inputs, width))
            if not self._weights:
                by_channel = filters.reshape(_KERNEL**2, channels, width)
                filters = (by_channel - by_channel.mean(axis=0)).reshape(filters.shape)
            self._weights.append(filters)
            channels = width
            sides = [side // 2 for side in sides]
        inputs = channels * sides[0] * sides[1]
        self._projection = _normal(draw, (inputs, FEATURES))

    def __call__(self, images: NDArray[np.floating]) -> NDArray[np.float32]:
        maps = images.astype(np.float32).transpose(0, 2, 3, 1)
        for weights in self._weights:
            maps = np.abs(_patches(maps) @ weights)
        return maps.reshape(len(maps), -1) @ self._projection


def _normal(draw: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    return (draw.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)


def _patches(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 4x4 surroundings of every second pixel, (N, H // 2, W // 2, 16 C)."""
    height, width = (side // 2 * 2 for side in maps.shape[1:3])
    framed = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    shifted = [
        framed[:, row : row + height : 2, column : column + width : 2]
        for row in range(_KERNEL)
        for column in range(_KERNEL)
    ]
    return np.concatenate(shifted, axis=-1)
