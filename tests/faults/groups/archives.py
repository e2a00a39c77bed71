"""Sources on disk: archives and folders that are damaged, hostile, odd, or not there."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tests.faults.trial import EITHER, ERROR, SUCCESS, Fault, read_json, stage_trial
from tests.faults.world import World
from tests.helpers.data import encoded, idx_contents, picture, write_zip

GROUP = "archives"
CONTENTS = idx_contents()
PICTURES = {f"set/{n}.png": encoded(picture(n)) for n in range(6)}
FIRST = next(iter(CONTENTS))


def sound(dataset: str) -> dict[str, bytes]:
    """What a data set's sound archive holds."""
    return CONTENTS if dataset == "mnist" else PICTURES


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive's bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def given(dataset: str, world: World) -> None:
    """A sound archive, which params.yaml names as the only source."""
    remove_any(world.elsewhere / "set.zip")
    write_zip(world.elsewhere / "set.zip", sound(dataset))
    sources = {f"{dataset}__download__sources": [str(world.elsewhere / "set.zip")]}
    world.params(**sources, **{f"{dataset}__download__sha256": {}})


def remove_any(path: Path) -> None:
    """Remove whatever lies there, a folder with what it holds too."""
    if path.is_dir() and not path.is_symlink():
        for entry in path.iterdir():
            remove_any(entry)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def become(make: Callable[[bytes, random.Random], bytes], world: World) -> None:
    """Change the archive's bytes."""
    file = world.elsewhere / "set.zip"
    file.write_bytes(make(file.read_bytes(), world.draw))


def garbled(content: bytes, draw: random.Random, count: int = 16) -> bytes:
    """Some bytes replaced."""
    changed = bytearray(content)
    for _ in range(count):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def garbled_directory(content: bytes, draw: random.Random) -> bytes:
    """Some bytes of the directory at an archive's end replaced."""
    start = content.index(b"PK\x01\x02")
    return content[:start] + garbled(content[start:], draw, 6)


def tarred(_content: bytes, _draw: random.Random) -> bytes:
    """The files as a tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in CONTENTS.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def untarred() -> bytes:
    """The files as a tar."""
    return gzip.decompress(tarred(b"", random.Random(0)))


def tar_with(kind: bytes, name: str) -> Callable:
    """A tar that begins with an entry of some kind."""

    def make(_content: bytes, _draw: random.Random) -> bytes:
        info = tarfile.TarInfo(name)
        info.type = kind
        info.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
        return info.tobuf(tarfile.GNU_FORMAT) + untarred()

    return make


def negative_size(_content: bytes, _draw: random.Random) -> bytes:
    """A tar whose second header leads back to the first, for ever."""
    info = tarfile.TarInfo("back")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (-1024).to_bytes(12, "big", signed=True)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return tarfile.TarInfo("first").tobuf(tarfile.GNU_FORMAT) + bytes(header) + untarred()


def npz() -> bytes:
    """The arrays of Keras's mnist.npz."""
    images = np.arange(12 * 784, dtype=np.uint8).reshape(12, 28, 28)
    buffer = io.BytesIO()
    np.savez(buffer, x_train=images, y_train=np.arange(12), x_test=images, y_test=np.arange(12))
    return buffer.getvalue()


def members(changes: dict[str, bytes], base: dict[str, bytes] | None = None) -> Callable:
    """The archive with further members."""
    return lambda _content, _draw: zipped({**(CONTENTS if base is None else base), **changes})


def with_entry(name: str, attributes: int = 0, content: bytes = b"x", dataset: str = "mnist"):
    """The archive with an entry that is written as it stands."""

    def make(_content: bytes, _draw: random.Random) -> bytes:
        buffer = io.BytesIO(zipped(sound(dataset)))
        with zipfile.ZipFile(buffer, "a") as archive:
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.external_attr = attributes
            archive.writestr(info, content)
        return buffer.getvalue()

    return make


def twice(content: bytes, _draw: random.Random) -> bytes:
    """The first member again, with other content."""
    buffer = io.BytesIO(content)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(buffer, "a") as archive:
            archive.writestr(archive.namelist()[0], b"another")
    return buffer.getvalue()


def patched(offset: int, form: str, value: int) -> Callable:
    """A field of the first entry, in both headers, set to a value.

    `offset` counts from the field "version needed" which both have.
    """

    def make(content: bytes, _draw: random.Random) -> bytes:
        changed = bytearray(content)
        for magic, start in ((b"PK\x03\x04", 4), (b"PK\x01\x02", 6)):
            struct.pack_into(form, changed, content.index(magic) + start + offset, value)
        return bytes(changed)

    return make


