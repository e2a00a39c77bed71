"""Reads image files of any size and mode as square arrays of one size."""

import io
import math
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.runtime import usable_cores
from stages.gan.data.prepared import SPLITS, Prepared, make_images, normalise
from stages.gan.data.prepared.array_files import ArrayFile, blocks
from stages.gan.data.raw import account, copies, leftovers
from stages.gan.data.raw.archives import Container, Stored, open_container, read_stored
from stages.gan.data.raw.images import raw
from stages.gan.data.raw.images.reader.workers import Each, crew

if TYPE_CHECKING:  # importing it would take a worker as long as all other imports together
    from stages.gan.params import Preprocess

_MAXIMUM_PIXELS = 50_000_000
# So few that they stay in the processor's cache until they are written.
_PIECE_IMAGES = 64
_PIECE_BYTES = 4 << 20
_BYTES_A_PROCESS = 8 << 20
_MODES = {1: "L", 3: "RGB"}
_ORIENTATION = 0x0112
# How to turn the stored pixels, for each value of Exif's orientation but 1.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers of these formats raise at damaged files.
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
    """Decode one image; if a size is given, crop the central square and resize it.

    The image is turned as its Exif orientation says. Of a file with several frames or pages the
    first is used.

    Parameters
    ----------
    content : bytes
        A file in one of the formats `raw.forms`, in any mode. Transparent pixels get a white
        background. A palette and CMYK become colours. 16 bits become 8: whole numbers from 0 to
        65535 are divided by 257, and larger ones are white; colours keep their upper 8. Floats are
        taken as 0 to 1 if none is above 1, else as 0 to 255, or 0 to 65535, or else up to their
        largest.
    size : int, optional
        Height and width of the result; by default the image keeps its own.
    channels : int
        1 for grey, 3 for red, green and blue.

    Returns
    -------
    uint8 array of shape (channels, height, width)

    Raises
    ------
    UserError
        If the file is empty, truncated, not an image, or has more than 50 million pixels.
    """
    with _quiet():
        return _decode(content, size, channels).pixels


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings about odd files; unusable files are listed at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class _Decoded(NamedTuple):
    """The pixels (channels, height, width) of an image, and whether its file has further frames."""

    pixels: NDArray[np.uint8]
    further_frames: bool


def _decode(content: bytes, size: int | None, channels: int) -> _Decoded:
    """Decode one of many images, without `_quiet`, which takes 4 % of an image's time."""
    if not content:
        raise UserError(account.EMPTY)
    try:
        with Image.open(io.BytesIO(content), formats=raw.forms()) as picture:
            if picture.width * picture.height > _MAXIMUM_PIXELS:
                raise UserError(
                    account.TOO_LARGE.format(width=picture.width, height=picture.height)
                )
            picture.load()
            flat = _upright(_flat(picture, channels), _orientation(picture))
            further_frames = _has_further_frames(picture)
    except UnidentifiedImageError:
        raise UserError(account.UNREADABLE) from None
    except _DAMAGES as error:
        raise UserError(account.BROKEN.format(error=error)) from None
    if size is not None:
        side = min(flat.size)
        left, top = (flat.width - side) // 2, (flat.height - side) // 2
        if flat.width != flat.height:
            flat = flat.crop((left, top, left + side, top + side))
        flat = flat.resize((size, size), Image.Resampling.BICUBIC)
    pixels = np.frombuffer(flat.tobytes(), np.uint8)
    shape = flat.height, flat.width, channels
    return _Decoded(pixels.reshape(shape).transpose(2, 0, 1), further_frames)


def _orientation(picture: Image.Image) -> object:
    """Exif's orientation of a loaded picture; 1 if there is none, or the Exif is broken.

    Pillow itself turns TIFF images when it loads them, and then takes their orientation away.
    """
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except (*_DAMAGES, TypeError):
        return 1


