"""Small bundles, as they are written and as somebody hostile would write them."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from stages.tools.bundle import contents
from stages.tools.bundle.manifest import NAME, Manifest

FILES = {"params.yaml": b"a: 1\n", "metrics/mnist/train.json": b"{}\n", "models/x/empty": b""}


def pack(target: Path, files: Mapping[str, bytes] = FILES) -> Path:
    """A bundle of those contents."""
    measured = {name: contents.measure(content) for name, content in files.items()}
    contents.write(target, "mnist", files, measured)
    return target


def manifest_of(files: Mapping[str, bytes]) -> bytes:
    """A list with right checksums, whatever the names are."""
    measured = {name: contents.measure(content) for name, content in files.items()}
    listed = {name: (one.size, one.sha256) for name, one in measured.items()}
    return Manifest("mnist", listed).to_json()


def archive_of(
    target: Path, members: Mapping[str, bytes], listed: Mapping[str, bytes], **attributes: int
) -> Path:
    """A zip archive by another program: `listed` is what its manifest says that it holds."""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in {NAME: manifest_of(listed), **members}.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename = name  # writestr would clean it
            info.external_attr = attributes.get(name, 0o100644) << 16
            archive.writestr(info, content)
    return target


def relisted(listed: bytes, **changes: object) -> bytes:
    """A manifest with other values and no checksum that fits."""
    return (json.dumps({**json.loads(listed), **changes}, indent=2) + "\n").encode()