def overlapping(content: bytes, _draw: random.Random) -> bytes:
    """A directory whose entries all lead to the first member."""
    changed = bytearray(content)
    start = content.index(b"PK\x01\x02")
    while start >= 0:
        struct.pack_into("<I", changed, start + 42, 0)
        start = content.find(b"PK\x01\x02", start + 4)
    return bytes(changed)


def bomb(claim: int | None) -> Callable:
    """60 MB of zeros in 60 kB; the claim is the size that both headers tell instead."""

    def make(_content: bytes, draw: random.Random) -> bytes:
        content = zipped({FIRST: bytes(60_000_000), **{n: CONTENTS[n] for n in list(CONTENTS)[1:]}})
        return content if claim is None else patched(18, "<I", claim)(content, draw)

    return make


def without(name: str) -> Callable:
    """The archive without one member."""
    kept = {n: c for n, c in CONTENTS.items() if n != name}
    return lambda _content, _draw: zipped(kept)


def gz(change: Callable[[bytes], bytes]) -> Callable:
    """All members as .gz, the first one changed."""

    def make(_content: bytes, _draw: random.Random) -> bytes:
        packed = {f"{name}.gz": gzip.compress(content) for name, content in CONTENTS.items()}
        packed[f"{FIRST}.gz"] = change(packed[f"{FIRST}.gz"])
        return zipped(packed)

    return make


def same_pictures(count: int) -> Callable[[World], str]:
    """Whether the archive that download made is sound and holds so many images."""

    def look(world: World) -> str:
        with zipfile.ZipFile(world.project / "data/faces/raw/images.zip") as archive:
            if bad := archive.testzip():
                return f"images.zip: {bad} is damaged"
            if len(archive.namelist()) != count:
                return f"images.zip holds {len(archive.namelist())} images, not {count}"
        return ""

    return look


def holds(expected: dict[str, bytes]) -> Callable[[World], str]:
    """Whether download has these files, and has counted what else there was."""

    def look(world: World) -> str:
        folder = world.project / "data/mnist/raw"
        seen = {path.name: path.read_bytes() for path in folder.iterdir()}
        if "left_out" not in json.loads(seen.pop("source.json")):
            return "source.json does not say what was left out"
        return "" if seen == expected else f"holds {sorted(seen)}, or other bytes"

    return look


def is_accepted(dataset: str, name: str) -> Callable[[World], str] | None:
    """How to judge a success: by the files themselves, as source.json names what is left out."""
    if dataset != "mnist":
        return None
    # Of a garbled directory the names may be others: then those files are left out, and counted.
    if name.startswith(("npz", "directory garbled")):
        return lambda world: ""
    if name == "one .gz":
        return holds({FIRST: CONTENTS[FIRST]})
    missing = name.removeprefix("without ")
    return holds({n: content for n, content in CONTENTS.items() if n != missing})


