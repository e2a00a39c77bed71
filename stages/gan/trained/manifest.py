"""checkpoint.json: the content of a checkpoint, with checksums that show any damage.

    epoch, step    the progress of its training
    networks       the description for building both networks
    sha256         the sha256 of each file beside it
    checksum       the sha256 of all the above

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
from stages.gan.common.language import _

NAME = "checkpoint.json"
AVERAGE = "average.safetensors"
ALWAYS = frozenset({"generator.safetensors", "discriminator.safetensors", "optimizers.safetensors"})
_CHECKSUM = "checksum"


def _with_all_files(hashes: dict[str, str]) -> dict[str, str]:
    if hashes.keys() - {AVERAGE} != ALWAYS:
        raise ValueError(_("it should name {files}").format(files=", ".join(sorted(ALWAYS))))
    return hashes


_Count = Annotated[int, Field(ge=0, lt=2**31)]


class Manifest(BaseModel):
    """The content of checkpoint.json; `networks` is not checked yet."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    epoch: _Count
    step: _Count
    networks: dict[str, Any]
    sha256: Annotated[dict[str, str], AfterValidator(_with_all_files)]


def write(folder: Path, epoch: int, step: int, networks: dict[str, Any]) -> None:
    """Write checkpoint.json for the files in a checkpoint's folder."""
    files = sorted(file for file in folder.iterdir() if file.name != NAME)
    content = {
        "epoch": epoch,
        "step": step,
        "networks": networks,
        "sha256": {file.name: sha256(file) for file in files},
    }
    write_json(folder / NAME, {**content, _CHECKSUM: _checksum(content)})


def read(folder: Path) -> Manifest:
    """Read checkpoint.json. A file of an earlier version may lack `checksum`.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    content = read_json(folder / NAME)
    try:
        checksum = content.pop(_CHECKSUM, None)
        if checksum is not None and checksum != _checksum(content):
            raise ValueError(_("its checksum does not match its content"))
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] in ("missing", "extra_forbidden"):
            reason = _("valid keys are {keys}").format(
                keys=", ".join([*Manifest.model_fields, _CHECKSUM])
            )
        else:
            valid = first["msg"].removeprefix("Value error, ")
            reason = _("{place} is {value}: {valid}").format(
                place=first["loc"][0], value=reprlib.repr(first["input"]), valid=valid
            )
    except ValueError as error:
        reason = str(error)
    raise UserError(_("{file} is damaged: {reason}").format(file=folder / NAME, reason=reason))


def damages(folder: Path, manifest: Manifest) -> dict[Path, str]:
    """The files that do not match their checksums, each with what is wrong, in a few words."""
    found = {}
    for name, expected in manifest.sha256.items():
        file = folder / name
        if not file.is_file():
            found[file] = _("is missing from the checkpoint")
        elif sha256(file) != expected:
            found[file] = _("is damaged: its sha256 is not the one {manifest} holds").format(
                manifest=NAME
            )
    return found


def _checksum(content: dict[str, Any]) -> str:
    """sha256 of a JSON object; line breaks and the order of keys do not matter.

    Raises
    ------
    ValueError
        If a number is not finite. A number in a file that is too large for a float is read so.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
