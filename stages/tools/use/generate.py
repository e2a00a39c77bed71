"""Generate images with a trained generator."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.command import argument_parser, guarded, say
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file, whole_folder
from stages.gan.common.language import _
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data.prepared.arrays import read_array
from stages.gan.trained import grids
from stages.gan.trained.sampling import generate
from stages.tools.use import model


def main() -> None:
    """Parse the command line, and write a grid, an array, or one file per image."""
    parser = argument_parser()
    model.add_options(parser)
    parser.add_argument("--seed", type=int, default=1, help=_("seed of the latent codes, from 0"))
    parser.add_argument("--count", type=int, default=25, help=_("number of images, from 1"))
    parser.add_argument(
        "--codes",
        type=Path,
        help=_("a .npy file of latent codes (N, latent_size); replaces --seed"),
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help=_("grid.png for a grid; images.npy for an array; a folder/ for one file per image"),
    )
    arguments = parser.parse_args()
    checkpoint = model.of(arguments)
    size = checkpoint.description.latent_size
    if arguments.codes:
        codes = read_codes(arguments.codes, size)
    else:
        if arguments.count < 1:
            raise UserError(
                _("--count is {count}: valid is 1 or more").format(count=arguments.count)
            )
        if arguments.seed < 0:
            raise UserError(_("--seed is {seed}: valid is 0 or more").format(seed=arguments.seed))
        codes = latent_codes(stream(arguments.seed, "pictures"), arguments.count, size)
    generator, _discriminator = checkpoint.networks()
    write(generate(generator, codes), arguments.output)
    averaged = _(" with the generator's moving average (EMA)") if checkpoint.averaged else ""
    say(
        _("{count} images{averaged}: {output}").format(
            count=len(codes), averaged=averaged, output=arguments.output
        )
    )


def read_codes(file: Path, size: int) -> NDArray[np.float32]:
    """Latent codes (N, size) from a .npy file, checked for shape and finite values."""
    try:
        codes = read_array(file)
    except FileNotFoundError:
        raise UserError(_("{file} does not exist").format(file=file)) from None
    if codes.ndim != 2 or codes.shape[1] != size or len(codes) == 0:
        raise UserError(
            _("{file} has shape {shape}: valid is (N, {size})").format(
                file=file, shape=codes.shape, size=size
            )
        )
    with np.errstate(over="ignore"):
        values = codes.astype(np.float32)
    if not np.isfinite(values).all():
        raise UserError(
            _("{file} holds values that are not finite as 32-bit floats").format(file=file)
        )
    return values


def write(images: NDArray[np.float32], output: Path) -> None:
    """Write images (N, C, H, W); the name of the output decides the form."""
    if output.suffix.lower() == ".png":
        with whole_file(output) as scratch:
            grids.grid(images).save(scratch, "PNG")
    elif output.suffix.lower() == ".npy":
        with whole_file(output) as scratch, scratch.open("wb") as file:
            np.save(file, images)
    elif output.suffix == "":
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise UserError(
                _("{output} exists already: valid is a new or an empty folder").format(
                    output=output
                )
            )
        with whole_folder(output) as folder:
            for index, image in enumerate(images):
                grids.single(image).save(folder / f"{index:05d}.png")
    else:
        raise UserError(
            _("--output is {output}: valid is a .png, a .npy or a folder").format(output=output)
        )


if __name__ == "__main__":
    guarded(main)
