"""checkpoint.json: what a checkpoint holds, and the checksums by which any damage is found.

    epoch, step    how far its training was
    networks       the description that rebuilds both networks
    sha256         of each file beside it
    checksum       sha256 of all the above

Reading it needs neither MindSpore nor the networks' code.
"""

import hashlib
import json
import reprlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json, sha256, write_json

NAME = "checkpoint.json"
AVERAGE = "average.safetensors"
_ALWAYS = {"generator.safetensors", "discriminator.safetensors", "optimizers.safetensors"}
_CHECKSUM = "checksum"


def _with_all_files(hashes: dict[str, str]) -> dict[str, str]:
    if hashes.keys() - {AVERAGE} != _ALWAYS:
        raise ValueError(f"it should name {', '.join(sorted(_ALWAYS))}")
    return hashes


_Count = Annotated[int, Field(ge=0, lt=2**31)]


class Manifest(BaseModel):
    """What checkpoint.json says; `networks` has not been looked into."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    epoch: _Count
    step: _Count
    networks: dict[str, Any]
    sha256: Annotated[dict[str, str], AfterValidator(_with_all_files)]


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
        if checksum is not None and checksum != _checksum(content):
            raise ValueError("its checksum is another")
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] in ("missing", "extra_forbidden"):
            reason = f"valid keys are {', '.join([*Manifest.model_fields, _CHECKSUM])}"
        else:
            valid = first["msg"].removeprefix("Value error, ")
            reason = f"{first['loc'][0]} is {reprlib.repr(first['input'])}: {valid}"
    except ValueError as error:
        reason = str(error)
    raise UserError(f"{folder / NAME} is damaged: {reason}")


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
