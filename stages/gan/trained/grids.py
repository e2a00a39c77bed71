"""Draws grids of images, and animations of grids."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.gan.data.prepared import to_pixels

# Images in a grid of train (after every epoch) and of evaluate: 5 rows of 5.
COUNT = 25
_GAP = 2
_BACKGROUND = 255


def grid(images: NDArray[np.floating], columns: int | None = None, zoom: int = 1) -> Image.Image:
    """Place images in rows on a white background.

    Parameters
    ----------
    images : (N, channels, height, width) in [-1, 1], with 1 or 3 channels
    columns : int, optional
        Images per row; by default the grid is as square as possible.
    zoom : int
        Each pixel becomes zoom x zoom.
    """
    pixels = to_pixels(images)
    count, channels, height, width = pixels.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    shape = (rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, channels)
    canvas = np.full(shape, _BACKGROUND, np.uint8)
    for index, image in enumerate(pixels):
        top = _GAP + index // columns * (height + _GAP)
        left = _GAP + index % columns * (width + _GAP)
        canvas[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    picture = _picture(canvas)
    return picture.resize((shape[1] * zoom, shape[0] * zoom), Image.Resampling.NEAREST)


def single(image: NDArray[np.floating]) -> Image.Image:
    """One image (channels, height, width) in [-1, 1], without a background."""
    return _picture(to_pixels(image).transpose(1, 2, 0))


def _picture(canvas: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(canvas[:, :, 0] if canvas.shape[2] == 1 else canvas)


def animate(files: Sequence[Path], target: Path, milliseconds: int = 200, most: int = 60) -> None:
    """Write pictures of one size as an endless GIF; the last one stays for two seconds.

    If there are more than `most` pictures, `most` evenly spread ones are used, with both ends.
    """
    if len(files) > most:
        files = [files[round(i * (len(files) - 1) / (most - 1))] for i in range(most)]
    frames = []
    for file in files:
        with Image.open(file) as picture:
            frames.append(picture.convert("P", palette=Image.Palette.ADAPTIVE))
    durations = [milliseconds] * (len(frames) - 1) + [2000]
    frames[0].save(
        target, save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=2
    )
