"""Finds the four IDX files of MNIST and similar data sets in a container."""

from pathlib import Path, PurePosixPath

from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.gan.data.raw.archives import Container, copy_bounded, gunzipped

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
HASHED = FILES


def gather(container: Container, target: Path, maximum_bytes: int) -> None:
    """Copy the four files into `target`; .gz files are unzipped.

    Raises
    ------
    UserError
        If a file is missing, damaged or too large.
    """
    found = {PurePosixPath(name).name: name for name in container.names()}
    for file in FILES:
        inside = found.get(file) or found.get(f"{file}.gz")
        if inside is None:
            raise UserError(f"{file} is not in the source (nor {file}.gz)")
        with container.open(inside) as stream:
            if inside.endswith(".gz"):
                with gunzipped(stream, inside) as unzipped:
                    copy_bounded(unzipped, target / file, maximum_bytes, inside)
            else:
                copy_bounded(stream, target / file, maximum_bytes, inside)


def identities(folder: Path) -> dict[str, str]:
    """The sha256 of each file."""
    return {file: sha256(folder / file) for file in FILES}
