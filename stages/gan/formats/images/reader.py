"""Image files of any size and mode as square arrays of one size."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from stages.gan.containers import open_container
from stages.gan.errors import UserError
from stages.gan.formats.images import raw
from stages.gan.params import Preprocess
from stages.gan.prepared import SPLITS, Prepared, open_array, write_images
from stages.gan.randomness import stream as stream_of

_MAXIMUM_PIXELS = 50_000_000
_ALL = "all_images"
_MODES = {1: "L", 3: "RGB"}
# What Pillow's readers of the various formats raise at damaged files.
_DAMAGES = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    RuntimeError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
)


def decode(content: bytes, size: int | None, channels: int) -> NDArray[np.uint8]:
    """Decode one image; cut out its central square and resize it if a size is given.

    Parameters
    ----------
    content : bytes
        A JPEG, PNG or other file that Pillow reads, in any mode; transparency is put on
        white.
    size : int, optional
        Height and width of the result; the image keeps its own if not given.
    channels : int
        1 for grey, 3 for red, green and blue.

    Returns
    -------
    uint8 array of shape (channels, height, width)

    Raises
    ------
    UserError
        If it is empty, truncated, no image, or has more than 50 million pixels.
    """
    if not content:
        raise UserError("empty file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as picture:
                if picture.width * picture.height > _MAXIMUM_PIXELS:
                    raise UserError(f"{picture.width} x {picture.height} pixels, too many")
                flat = _flat(picture, channels)
    except UnidentifiedImageError:
        raise UserError("no image that can be read") from None
    except _DAMAGES as error:
        raise UserError(f"broken image: {error}") from None
    if size is not None:
        side = min(flat.size)
        left, top = (flat.width - side) // 2, (flat.height - side) // 2
        square = flat.crop((left, top, left + side, top + side))
        flat = square.resize((size, size), Image.Resampling.BICUBIC)
    pixels = np.asarray(flat)
    return pixels.transpose(2, 0, 1) if channels == 3 else pixels[None]


def _flat(picture: Image.Image, channels: int) -> Image.Image:
    """Any mode as 8-bit grey or colour: 16 bits scaled down, transparency put on white."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        levels = np.asarray(picture, np.float64)
        if not np.isfinite(levels).all():
            raise UserError("values that are not finite")
        top = 65535.0 if picture.mode != "F" else max(float(levels.max()), 1.0)
        picture = Image.fromarray(np.clip(levels / top * 255, 0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    return picture.convert(_MODES[channels])


def prepare(source: Path, target: Path, settings: Preprocess) -> Prepared:
    """Decode all images, hold some out, and write both splits into `target`.

    A file that is no sound image is skipped, and named in the result. The images pass
    through a file on disk, so memory does not grow with their number.

    Raises
    ------
    UserError
        If fewer than two images can be used.
    """
    size, channels = settings.image_size, settings.channels
    rejected = {}
    accepted = 0
    with open_container(source / raw.ARCHIVE, 1 << 62) as container:
        names = raw.image_names(container)[: settings.maximum_images]
        pixels = open_array(target, _ALL, (len(names), channels, size, size), np.uint8)
        for name in names:
            with container.open(name) as stream:
                content = stream.read()
            try:
                pixels[accepted] = decode(content, size, channels)
                accepted += 1
            except UserError as error:
                rejected[name] = str(error)
    if accepted < 2:
        raise UserError(f"{accepted} of {len(names)} images can be used, at least 2 are needed")
    held_out = min(max(1, round(accepted * settings.test_fraction)), settings.test_maximum)
    held_out = min(held_out, accepted - 1)
    order = stream_of(settings.seed, "split").permutation(accepted)
    splits = {"train": np.sort(order[held_out:]), "test": np.sort(order[:held_out])}
    for split in SPLITS:
        write_images(target, split, pixels, splits[split])
    (target / f"{_ALL}.npy").unlink()
    return Prepared({split: len(splits[split]) for split in SPLITS}, rejected)
