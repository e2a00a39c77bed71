"""Reads and writes bundle.json, the manifest of a bundle: the list of its files.

format     the name and version of this format
dataset    the data set of the run
files      the size and sha256 of each file
checksum   the sha256 of all the above
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.gan.common.language import _

NAME = "bundle.json"
FORMAT = "gan-equilibrium bundle 1"
_KEYS = {"format", "dataset", "files"}
_CHECKSUM = "checksum"
_HASH = re.compile("[0-9a-f]{64}")
# A part of a path that every operating system accepts.
_PART = re.compile(r"[^\x00-\x1f\x7f\\/:*?\"<>|]{1,200}")


@dataclass(frozen=True)
class Manifest:
    """The content of bundle.json; `files` is name, parted by slashes, to (size, sha256)."""

    dataset: str
    files: Mapping[str, tuple[int, str]]

    def to_json(self) -> bytes:
        """The bytes of bundle.json; the same manifest always gives the same bytes."""
        files = {
            name: {"size": self.files[name][0], "sha256": self.files[name][1]}
            for name in sorted(self.files)
        }
        content = {"format": FORMAT, "dataset": self.dataset, "files": files}
        content[_CHECKSUM] = _checksum(content)
        return (json.dumps(content, indent=2) + "\n").encode("ascii")


def parse(listed: bytes) -> Manifest:
    """Read the bytes that `to_json` wrote.

    Raises
    ------
    ValueError
        If the bytes are anything else, or a name could lead outside the folder.
    """
    try:
        content = read_object(listed)
        checksum = content.pop(_CHECKSUM, None)
        if content.get("format") != FORMAT:
            raise ValueError(
                _("its format is {found!r}, valid: {valid}").format(
                    found=str(content.get("format"))[:60], valid=FORMAT
                )
            )
        if content.keys() != _KEYS or checksum != _checksum(content):
            raise ValueError(_("its checksum does not match"))
        files = {}
        for name, about in content["files"].items():
            size, sha256 = about["size"], about["sha256"]
            if type(size) is not int or not 0 <= size < 1 << 50 or not _HASH.fullmatch(sha256):
                raise ValueError(
                    _("the entry of {name!r} should hold a size and a sha256").format(
                        name=name[:80]
                    )
                )
            files[name] = (size, sha256)
        if not isinstance(content["dataset"], str):
            raise ValueError(_("`dataset` should be a string"))
    except (TypeError, KeyError, AttributeError):
        raise ValueError(_("it should list files with size and sha256")) from None
    _check_names(files)
    manifest = Manifest(content["dataset"], files)
    if manifest.to_json() != listed:
        raise ValueError(_("it is laid out differently from the way a bundle writes it"))
    return manifest


def read_object(content: bytes) -> dict[str, Any]:
    """Read a JSON object from bytes that are not trusted.

    Raises
    ------
    ValueError
        If the bytes hold anything else.
    """
    try:
        found = json.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError(_("it is nested too deeply")) from None
    if not isinstance(found, dict):
        raise ValueError(_("it should hold a JSON object"))
    return found


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _check_names(names: Mapping[str, Any]) -> None:
    seen, folders = {NAME}, set()
    for name in names:
        parts = name.split("/")
        plain = all(_PART.fullmatch(part) and part[-1] not in ". " for part in parts)
        if not plain or not name.isprintable() or name.casefold() in seen:
            raise ValueError(
                _("a file in a bundle cannot have the name {name!r}").format(name=name[:80])
            )
        seen.add(name.casefold())
        folders |= {"/".join(parts[:count]).casefold() for count in range(1, len(parts))}
    if both := seen & folders:
        raise ValueError(
            _("a file and a folder cannot have the same name: {name!r}").format(name=min(both)[:80])
        )
