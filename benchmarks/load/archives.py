"""Archives of as many images as are wanted."""

import io
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps, JpegImagePlugin

from stages.gan.common.randomness import stream
from stages.gan.data.raw.archives import open_container
from stages.gan.data.raw.images import bundled, raw


def originals(archive: Path | None, scratch: Path) -> list[bytes]:
    """The image files to begin with."""
    if archive is None:
        bundled.make(scratch, None, partial(stream, 1, "drawing"))
        archive = scratch / raw.ARCHIVE
    with open_container(archive, 1 << 40) as container:
        contents = []
        for name in raw.image_names(container):
            with container.open(name) as file:
                contents.append(file.read())
    return contents


def another(content: bytes, number: int) -> bytes:
    """A JPEG of nearly the same picture, drawn by its number."""
    draw = np.random.default_rng(number)
    with Image.open(io.BytesIO(content)) as picture:
        tables = picture.quantization
        sampling = JpegImagePlugin.get_sampling(picture)
        changed = picture.convert("RGB")
    if draw.random() < 0.5:
        changed = ImageOps.mirror(changed)
    changed = ImageEnhance.Brightness(changed).enhance(draw.uniform(0.85, 1.15))
    buffer = io.BytesIO()
    changed.save(buffer, "JPEG", qtables=tables, subsampling=sampling)
    return buffer.getvalue()


def write_archives(contents: list[bytes], counts: list[int], folder: Path) -> dict[int, Path]:
    """An archive for each count; the smaller ones hold the first images of the largest."""
    files = {count: folder / f"{count}.zip" for count in counts}
    archives = {count: zipfile.ZipFile(file, "w") for count, file in files.items()}
    for number in range(max(counts)):
        content = contents[number % len(contents)]
        if number >= len(contents):
            content = another(content, number)
        for count, archive in archives.items():
            if number < count:
                archive.writestr(zipfile.ZipInfo(f"faces/{number}.jpg"), content)
    for archive in archives.values():
        archive.close()
    return files