def _upright(picture: Image.Image, orientation: object) -> Image.Image:
    """The picture as a viewer shows it. ImageOps.exif_transpose would fail where Exif is broken."""
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _has_further_frames(picture: Image.Image) -> bool:
    try:
        return bool(getattr(picture, "is_animated", False))
    except _DAMAGES:  # the first frame is sound
        return False


def _flat(picture: Image.Image, channels: int) -> Image.Image:
    """Any mode to 8-bit grey or colour; see `decode`."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        levels = np.asarray(picture, np.float64)
        if not np.isfinite(levels).all():
            raise UserError(account.NOT_FINITE)
        top = 65535.0 if picture.mode != "F" else _top(float(levels.max()))
        picture = Image.fromarray(np.clip(levels / top * 255, 0, 255).astype(np.uint8))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(ground, picture)
    mode = _MODES[channels]
    return picture if picture.mode == mode else picture.convert(mode)


def _top(largest: float) -> float:
    """The value of a float image that is white."""
    return next((top for top in (1.0, 255.0, 65535.0) if largest <= top), largest)


def prepare(
    source: Path, target: Path, settings: "Preprocess", processes: int | None = None
) -> Prepared:
    """Decode all images, hold some out, and write both splits into `target`.

    A file that is not a valid image is skipped, and named in the result.

    Parameters
    ----------
    source : Path
        The folder of the downloaded files.
    target : Path
        The folder to write into.
    settings : Preprocess
    processes : int, optional
        How many processes share the work; by default one per core, fewer for few images. The
        result does not depend on it.

    Raises
    ------
    UserError
        If fewer than two images can be used.
    """
    archive = source / raw.ARCHIVE
    shape = (settings.channels, settings.image_size, settings.image_size)
    with (
        crew(processes or _worthwhile(archive)) as each,
        open_container(archive, 1 << 62) as container,
    ):
        every = raw.image_names(container)
        names = every[: settings.maximum_images]

        def divide(first: NDArray[np.int64]) -> copies.Division:
            return copies.divide(
                first,
                settings.duplicates,
                settings.test_fraction,
                settings.test_maximum,
                settings.seed,
            )

        # The split depends on how many images are valid, and which are copies. At first all are
        # assumed to be valid, and none a copy.
        rows = divide(np.arange(len(names))).rows
        files = {split: make_images(target, split, (len(rows[split]), *shape)) for split in SPLITS}
        pieces = _pieces(container, names, math.prod(shape), list(rows.values()))
        found = each(partial(_decode_piece, archive, list(files.values())), pieces)
        reasons = {number: reason for piece in found for number, reason in piece.broken.items()}
        accepted = np.setdiff1d(np.arange(len(names)), list(reasons))
        if len(accepted) < 2:
            raise UserError(
                _(
                    "{archive}: {usable} of {count} images can be used, at least 2 are needed"
                ).format(archive=archive, usable=len(accepted), count=len(names))
            )
        seen = copies.joined([piece.seen for piece in found]).rows(accepted)
        division = divide(copies.firsts(seen.digests))
        if reasons or division.exact:
            wanted = {split: accepted[numbers] for split, numbers in division.rows.items()}
            if any(not np.array_equal(wanted[split], rows[split]) for split in SPLITS):
                files = _deal_anew(files, rows, wanted, each)
    train, test = (seen.rows(division.rows[split]) for split in SPLITS)
    near = copies.near(train, test, files)
    return Prepared(
        counts={split: len(division.rows[split]) for split in SPLITS},
        rejected={names[number]: reason for number, reason in reasons.items()},
        copies=copies.described(
            division,
            near,
            settings.duplicates,
            lambda split, row: leftovers.printable(names[accepted[division.rows[split][row]]]),
        ),
        beyond_maximum=len(every) - len(names),
        several_frames=sum(piece.several_frames for piece in found),
        values="uint8: levels from 0 to 255",
    )


def _worthwhile(archive: Path) -> int:
    """The number of processes that is fastest: starting one costs as much time as many images."""
    size = archive.stat().st_size if archive.exists() else 0
    return max(1, min(usable_cores(), size // _BYTES_A_PROCESS))


class _Piece(NamedTuple):
    """Images to decode: the first image's number, their files, and their rows in each split.

    `places` has for each split the first row to write, and which of these images go there.
    """

    first: int
    members: list[Stored | bytes]
    places: list[tuple[int, NDArray[np.int64]]]


def _pieces(
    container: Container, names: list[str], image_bytes: int, rows: list[NDArray[np.int64]]
) -> Iterator[_Piece]:
    """Cut the images into pieces of at most a few MiB each, both as files and decoded."""
    most = max(1, min(_PIECE_IMAGES, _PIECE_BYTES // image_bytes))
    members: list[Stored | bytes] = []
    size = 0
    for end, name in enumerate(names, start=1):
        member: Stored | bytes | None = container.stored(name)
        if member is None:
            with container.open(name) as stream:
                member = stream.read()
            size += len(member)
        members.append(member)
        if len(members) == most or size > _PIECE_BYTES or end == len(names):
            first = end - len(members)
            places = []
            for numbers in rows:
                low, high = np.searchsorted(numbers, [first, end])
                places.append((int(low), numbers[low:high] - first))
            yield _Piece(first, members, places)
            members, size = [], 0


class _Done(NamedTuple):
    """What was found in a piece.

    broken : number of an image to the reason
    seen : of all images of the piece, broken ones included
    several_frames : how many files have further frames
    """

    broken: dict[int, str]
    seen: copies.Seen
    several_frames: int


def _decode_piece(archive: Path, files: list[ArrayFile], piece: _Piece) -> _Done:
    """Decode images and write them into their splits."""
    _, channels, size, _ = files[0].shape
    levels = np.zeros((len(piece.members), channels, size, size), np.uint8)
    by_split = np.argsort(np.concatenate([indices for _, indices in piece.places]))
    broken = {}
    several_frames = 0
    with _quiet():
        for index, content in enumerate(read_stored(archive, piece.members)):
            try:
                levels[by_split[index]], further_frames = _decode(content, size, channels)
                several_frames += further_frames
            except UserError as error:
                broken[piece.first + index] = str(error)
    values = normalise(levels)
    start = 0
    for file, (row, indices) in zip(files, piece.places, strict=True):
        file.write(row, values[start : start + len(indices)])
        start += len(indices)
    return _Done(broken, copies.see(levels).rows(by_split), several_frames)


def _deal_anew(
    files: dict[str, ArrayFile],
    old: dict[str, NDArray[np.int64]],
    new: dict[str, NDArray[np.int64]],
    each: Each,
) -> dict[str, ArrayFile]:
    """Write both splits again for another split: `old` and `new` are the images' numbers."""
    before = []
    for file in files.values():
        path = file.path.with_name(f"all_{file.path.name}")
        before.append(replace(file, path=file.path.rename(path)))
    made = {}
    for split, file in files.items():
        after = make_images(file.path.parent, split, (len(new[split]), *file.shape[1:]))
        pieces = []
        for part in blocks(len(new[split]), file.shape[1:], _PIECE_IMAGES):
            wanted = new[split][part]
            found = [(np.isin(wanted, had), np.searchsorted(had, wanted)) for had in old.values()]
            pieces.append((part.start, [(own, places[own]) for own, places in found]))
        each(partial(_move, before, after), pieces)
        made[split] = after
    for file in before:
        file.path.unlink()
    return made


def _move(
    before: list[ArrayFile],
    after: ArrayFile,
    piece: tuple[int, list[tuple[NDArray[np.bool_], NDArray[np.int64]]]],
) -> None:
    start, found = piece
    values = np.empty((len(found[0][0]), *after.shape[1:]), np.float16)
    for file, (own, places) in zip(before, found, strict=True):
        values[own] = file[places]
    after.write(start, values)
