"""IDX files whose headers lie, where preprocess reads them."""

import random
import struct
from collections.abc import Callable
from functools import partial

from stages.gan.data.raw.idx import raw
from tests.faults.groups.pictures import change
from tests.faults.trial import EITHER, ERROR, Fault, stage_trial
from tests.faults.world import World

GROUP = "idx"
IMAGES = f"data/mnist/raw/{raw.TRAIN_IMAGES}"
LABELS = f"data/mnist/raw/{raw.TRAIN_LABELS}"
TEST_IMAGES = f"data/mnist/raw/{raw.TEST_IMAGES}"
TEST_LABELS = f"data/mnist/raw/{raw.TEST_LABELS}"
_LARGEST = 0xFFFFFFFF


def idx(sizes: tuple[int, ...], values: bytes, kind: int = 8) -> bytes:
    """An IDX file whose header may lie."""
    return struct.pack(f">4B{len(sizes)}I", 0, 0, kind, len(sizes), *sizes) + values


def replaced(contents: dict[str, bytes], world: World) -> None:
    """Other contents."""
    for path, content in contents.items():
        (world.project / path).write_bytes(content)


def one_large_image(side: int, world: World) -> None:
    """A single image, its pixels a hole in the file."""
    with (world.project / IMAGES).open("wb") as file:
        file.write(idx((1, side, side), b""))
        file.truncate(16 + side * side)
    (world.project / LABELS).write_bytes(idx((1,), b"\1"))


def faults() -> list[Fault]:
    """All faults of this kind."""
    image = bytes(28 * 28)
    rows: list[tuple[str, Callable[[World], None], frozenset, str]] = []

    def header(name: str, sizes: tuple[int, ...], values: bytes = image, kind: int = 8) -> None:
        spoil = partial(replaced, {IMAGES: idx(sizes, values, kind)})
        rows.append((name, spoil, ERROR, raw.TRAIN_IMAGES))

    header("count of 2^32-1", (_LARGEST, 28, 28))
    header("all sizes 2^32-1", (_LARGEST,) * 3)
    header("product of sizes overflows to 0", (2**31, 2**31, 4))
    header("product of sizes overflows to the length", (2**32 - 1, 2**32 - 1, 784))
    header("no images", (0, 28, 28), b"")
    header("no images, but 2^32-1 a side", (0, _LARGEST, _LARGEST), b"")
    header("images of 0 x 0", (5, 0, 0), b"")
    header("fewer values than said", (2, 28, 28))
    header("more values than said", (1, 28, 28), image * 2)
    header("two dimensions", (28, 28))
    header("four dimensions", (1, 28, 28, 1))
    header("no dimensions", ())
    header("255 dimensions", (1,) * 255)
    header("floats", (1, 28, 28), bytes(4 * 784), 0x0D)
    header("signed bytes", (1, 28, 28), image, 0x09)
    header("other count than labels", (1, 28, 28))
    cut = {
        "images cut": (IMAGES, lambda c: c[: len(c) // 2], raw.TRAIN_IMAGES),
        "header cut": (IMAGES, lambda c: c[:9], raw.TRAIN_IMAGES),
        "images empty": (IMAGES, lambda c: b"", raw.TRAIN_IMAGES),
        "labels cut": (LABELS, lambda c: c[:-1], raw.TRAIN_LABELS),
        "labels for images": (IMAGES, lambda c: idx((3,), b"abc"), raw.TRAIN_IMAGES),
        "HTML for images": (IMAGES, lambda c: b"<html></html>" * 9, raw.TRAIN_IMAGES),
        "still zipped": (IMAGES, lambda c: b"\x1f\x8b\x08\0" + c, raw.TRAIN_IMAGES),
        "test images cut": (TEST_IMAGES, lambda c: c[:-1], raw.TEST_IMAGES),
        "test labels empty": (TEST_LABELS, lambda c: b"", raw.TEST_LABELS),
    }
    for name, (path, make, mention) in cut.items():
        rows.append((name, partial(change, path, make), ERROR, mention))
    for path in (IMAGES, TEST_LABELS):
        name = path.rpartition("/")[2]

        def remove(world: World, path=path) -> None:
            (world.project / path).unlink()

        rows.append((f"{name} missing", remove, ERROR, name))
    found = [
        Fault(GROUP, name, stage_trial("mnist", "preprocess", spoil, may=may, mention=mention))
        for name, spoil, may, mention in rows
    ]
    single = partial(replaced, {IMAGES: idx((1, 1, 1), b"\7"), LABELS: idx((1,), b"\1")})
    random_header = random.Random(0)
    odd = [
        ("one image of 1 x 1", single, False),
        ("one image of 20,000 x 20,000", partial(one_large_image, 20_000), True),
    ]
    for number in range(1, 5):
        content = random_header.randbytes(16) + image
        odd.append((f"random header {number}", partial(replaced, {IMAGES: content}), False))
    for name, spoil, full in odd:
        trial = stage_trial("mnist", "preprocess", spoil, may=EITHER, accepted=lambda world: "")
        found.append(Fault(GROUP, name, trial, full))
    return found
