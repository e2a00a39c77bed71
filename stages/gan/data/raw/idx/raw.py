"""Finds the IDX files of MNIST and of similar sets in a source, whatever their names there.

They are known by their names: MNIST's and Kaggle's (train-images-idx3-ubyte,
train-images.idx3-ubyte), EMNIST's (emnist-letters-train-images-idx3-ubyte), QMNIST's
(qmnist-test-labels-idx2-int), those of KMNIST and Fashion-MNIST, which are MNIST's, KMNIST's
NumPy archives (kmnist-train-imgs.npz), and the arrays of Keras's mnist.npz (x_train, y_train,
x_test, y_test). They are stored as they are, under the
names of MNIST's files, whatever type of number they hold.
"""

import hashlib
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.gan.common.language import _, marked, translated
from stages.gan.data.raw import leftovers
from stages.gan.data.raw.archives import Container, copy_bounded, open_container
from stages.gan.data.raw.packed import complain_if_other, unpacked

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
# A set needs the first of these only. Labels and a test split are used where they are.
FILES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
HASHED = FILES
_READ = marked(
    "IDX files named like MNIST's (train-images-idx3-ubyte), Kaggle's, EMNIST's or QMNIST's, also "
    "packed as .gz, .bz2 or .xz, KMNIST's .npz and Keras's mnist.npz"
)
_PACKED = ("gz", "bz2", "xz")
_NPZ = "npz"
_NAME = re.compile(
    r"(?:(?P<subset>.+?)-)??(?:(?P<split>train|training|t10k|test)-)?"
    r"(?P<kind>images?|imgs|labels?)(?:-(?P<idx>idx\d?(?:-\w+)?)|-ubyte)?"
)
_ARRAYS = re.compile(
    r"(?:(?P<kind>[xy])_(?P<split>train|test)|(?P<split2>train|test)[_-](?P<kind2>images|labels))\.npy"
)
_NPY = b"\x93NUMPY"


class _Place(NamedTuple):
    """A file of a source: its name there, its role (a name of FILES), and its subset."""

    name: str
    role: str
    subset: str


def _placed(name: str) -> _Place | None:
    """What a file is, by its name.

    Examples
    --------
    >>> _placed("gzip/emnist-letters-test-images-idx3-ubyte.gz")[1:]
    ('t10k-images-idx3-ubyte', 'emnist-letters')
    >>> _placed("train-labels.idx1-ubyte")[1:]
    ('train-labels-idx1-ubyte', '')
    >>> _placed("readme.txt") is None
    True
    """
    last = PurePosixPath(name).name.lower()
    if leftovers.is_note(name):
        return None
    if found := _ARRAYS.fullmatch(last):
        is_image = (found["kind"] or found["kind2"]) in ("x", "images")
        is_test = (found["split"] or found["split2"]) == "test"
        return _Place(name, _role(is_image, is_test), "")
    for ending in (*_PACKED, _NPZ):
        last = last.removesuffix(f".{ending}")
    found = _NAME.fullmatch(re.sub(r"[._ ]+", "-", last))
    # "images" alone is a likely name of anything; "images.idx3-ubyte" is not.
    if not found or not (found["split"] or found["idx"]):
        return None
    is_test = found["split"] in ("t10k", "test")
    return _Place(name, _role(found["kind"][0] == "i", is_test), found["subset"] or "")


def _role(is_image: bool, is_test: bool) -> str:
    if is_image:
        return TEST_IMAGES if is_test else TRAIN_IMAGES
    return TEST_LABELS if is_test else TRAIN_LABELS


def gather(
    container: Container, target: Path, maximum_bytes: int, subset: str | None = None
) -> dict[str, Any]:
    """Copy the files into `target`; packed ones (.gz, .bz2, .xz) are unpacked.

    Parameters
    ----------
    container : Container
    target : Path
    maximum_bytes : int
        Upper bound of each file's size.
    subset : str, optional
        Which of several sets: the beginning of its files' names, or a folder they lie in.

    Returns
    -------
    dict
        What else the container holds; see `leftovers.count`.

    Raises
    ------
    UserError
        If there are no training images, or several sets and no subset that tells one; if a file is
        damaged, too large, or neither an IDX nor a .npy file.
    """
    names = container.names()
    places = [place for place in map(_placed, names) if place]
    if len(names) == 1:  # a source of a single file needs no name
        places = [_Place(names[0], TRAIN_IMAGES, "")]
    chosen = _of_subset(places, subset)
    by_role: dict[str, list[str]] = defaultdict(list)
    for place in chosen:
        by_role[place.role].append(place.name)
    if TEST_IMAGES not in by_role:
        by_role.pop(TEST_LABELS, None)
    used = {name for found in by_role.values() for name in found}
    left = leftovers.count(container, used, _PACKED, chosen[0].subset if chosen else "")
    if TRAIN_IMAGES not in by_role:
        missing = _(
            "{train_images} is not in the source (nor {train_images}.gz); read are {read}"
        ).format(train_images=TRAIN_IMAGES, read=translated(_READ))
        raise UserError("; ".join([missing, *leftovers.lines(left)]))
    for role, found in by_role.items():
        _copy_one_of(container, found, target / role, maximum_bytes)
    return left


