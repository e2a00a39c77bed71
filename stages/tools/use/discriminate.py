"""Print the probability that images are real, according to a trained discriminator."""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.data.prepared import normalise
from stages.gan.data.prepared.arrays import read_array
from stages.gan.data.raw import account, leftovers
from stages.gan.data.raw.archives import open_container
from stages.gan.data.raw.images.raw import image_names
from stages.gan.data.raw.images.reader import decode
from stages.gan.losses.equilibrium import probability
from stages.gan.trained import checkpoints
from stages.gan.trained.sampling import logits


def main() -> None:
    """Parse the command line; print the logit and the probability of being real of each image."""
    parser = argument_parser()
    parser.add_argument("dataset", help=_("a key of params.yaml's `datasets`"))
    parser.add_argument(
        "images", nargs="+", type=Path, help=_("PNG, JPEG or .npy files, or folders")
    )
    parser.add_argument(
        "--model",
        type=Path,
        help=_("a checkpoint folder; default: models/<dataset>/checkpoints/final"),
    )
    arguments = parser.parse_args()
    params.check_name(paths.PARAMS, arguments.dataset)
    checkpoint = checkpoints.load(arguments.model or paths.models(arguments.dataset))
    shape = checkpoint.description.image_shape
    files = [file for place in arguments.images for file in files_of(place)]
    batches = [read(file, shape) for file in files]
    _generator, discriminator = checkpoint.networks()
    for file, images in zip(files, batches, strict=True):
        found = logits(discriminator, images)
        for index, (logit, chance) in enumerate(zip(found, probability(found), strict=True)):
            name = f"{file}[{index}]" if len(images) > 1 else str(file)
            say(f"{name}\t{logit:.4g}\t{chance:#.3g}")


def files_of(place: Path) -> list[Path]:
    """A file itself, or all images of a folder and its subfolders, by name.

    What is left out of the folder is told on stderr.

    Raises
    ------
    UserError
        If a folder holds no image.
    """
    if not place.is_dir():
        return [place]
    with open_container(place, 0) as container:
        names = image_names(container)
        told = leftovers.lines(leftovers.count(container, names))
    if not names:
        raise UserError("; ".join([_("{place} holds no image").format(place=place), *told]))
    for line in told:  # beside the table, which others may read
        print(f"{place}: {line}", file=sys.stderr)
    return [place / name for name in names]


def read(file: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1] from one file.

    A picture is converted to grey or colour as the model needs, but never resized: its height and
    width must fit. A .npy file holds (C, H, W), (N, C, H, W), or (H, W) for grey, as uint8 from 0
    to 255 or as floats in [-1, 1].
    """
    channels, height, width = shape
    if file.suffix.lower() == ".npy":
        return from_array(file, shape)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise UserError(_("{file} does not exist").format(file=file)) from None
    try:
        pixels = decode(content, None, channels)
    except UserError as error:
        raise UserError(f"{file}: {account.why(str(error))}") from None
    if pixels.shape[1:] != (height, width):
        raise UserError(
            _("{file} has {own_width} x {own_height} pixels: valid is {width} x {height}").format(
                file=file,
                own_width=pixels.shape[2],
                own_height=pixels.shape[1],
                width=width,
                height=height,
            )
        )
    return normalise(pixels[None]).astype(np.float32)


def from_array(file: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Images (N, C, H, W) in [-1, 1] from a .npy file; see `read`."""
    try:
        array = read_array(file)
    except FileNotFoundError:
        raise UserError(_("{file} does not exist").format(file=file)) from None
    original = array.shape
    if array.ndim == 2 and shape[0] == 1:
        array = array[None]
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[1:] != shape or len(array) == 0:
        raise UserError(
            _("{file} has shape {found}: valid is {shape} or (N, {several}").format(
                file=file, found=original, shape=shape, several=str(shape)[1:]
            )
        )
    if array.dtype == np.uint8:
        return normalise(array).astype(np.float32)
    if array.dtype.kind != "f" or not (np.abs(array) <= 1).all():
        raise UserError(
            _("{file}: valid is uint8 from 0 to 255, or floats in [-1, 1]").format(file=file)
        )
    return array.astype(np.float32)


if __name__ == "__main__":
    guarded(main)
