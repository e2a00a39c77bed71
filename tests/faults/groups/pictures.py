"""Image files of every kind, and damaged raw data, where preprocess reads them."""

import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image, PngImagePlugin

from tests.faults.groups.archives import garbled, remove_any
from tests.faults.trial import EITHER, ERROR, SUCCESS, Fault, read_json, stage_trial
from tests.faults.world import World
from tests.helpers.data import encoded, picture

GROUP = "pictures"
RAW = "data/faces/raw/images.zip"
ABOUT = "data/faces/raw/source.json"
COUNT = 40


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    crc = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    """A PNG with any header, its pixels compressed as given."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *more, chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def zeros(count: int) -> bytes:
    """So many zeros, compressed piece by piece."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    parts = [packer.compress(block) for _ in range(count >> 20)]
    return b"".join([*parts, packer.compress(bytes(count & ((1 << 20) - 1))), packer.flush()])


def large(side: int) -> bytes:
    """A grey PNG of side x side pixels, all black."""
    return png(side, side, 8, 0, zeros(side * (side + 1)))


def animated(form: str) -> bytes:
    """Three frames."""
    frames = [picture(n) for n in range(3)]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=50)


def text_bomb(keyword: bytes, count: int) -> bytes:
    """A PNG whose compressed texts unpack to 30 MB each."""
    bomb = keyword + b"\0\0" + zeros(30_000_000)
    sound = encoded(picture())
    return sound[:33] + chunk(b"zTXt", bomb) * count + sound[33:]


def profile_bomb() -> bytes:
    """A PNG whose colour profile unpacks to 60 MB."""
    sound = encoded(picture())
    return sound[:33] + chunk(b"iCCP", b"p\0\0" + zeros(60_000_000)) + sound[33:]


def sixteen_bits() -> bytes:
    """A PNG with 16 bits a colour."""
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 20, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png(20, 20, 16, 2, zlib.compress(rows))


def grey_of_16_bits() -> bytes:
    """A grey PNG with 16 bits."""
    pixels = np.random.default_rng(0).integers(0, 65536, (20, 20), dtype=np.uint16)
    return encoded(Image.fromarray(pixels))


def not_finite() -> bytes:
    """A TIFF of floats with NaN."""
    return encoded(Image.fromarray(np.full((20, 20), np.nan, np.float32)), "TIFF")