def _of_subset(places: list[_Place], subset: str | None) -> list[_Place]:
    """The files of one set.

    Raises
    ------
    UserError
        If there is no such subset, or there are several and none is named.
    """
    if subset is not None:
        wanted = subset.lower()
        places = [
            place
            for place in places
            if place.subset == wanted
            or place.subset.endswith(f"-{wanted}")
            or wanted in map(str.lower, PurePosixPath(place.name).parts[:-1])
        ]
        if not places:
            raise UserError(
                _("the source has no files of download.subset {subset!r}").format(subset=subset)
            )
    subsets = sorted({place.subset for place in places if place.role == TRAIN_IMAGES})
    if len(subsets) > 1 and "" not in subsets:
        raise UserError(
            _("the source holds several sets: set download.subset to one of {subsets}").format(
                subsets=", ".join(subsets)
            )
        )
    one = subsets[0] if subsets else ""
    return [place for place in places if place.subset == one]


def _copy_one_of(container: Container, names: list[str], target: Path, maximum_bytes: int) -> None:
    """Copy a file that a source may hold more than once, under several names.

    Raises
    ------
    UserError
        If two of them differ: then nobody knows which is meant.
    """
    first, *others = names
    with _opened(container, first, maximum_bytes) as stream:
        copy_bounded(stream, target, maximum_bytes, first)
    for other in others:
        digest = hashlib.sha256()
        size = 0
        with _opened(container, other, maximum_bytes) as stream:
            while (block := stream.read(1 << 20)) and size <= maximum_bytes:
                digest.update(block)
                size += len(block)
        if digest.hexdigest() != sha256(target):
            raise UserError(
                _(
                    "the source holds {first} and {other}, which differ: set "
                    "download.subset to the folder of the one to use"
                ).format(first=first, other=other)
            )


@contextmanager
def _opened(container: Container, name: str, maximum_bytes: int) -> Iterator[BinaryIO]:
    with container.open(name) as packed, unpacked(packed, name) as (stream, start):
        if _is_idx(start) or start.startswith(_NPY):
            yield stream
            return
        if name.lower().endswith(f".{_NPZ}"):
            with _only_array(stream, name, maximum_bytes) as array:
                yield array
            return
        complain_if_other(name, start)
        reverse = _(", in reverse order (little-endian)") if _is_idx(start[3::-1]) else ""
        raise UserError(
            _(
                "{name} is neither an IDX nor a .npy file, plain or packed: it begins with "
                "0x{start}{reverse}"
            ).format(name=name, start=start[:4].hex(), reverse=reverse)
        )


def _is_idx(start: bytes) -> bool:
    return len(start) >= 4 and not start[0] and not start[1] and 0 < start[3] < 9


@contextmanager
def _only_array(stream: BinaryIO, name: str, maximum_bytes: int) -> Iterator[BinaryIO]:
    """Open the one .npy file of a NumPy archive that lies in a source."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / PurePosixPath(name).name
        copy_bounded(stream, archive, maximum_bytes, name)
        with open_container(archive, maximum_bytes) as inside:
            arrays = inside.names()
            if len(arrays) != 1:
                raise UserError(
                    _(
                        "{name} holds {count} arrays, and not one: name the file itself as "
                        "the source"
                    ).format(name=name, count=len(arrays))
                )
            with inside.open(arrays[0]) as packed, unpacked(packed, arrays[0]) as (array, start):
                if not start.startswith(_NPY):
                    raise UserError(
                        _("{name} holds {array}, which is no .npy file").format(
                            name=name, array=arrays[0]
                        )
                    )
                yield array


def identities(folder: Path) -> dict[str, str]:
    """The sha256 of each file that there is."""
    return {file: sha256(folder / file) for file in FILES if (folder / file).exists()}