def bytes_faults() -> list[Fault]:
    """Faults that are another content of the archive."""
    html = b"<!DOCTYPE html><html><body>Please log in</body></html>" * 20
    regular = (stat.S_IFREG | 0o644) << 16
    link = (stat.S_IFLNK | 0o777) << 16
    long_name = "n" * 3000
    rows: list[tuple[str, str, Callable, frozenset, str]] = [
        ("mnist", "empty", lambda c, d: b"", ERROR, "set.zip"),
        ("mnist", "one byte short", lambda c, d: c[:-1], ERROR, "set.zip"),
        ("mnist", "cut at a tenth", lambda c, d: c[: len(c) // 10], ERROR, "set.zip"),
        ("mnist", "cut at half", lambda c, d: c[: len(c) // 2], ERROR, "set.zip"),
        ("mnist", "cut at a random place", lambda c, d: c[: d.randrange(len(c))], ERROR, ""),
        ("mnist", "first half missing", lambda c, d: c[len(c) // 2 :], ERROR, "set.zip"),
        ("mnist", "middle zeroed", lambda c, d: c[:200] + bytes(4000) + c[4200:], ERROR, "set.zip"),
        ("mnist", "HTML", lambda c, d: html, ERROR, "set.zip"),
        ("mnist", "random bytes", lambda c, d: d.randbytes(5000), ERROR, "set.zip"),
        ("mnist", "tar.gz", tarred, SUCCESS, ""),
        ("mnist", "tar.gz cut", lambda c, d: tarred(c, d)[:-2000], ERROR, "set.zip"),
        ("mnist", "tar.gz garbled", lambda c, d: garbled(tarred(c, d), d), EITHER, ""),
        ("mnist", "tar.bz2", lambda c, d: bz2.compress(untarred()), SUCCESS, ""),
        ("mnist", "tar.xz", lambda c, d: lzma.compress(untarred()), SUCCESS, ""),
        ("mnist", "tar", lambda c, d: untarred(), SUCCESS, ""),
        ("mnist", "tar cut", lambda c, d: untarred()[:-12_000], ERROR, "set.zip"),
        ("mnist", "tar with a damaged header", lambda c, d: b"".join(
            (untarred()[:10_250], b"damage", untarred()[10_256:])), ERROR, "set.zip"),
        ("mnist", "tar with a negative size", negative_size, ERROR, "set.zip"),
        ("mnist", "tar with a link", tar_with(tarfile.SYMTYPE, "link"), ERROR, "link"),
        ("mnist", "tar with a hard link", tar_with(tarfile.LNKTYPE, "link"), ERROR, "link"),
        ("mnist", "tar with a device", tar_with(tarfile.CHRTYPE, "dev"), ERROR, "plain"),
        ("mnist", "tar with a path upwards", tar_with(tarfile.REGTYPE, "../escaped"), ERROR,
         "outside"),
        ("mnist", "tar with an absolute path", tar_with(tarfile.REGTYPE, "/tmp/escaped"), ERROR,
         "outside"),
        ("mnist", "tar.gz of 60 MB of zeros", lambda c, d: gzip.compress(bytes(60_000_000)), ERROR,
         "maximum_bytes"),
        ("mnist", "tar.xz of 60 MB of zeros", lambda c, d: lzma.compress(bytes(60_000_000)), ERROR,
         "maximum_bytes"),
        ("mnist", "7z", lambda c, d: b"7z\xbc\xaf\x27\x1c" + d.randbytes(999), ERROR, "7z"),
        ("mnist", "rar", lambda c, d: b"Rar!\x1a\7\1" + d.randbytes(999), ERROR, "rar"),
        ("mnist", "one .gz", lambda c, d: gzip.compress(CONTENTS[FIRST]), SUCCESS, ""),
        ("mnist", "one IDX file", lambda c, d: CONTENTS[FIRST], ERROR, "set.zip"),
        ("mnist", "npz", lambda c, d: npz(), SUCCESS, ""),
        ("mnist", "npz garbled", lambda c, d: garbled(npz(), d), EITHER, ""),
        ("mnist", "no members", lambda c, d: zipped({}), ERROR, FIRST),
        ("mnist", "folders only", lambda c, d: zipped({"a/": b"", "b/": b""}), ERROR, FIRST),
        ("mnist", f"without {FIRST}", without(FIRST), ERROR, FIRST),
        *[("mnist", f"without {n}", without(n), SUCCESS, "") for n in list(CONTENTS)[1:]],
        ("mnist", "bomb", bomb(None), ERROR, "maximum_bytes"),
        ("mnist", "bomb that claims 10 bytes", bomb(10), ERROR, "set.zip"),
        ("mnist", "claims 4 GB", patched(18, "<I", 0xFFFFFFF0), ERROR, "maximum_bytes"),
        ("mnist", "member of 60 MB as .gz", gz(lambda c: gzip.compress(
            CONTENTS[FIRST][:16] + bytes(60_000_000))), ERROR, "maximum_bytes"),
        ("mnist", ".gz cut", gz(lambda c: c[: len(c) // 2]), ERROR, "gz"),
        ("mnist", ".gz garbled", gz(lambda c: c[:30] + bytes(60) + c[90:]), ERROR, "gz"),
        ("mnist", ".gz with another file behind", gz(lambda c: c + b"junk"), ERROR, "gz"),
        ("mnist", ".gz padded with zeros", gz(lambda c: c + bytes(512)), SUCCESS, ""),
        ("mnist", "link", with_entry("link", link, b"/etc/passwd"), ERROR, "link"),
        ("mnist", "absolute path", with_entry("/tmp/escaped", regular), ERROR, "outside"),
        ("mnist", "path upwards", with_entry("../../escaped", regular), ERROR, "outside"),
        ("mnist", "path upwards inside", with_entry("a/../../escaped"), ERROR, "outside"),
        ("mnist", "drive letter", with_entry("C:\\escaped"), ERROR, "outside"),
        ("mnist", "backslashes", with_entry("..\\..\\escaped"), ERROR, "outside"),
        ("mnist", "duplicate entry", twice, ERROR, "twice"),
        ("mnist", "encrypted", patched(2, "<H", 1), ERROR, "encrypted"),
        ("mnist", "unknown compression", patched(4, "<H", 99), ERROR, "set.zip"),
        ("mnist", "overlapping entries", overlapping, ERROR, "set.zip"),
        ("mnist", "name that is not UTF-8", lambda c, d: patched(2, "<H", 0x800)(
            c.replace(FIRST.encode(), b"\xff" * len(FIRST)), d), ERROR, "set.zip"),
        ("mnist", "bz2", lambda c, d: zipped(CONTENTS, zipfile.ZIP_BZIP2), SUCCESS, ""),
        ("mnist", "bz2 garbled", lambda c, d: garbled(
            zipped(CONTENTS, zipfile.ZIP_BZIP2)[:9000], d) + zipped({}), ERROR, ""),
        ("mnist", "lzma", lambda c, d: zipped(CONTENTS, zipfile.ZIP_LZMA), SUCCESS, ""),
        ("mnist", "stored", lambda c, d: zipped(CONTENTS, zipfile.ZIP_STORED), SUCCESS, ""),
        ("mnist", "in a deep folder", lambda c, d: zipped(
            {f"{'d/' * 200}{n}": b for n, b in CONTENTS.items()}), SUCCESS, ""),
        ("mnist", "program before it", lambda c, d: b"MZ" + bytes(5000) + c, SUCCESS, ""),
        ("mnist", "junk with a very long name", members({long_name: b"x"}), SUCCESS, ""),
        ("mnist", "junk with a unicode name", members({"顔/🙂\u202e.txt": b"x"}), SUCCESS, ""),
        ("mnist", "junk with line breaks", members({"a\nerror: b\r": b"x"}), SUCCESS, ""),
        ("mnist", "10,000 members", members({f"{n}": b"" for n in range(10_000)}), SUCCESS, ""),
        ("faces", "no images", lambda c, d: zipped({"a.txt": b"x"}), ERROR, "no image files"),
        ("faces", "bomb among images", members({"b.png": bytes(60_000_000)}, PICTURES), ERROR,
         "maximum_bytes"),
        ("faces", "link among images", with_entry("a.png", link, b"/x", "faces"), ERROR, "link"),
        ("faces", "image with an absolute path", with_entry("/tmp/a.png", dataset="faces"),
         ERROR, "outside"),
        ("faces", "duplicate image", twice, ERROR, "twice"),
        ("faces", "cut", lambda c, d: c[: len(c) // 2], ERROR, "set.zip"),
    ]  # fmt: skip
    rows += [("mnist", f"garbled {n}", garbled, EITHER, "") for n in range(1, 5)]
    rows += [
        ("mnist", f"directory garbled {n}", garbled_directory, EITHER, "") for n in range(1, 5)
    ]
    faults = []
    for dataset, name, make, may, mention in rows:
        limit = {f"{dataset}__download__maximum_bytes": 5_000_000}

        def spoil(world: World, make=make, limit=limit) -> None:
            become(make, world)
            world.params(**limit)

        judged = is_accepted(dataset, name)
        faults.append(local(dataset, f"{dataset} {name}", spoil, may, mention, judged))
    odd_names = {
        "unicode names": [f"顔/🙂 {n}.png" for n in range(6)],
        "very long names": [f"{'n' * 3000}{n}.png" for n in range(6)],
        "line breaks in names": [f"a\nerror: b\r{n}.png" for n in range(6)],
        "escape sequences in names": [f"\x1b[31m{n}.png" for n in range(6)],
        "numbers of 5,000 digits": [f"{'9' * 5000}{n}.png" for n in range(6)],
        "endings in capitals": [f"{n}.PNG" for n in range(6)],
    }
    for name, names in odd_names.items():
        make = members(dict(zip(names, PICTURES.values(), strict=True)), {})
        faults.append(
            local("faces", f"faces {name}", partial(become, make), SUCCESS, "", same_pictures(6))
        )
    return faults


def local(dataset, name, spoil, may=ERROR, mention="", accepted=None) -> Fault:
    """A fault of a source on disk."""
    trial = stage_trial(
        dataset,
        "download",
        spoil,
        given=partial(given, dataset),
        key="archive",
        may=may,
        mention=mention,
        accepted=accepted,
    )
    return Fault(GROUP, name, trial)


def instead(make: Callable[[Path, World], None], world: World) -> None:
    """Put something else into the archive's place."""
    file = world.elsewhere / "set.zip"
    file.unlink()
    make(file, world)


def a_folder(file: Path, _world: World) -> None:
    """The sound files in a folder."""
    file.mkdir()
    for name, content in CONTENTS.items():
        (file / name).write_bytes(content)


def a_folder_with_loops(file: Path, world: World) -> None:
    """A folder with links to itself and to nowhere, and a pipe."""
    a_folder(file, world)
    (file / "loop").symlink_to(file)
    (file / "broken").symlink_to(file / "nowhere")
    os.mkfifo(file / "pipe")


def a_folder_with_a_pipe(file: Path, world: World) -> None:
    """A folder in which a pipe has the name of a file that is wanted."""
    a_folder(file, world)
    (file / FIRST).unlink()
    os.mkfifo(file / FIRST)


def named(source: str, world: World) -> None:
    """Another source in params.yaml."""
    world.params(mnist__download__sources=[source])


def after_another(world: World) -> None:
    """A damaged source before the sound one."""
    broken = world.elsewhere / "broken"
    broken.mkdir()
    (broken / "set.zip").write_bytes(b"no archive")
    sources = [str(broken / "set.zip"), str(world.elsewhere / "set.zip")]
    world.params(mnist__download__sources=sources)


def before_the_bundled(world: World) -> None:
    """A damaged source before the one that comes with the project."""
    become(lambda content, draw: content[:100], world)
    world.params(
        mnist__download__sources=[str(world.elsewhere / "set.zip"), "bundled:digits"],
    )


def is_bundled(world: World) -> str:
    """Whether download says that the data are the bundled ones."""
    about = read_json(world, "data/mnist/raw/source.json")
    return "" if about["bundled"] else "source.json does not say that the data are bundled"


def places() -> list[Fault]:
    """Faults of what lies in the archive's place, and of the name that params.yaml gives."""
    rows = [
        ("folder instead", partial(instead, a_folder), SUCCESS, ""),
        ("folder with loops", partial(instead, a_folder_with_loops), SUCCESS, "", holds(CONTENTS)),
        ("folder with a pipe", partial(instead, a_folder_with_a_pipe), ERROR, FIRST),
        ("empty folder", partial(instead, lambda f, w: f.mkdir()), ERROR, FIRST),
        ("missing", partial(instead, lambda f, w: None), ERROR, "does not exist"),
        ("pipe instead", partial(instead, lambda f, w: os.mkfifo(f)), ERROR, "set.zip"),
        ("broken link", partial(instead, lambda f, w: f.symlink_to("nowhere")), ERROR, "set.zip"),
        ("link to itself", partial(instead, lambda f, w: f.symlink_to(f)), ERROR, "set.zip"),
        ("endless device", partial(named, "/dev/zero"), ERROR, "/dev/zero"),
        ("empty device", partial(named, "/dev/null"), ERROR, "/dev/null"),
        ("home of nobody", partial(named, "~nobody-here/set.zip"), ERROR, "nobody-here"),
        ("path with a zero byte", partial(named, "a\0b.zip"), ERROR, "b.zip"),
        ("path of 10,000 letters", partial(named, "n" * 10_000), ERROR, "nnn"),
        ("unknown bundled set", partial(named, "bundled:nothing"), ERROR, "bundled:digits"),
        ("unknown scheme", partial(named, "ftp://127.0.0.1/set.zip"), ERROR, "ftp"),
        ("damaged, but the next is sound", after_another, SUCCESS, ""),
    ]
    faults = [local("mnist", f"mnist {name}", *rest) for name, *rest in rows]

    def pinned(world: World) -> None:
        world.params(mnist__download__sha256={FIRST: "0" * 64})

    def badly_pinned(world: World) -> None:
        world.params(mnist__download__sha256={"nothing": "0" * 64})

    faults.append(local("mnist", "mnist other files than pinned", pinned, ERROR, "sha256"))
    faults.append(local("mnist", "mnist unknown file pinned", badly_pinned, ERROR, "nothing"))
    faults.append(
        local(
            "mnist", "mnist damaged, then bundled", before_the_bundled, SUCCESS, "", is_bundled
        )
    )  # fmt: skip
    return faults


def faults() -> list[Fault]:
    """All faults of this kind."""
    return bytes_faults() + places()
