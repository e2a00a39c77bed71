"""checkpoint.json: what a checkpoint holds, and the checksums by which any damage is found.

    epoch, step    how far its training was
    networks       the description that rebuilds both networks
    sha256         of each file beside it
    checksum       sha256 of all the above

Reading it needs neither MindSpore nor the networks' code.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json, sha256, write_json

NAME = "checkpoint.json"
AVERAGE = "average.safetensors"
_ALWAYS = {"generator.safetensors", "discriminator.safetensors", "optimizers.safetensors"}
_KEYS = {"epoch", "step", "networks", "sha256"}
_CHECKSUM = "checksum"


@dataclass(frozen=True)
class Manifest:
    """What checkpoint.json says; `networks` has not been looked into."""

    epoch: int
    step: int
    networks: dict[str, Any]
    sha256: dict[str, str]


def write(folder: Path, epoch: int, step: int, networks: dict[str, Any]) -> None:
    """Describe the files that lie in a checkpoint's folder."""
    files = sorted(file for file in folder.iterdir() if file.name != NAME)
    content = {
        "epoch": epoch,
        "step": step,
        "networks": networks,
        "sha256": {file.name: sha256(file) for file in files},
    }
    write_json(folder / NAME, {**content, _CHECKSUM: _checksum(content)})


def read(folder: Path) -> Manifest:
    """Read checkpoint.json; one without `checksum`, as earlier versions wrote, is taken as it is.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    content = read_json(folder / NAME)
    try:
        checksum = content.pop(_CHECKSUM, None)
        if content.keys() != _KEYS:
            raise ValueError(f"valid keys are {', '.join([*sorted(_KEYS), _CHECKSUM])}")
        if checksum is not None and checksum != _checksum(content):
            raise ValueError("its checksum is another")
        for name in ("epoch", "step"):
            if type(content[name]) is not int or not 0 <= content[name] < 2**31:
                raise ValueError(f"{name} is {content[name]!r}, valid is 0 to {2**31 - 1}")
        if not isinstance(content["networks"], dict):
            raise ValueError("networks should be a mapping")
        hashes = content["sha256"]
        if not isinstance(hashes, dict) or hashes.keys() - {AVERAGE} != _ALWAYS:
            raise ValueError(f"sha256 should name {', '.join(sorted(_ALWAYS))}")
    except ValueError as error:
        raise UserError(f"{folder / NAME} is damaged: {error}") from None
    return Manifest(**content)


def damages(folder: Path, manifest: Manifest) -> dict[Path, str]:
    """What is wrong with each file that is not as the checksums say: a few words."""
    found = {}
    for name, expected in manifest.sha256.items():
        file = folder / name
        if not file.is_file():
            found[file] = "is missing from the checkpoint"
        elif sha256(file) != expected:
            found[file] = f"is damaged: its sha256 is not the one {NAME} holds"
    return found


def _checksum(content: dict[str, Any]) -> str:
    """sha256 of a JSON object, however it is laid out.

    Raises
    ------
    ValueError
        If a number is not finite, as one too large for a float comes out of a file.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