def with_exif(content: bytes) -> bytes:
    """A JPEG with these bytes as Exif."""
    body = b"Exif\0\0" + content
    sound = encoded(picture(), "JPEG")
    return sound[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + sound[2:]


def turned() -> bytes:
    """A JPEG that asks to be turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture(), "JPEG", exif=exif)


def transparent() -> bytes:
    """A palette with a transparent colour."""
    return encoded(picture().convert("P"), transparency=3)


def postscript() -> bytes:
    """A program in PostScript, whose reader starts another program."""
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\n" + (
        b"(%stdout) (w) file (x) writestring showpage\n" * 20
    )


def many_texts() -> bytes:
    """A PNG with 100 long texts."""
    info = PngImagePlugin.PngInfo()
    for number in range(100):
        info.add_text(f"key{number}", "a" * 100_000, zip=True)
    return encoded(picture(), pnginfo=info)


def add(name: str, make: Callable[[], bytes], world: World) -> None:
    """Put one more file into the raw archive."""
    with zipfile.ZipFile(world.project / RAW, "a") as archive:
        archive.writestr(zipfile.ZipInfo(name), make())


def skipped(name: str, world: World, reference: dict[str, str]) -> str:
    """Whether the odd file, and nothing else, was skipped."""
    about = read_json(world, "data/faces/prepared/prepared.json")
    if list(about["rejected"]) != [name]:
        return f"skipped {list(about['rejected'])}, not {name!r}"
    arrays = {p: h for p, h in world.snapshot("data/faces/prepared").items() if p.endswith("npy")}
    if arrays != {p: h for p, h in reference.items() if p.endswith("npy")}:
        return "the other images are not as without that file"
    return ""


def used(count: int, world: World) -> str:
    """Whether all images were used and the arrays are as they should be."""
    folder = world.project / "data/faces/prepared"
    about = read_json(world, "data/faces/prepared/prepared.json")
    if about["rejected"]:
        return f"skipped {about['rejected']}"
    if sum(about["counts"].values()) != count:
        return f"{about['counts']} images instead of {count}"
    for split, images in about["counts"].items():
        array = np.load(folder / f"{split}_images.npy")
        if array.shape != (images, 3, 16, 16) or not (np.abs(array) <= 1).all():
            return f"{split}_images.npy has shape {array.shape}, or values outside of [-1, 1]"
    return ""


def odd(name: str, file: str, make: Callable[[], bytes], is_skipped: bool, full: bool) -> Fault:
    """A fault that is one odd file among sound ones."""

    def conduct(references, world):
        def look(seen: World) -> str:
            if not is_skipped:
                return used(COUNT + 1, seen)
            reference = references.world("faces-preprocess", lambda clean: None)
            return skipped(file, seen, reference.snapshot("data/faces/prepared"))

        spoil = partial(add, file, make)
        trial = stage_trial("faces", "preprocess", spoil, may=SUCCESS, accepted=look)
        return trial(references, world)

    return Fault(GROUP, name, conduct, full)


def odd_files() -> list[Fault]:
    """Files that are skipped, and files that are used."""
    jpeg, whole = encoded(picture(), "JPEG"), encoded(picture())
    rows = random.Random(0).randbytes(3000)
    lying = b"BM" + struct.pack("<IHHIIiiHH", 1000, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24)
    bad: list[tuple[str, str, Callable[[], bytes]]] = [
        ("empty file", "a.png", lambda: b""),
        ("text", "a.png", lambda: b"not a picture\n" * 99),
        ("HTML", "a.jpg", lambda: b"<!DOCTYPE html><html></html>"),
        ("random bytes", "a.jpg", lambda: rows),
        ("SVG", "a.png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("PostScript", "a.png", postscript),
        ("zip", "a.png", lambda: b"PK\x03\x04" + rows),
        ("cut JPEG", "a.jpg", lambda: jpeg[: len(jpeg) // 2]),
        ("cut PNG", "a.png", lambda: whole[: len(whole) // 2]),
        ("cut WebP", "a.webp", lambda: encoded(picture(), "WEBP")[:100]),
        ("cut BMP", "a.bmp", lambda: encoded(picture(), "BMP")[:100]),
        ("PNG header alone", "a.png", lambda: whole[:33]),
        ("PNG with a wrong checksum", "a.png", lambda: whole[:30] + b"zzzz" + whole[34:]),
        ("PNG of 0 x 0", "a.png", lambda: png(0, 0, 8, 2, zlib.compress(b""))),
        ("PNG of 20,000 x 20,000", "a.png", lambda: large(20_000)),
        ("PNG that claims 2^31 a side", "a.png", lambda: png(2**31 - 1, 2**31 - 1, 8, 2, b"")),
        ("BMP that claims 2^31 a side", "a.bmp", lambda: lying + bytes(100)),
        ("WebP that claims 16,383 a side", "a.webp",
         lambda: b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\xff\xff\xff\x0f" + bytes(8)),
        ("text of 90 MB in a PNG", "a.png", lambda: text_bomb(b"k", 3)),
        ("colour profile of 60 MB", "a.png", profile_bomb),
        ("floats with NaN", "a.png", not_finite),
    ]  # fmt: skip
    good: list[tuple[str, str, Callable[[], bytes]]] = [
        ("1 x 1", "a.png", lambda: encoded(picture(size=(1, 1)))),
        ("1 x 3,000", "a.png", lambda: encoded(picture(size=(1, 3000)))),
        ("3,000 x 1", "a.png", lambda: encoded(picture(size=(3000, 1)))),
        ("CMYK", "a.jpg", lambda: encoded(picture(mode="CMYK"), "JPEG")),
        ("grey", "a.jpg", lambda: encoded(picture(mode="L"), "JPEG")),
        ("grey with transparency", "a.png", lambda: encoded(picture(mode="LA"))),
        ("RGBA", "a.png", lambda: encoded(picture(mode="RGBA"))),
        ("palette", "a.png", lambda: encoded(picture(mode="P"))),
        ("palette with a transparent colour", "a.png", transparent),
        ("black and white", "a.png", lambda: encoded(picture(mode="1"))),
        ("16-bit grey", "a.png", grey_of_16_bits),
        ("16-bit colour", "a.png", sixteen_bits),
        ("animated PNG", "a.png", lambda: animated("PNG")),
        ("animated GIF", "a.png", lambda: animated("GIF")),
        ("animated WebP", "a.webp", lambda: animated("WEBP")),
        ("progressive JPEG", "a.jpg", lambda: encoded(picture(), "JPEG", progressive=True)),
        ("garbled Exif", "a.jpg", lambda: with_exif(rows)),
        ("Exif that ends early", "a.jpg", lambda: with_exif(b"II*\0\x08\0\0\0\xff\xff")),
        ("turned by Exif", "a.jpg", turned),
        ("100 long texts in a PNG", "a.png", many_texts),
        ("unicode name", "顔/🙂\u202e.png", lambda: whole),
        ("name of 3,000 letters", "n" * 3000 + ".png", lambda: whole),
        ("line breaks in its name", "a\nerror: b\r.png", lambda: whole),
    ]
    heavy: list[tuple[str, str, Callable[[], bytes]]] = [
        ("7,000 x 7,000", "a.png", lambda: large(7000)),
    ]
    return [
        *[odd(f"skipped: {name}", file, make, True, False) for name, file, make in bad],
        *[odd(f"used: {name}", file, make, False, False) for name, file, make in good],
        *[odd(f"used: {name}", file, make, False, True) for name, file, make in heavy],
        Fault(GROUP, "skipped: unicode name where only ASCII can be printed", ascii_only()),
    ]


def ascii_only():
    """A skipped file with a name that the terminal cannot show."""

    def spoil(world: World) -> None:
        add("顔.png", lambda: b"text", world)
        world.environment = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}

    return stage_trial("faces", "preprocess", spoil, may=SUCCESS, accepted=lambda world: "")


def change(path: str, make: Callable[[bytes], bytes], world: World) -> None:
    """Change one file's bytes."""
    file = world.project / path
    file.write_bytes(make(file.read_bytes()))


def becomes_folder(path: str, world: World) -> None:
    """A folder in a file's place."""
    file = world.project / path
    file.unlink()
    file.mkdir()
    world.undo.append(lambda: remove_any(file))


def only(contents: list[bytes], world: World) -> None:
    """Another raw archive."""
    (world.project / RAW).unlink()
    with zipfile.ZipFile(world.project / RAW, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(zipfile.ZipInfo(f"{number}.png"), content)


def raw_faults() -> list[Fault]:
    """Damages of what download made."""

    def damaged(name, spoil, may=ERROR, mention="") -> Fault:
        whole = {"accepted": lambda world: ""} if may is EITHER else {}
        return Fault(
            GROUP,
            f"raw: {name}",
            stage_trial("faces", "preprocess", spoil, may=may, mention=mention, **whole),
        )

    found = [
        damaged("archive cut", partial(change, RAW, lambda c: c[: len(c) // 2]), ERROR, "zip"),
        damaged("archive empty", partial(change, RAW, lambda c: b""), ERROR, "zip"),
        damaged("archive missing", lambda w: (w.project / RAW).unlink(), ERROR, "images.zip"),
        damaged("folder for the archive", partial(becomes_folder, RAW), ERROR, "images.zip"),
        damaged("no sound image", partial(only, [b"x", b"y"]), ERROR, "0 of 2"),
        damaged("one sound image", partial(only, [encoded(picture()), b"y"]), ERROR, "1 of 2"),
        damaged("no image", partial(only, []), ERROR, "0 of 0"),
        damaged("source.json missing", lambda w: (w.project / ABOUT).unlink(), ERROR, "source"),
        damaged("folder for source.json", partial(becomes_folder, ABOUT), ERROR, "source.json"),
    ]
    for name, content in {
        "empty": b"",
        "cut": b'{"source": "x',
        "a list": b"[]",
        "without keys": b"{}",
        "not UTF-8": b"\xff\xfe{}",
        "nested 100,000 times": b"[" * 100_000,
        "a number of 10,000 digits": b'{"source": ' + b"9" * 10_000 + b', "bundled": 1}',
    }.items():
        spoil = partial(change, ABOUT, lambda c, content=content: content)
        found.append(damaged(f"source.json {name}", spoil, ERROR, "source.json"))
    for number in range(1, 5):

        def spoil(world: World) -> None:
            change(RAW, partial(garbled, draw=world.draw, count=30), world)

        found.append(damaged(f"archive garbled {number}", spoil, EITHER))
    return found


def faults() -> list[Fault]:
    """All faults of this kind."""
    return odd_files() + raw_faults()
