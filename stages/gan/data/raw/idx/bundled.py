"""`bundled:digits`: real handwritten digits in MNIST's format, for machines without a network.

scikit-learn contains 1,797 digits (Alpaydin and Kaynak 1998) of 8x8 pixels in 17 levels. Each
is enlarged to the 20x20 box and centred in 28x28 pixels, like MNIST's digits.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from stages.gan.data.raw.idx import raw

NAME = "bundled:digits"
_BOX = 24
_SIDE = 28
_TEST_EVERY = 6


def _enlarge(digit: NDArray[np.float64]) -> NDArray[np.uint8]:
    picture = Image.fromarray((digit * (255.0 / 16.0)).astype(np.float32))
    box = np.asarray(picture.resize((_BOX, _BOX), Image.Resampling.BICUBIC))
    # Enlarging blurs the strokes' edges; more contrast about the middle grey sharpens them.
    box = np.clip((box - 128.0) * 1.9 + 128.0, 0, 255)
    margin = (_SIDE - _BOX) // 2
    return np.pad(np.rint(box).astype(np.uint8), margin)


def make(target: Path, count: int | None, stream_at: Callable[[int], np.random.Generator]) -> None:
    """Write the four IDX files; every sixth digit goes into the test split.

    Parameters
    ----------
    target : Path
    count : int, optional
        Use only the first `count` digits, at most 1,797; by default all.
    stream_at : callable
        Index of an image to its random numbers. Not used, because the digits are real.
    """
    digits = load_digits()
    images = np.stack([_enlarge(digit) for digit in digits.images[:count]])
    labels = digits.target[:count].astype(np.uint8)
    test = np.arange(len(images)) % _TEST_EVERY == _TEST_EVERY - 1
    for chosen, image_name, label_name in (
        (~test, raw.TRAIN_IMAGES, raw.TRAIN_LABELS),
        (test, raw.TEST_IMAGES, raw.TEST_LABELS),
    ):
        (target / image_name).write_bytes(encode(images[chosen]))
        (target / label_name).write_bytes(encode(labels[chosen]))


def encode(array: NDArray[np.uint8]) -> bytes:
    """An array of unsigned bytes as an IDX file.

    Examples
    --------
    >>> list(encode(np.array([7, 9], np.uint8)))
    [0, 0, 8, 1, 0, 0, 0, 2, 7, 9]
    """
    header = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array, np.uint8).tobytes()
