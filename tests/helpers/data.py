"""Files that the data side reads, made small and made broken."""

import gzip
import io
import zipfile
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from stages.gan import params
from stages.gan.common.errors import UserError
from stages.gan.data.raw.idx import raw
from stages.gan.data.raw.idx.bundled import encode
from tests.helpers.project import ROOT, lecture_params

SHIPPED = ROOT / "params.yaml"
MANY = 1 << 30
# Written in C where PyYAML was built so: hundreds of tests write params.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def shipped() -> dict[str, Any]:
    """The content of the project's params.yaml, to be changed and written elsewhere."""
    return deepcopy(_shipped())


@cache
def _shipped() -> dict[str, Any]:
    return yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))


def set_param(content: dict[str, Any], place: str, value: Any) -> None:
    """Set the value at a place such as `mnist.train.epochs`."""
    *sections, key = place.split(".")
    for section in sections:
        content = content[section]
    content[key] = value


def write_params(folder: Path, **changes: Any) -> Path:
    """Write folder/params.yaml: the lecture's with changes, `__` standing for a dot."""
    content = lecture_params()
    for place, value in changes.items():
        set_param(content, place.replace("__", "."), value)
    file = folder / "params.yaml"
    file.write_text(yaml.dump(content, Dumper=_DUMPER), encoding="utf-8")
    return file


def load_params(folder: Path, dataset: str, **changes: Any) -> params.Dataset:
    """One data set's params: the lecture's with changes."""
    return params.load(write_params(folder, **changes), dataset)


def message_of(call: Any, *arguments: Any, **keywords: Any) -> str:
    """The text of the UserError that a call must end in; it must be one line."""
    with pytest.raises(UserError) as caught:
        call(*arguments, **keywords)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random images of 28x28 and labels."""
    draw = np.random.default_rng(seed)
    return (
        draw.integers(0, 256, (count, 28, 28), dtype=np.uint8),
        (np.arange(count) % 10).astype(np.uint8),
    )


def idx_contents(train: int = 12, test: int = 5) -> dict[str, bytes]:
    """The four IDX files."""
    images, labels = digits(train)
    test_images, test_labels = digits(test, seed=1)
    return {
        raw.TRAIN_IMAGES: encode(images),
        raw.TRAIN_LABELS: encode(labels),
        raw.TEST_IMAGES: encode(test_images),
        raw.TEST_LABELS: encode(test_labels),
    }


def write_idx(folder: Path, *, zipped: bool = False, **counts: int) -> dict[str, bytes]:
    """Write the four IDX files, each as .gz if asked, and give their contents."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = idx_contents(**counts)
    for name, content in contents.items():
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return contents


def write_zip(file: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write an archive."""
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def picture(seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (20, 20)) -> Image.Image:
    """A random picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """A picture as the content of a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
