"""The pictures of the page: real images on one sheet, and the grids of training's epochs."""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.prepared import to_pixels
from stages.gan.pages import embedded, embedded_picture

# Bytes before base64, which adds a third. With these and the networks the page stays small.
MOST_OF_SHEET = 1_300_000
MOST_OF_EPOCHS = 2_400_000
# The page's game needs ten real images, and more to be played again.
FEWEST, MOST = 40, 400
_QUALITY = 88


def how_many(image_shape: Sequence[int]) -> int:
    """The number of images (channels, height, width) that a sheet may hold."""
    # PNG stores a face in about half the bytes of its pixels.
    return min(MOST, max(FEWEST, 2 * MOST_OF_SHEET // math.prod(image_shape)))


def sheet(images: NDArray[np.floating]) -> dict[str, Any]:
    """Images (N, C, H, W) in [-1, 1], side by side in one picture without gaps, row by row.

    Returns
    -------
    {count, columns, sprite}; `sprite` is a PNG as a data URL, black where it has no image.
    """
    count, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    places = np.zeros((rows * columns, channels, height, width), np.uint8)
    places[:count] = to_pixels(images)
    pixels = (
        places.reshape(rows, columns, channels, height, width)
        .transpose(0, 3, 1, 4, 2)
        .reshape(rows * height, columns * width, channels)
    )
    picture = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
    return {"count": count, "columns": columns, "sprite": embedded_picture(picture)}


def epochs(folder: Path, most_bytes: int = MOST_OF_EPOCHS) -> list[dict[str, Any]]:
    """The grids that training drew after each epoch, in order: {epoch, picture}.

    If they are too large they become JPEGs. If these are too large, too, evenly spread ones are
    taken, with both ends.

    Raises
    ------
    UserError
        If there is none.
    """
    numbers = sorted(int(file.stem) for file in folder.glob("*.png"))
    if not numbers:
        raise UserError(_("{folder} has no pictures: run `dvc repro` first").format(folder=folder))
    contents = [(folder / f"{number}.png").read_bytes() for number in numbers]
    kind = "png"
    if sum(map(len, contents)) > most_bytes:
        contents, kind = [_as_jpeg(content) for content in contents], "jpeg"
    total = sum(map(len, contents))
    places: Sequence[int] = range(len(numbers))
    if total > most_bytes:
        count = max(2, most_bytes * len(numbers) // total)
        places = [round(i * (len(numbers) - 1) / (count - 1)) for i in range(count)]
    return [{"epoch": numbers[i], "picture": embedded(contents[i], kind)} for i in places]


def _as_jpeg(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(content)) as picture:
        picture.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return buffer.getvalue()
