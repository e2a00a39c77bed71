"""Checks the checksums inside artifacts, independently of dvc.lock.

A checkpoint's checkpoint.json holds the sha256 of the files beside it, and its own. The source.json
of raw data holds the sha256 and the size of each downloaded file. A judge.state begins with the
sha256 of its remaining bytes.
"""

from pathlib import Path

from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json
from stages.gan.common.language import _
from stages.gan.data.raw import formats
from stages.gan.trained import manifest, states

_SOURCE = "source.json"
_STATE = ".state"


def carriers(folder: Path) -> list[Path]:
    """The files below a folder that hold checksums of themselves or of other files, sorted."""
    return sorted(
        file
        for file in folder.rglob("*")
        if (file.name in (manifest.NAME, _SOURCE) or file.suffix == _STATE) and file.is_file()
    )


def damages(carrier: Path) -> dict[Path, str]:
    """What is wrong with the files whose checksums a carrier holds, and with the carrier itself.

    Returns
    -------
    dict of path to a short reason; empty if all files are intact
    """
    try:
        if carrier.name == manifest.NAME:
            return manifest.damages(carrier.parent, manifest.read(carrier.parent))
        if carrier.suffix == _STATE:
            states.read(carrier)
            return {}
        return _of_source(carrier)
    except UserError as error:
        return {carrier: str(error).removeprefix(f"{carrier} ")}
    except OSError as error:
        file = Path(error.filename) if error.filename else carrier
        return {file: _("cannot be read: {reason}").format(reason=error.strerror or error)}


def _of_source(carrier: Path) -> dict[Path, str]:
    folder, about = carrier.parent, read_json(carrier)
    hashes, sizes = about.get("sha256"), about.get("bytes")
    hashes = hashes if isinstance(hashes, dict) else {}
    raw = None
    for name in formats.NAMES:
        module = formats.module(name, "raw")
        if hashes.keys() == set(module.HASHED):
            raw = module
    if raw is None or not isinstance(sizes, dict) or sizes.keys() != set(raw.FILES):
        raise UserError(_("is damaged: it should list the bytes and sha256 of its files"))
    found = {}
    for name in raw.FILES:
        file = folder / name
        if not file.is_file():
            found[file] = _("is missing from the raw data")
        elif file.stat().st_size != sizes[name]:
            found[file] = _(
                "is damaged: it has {size:,} bytes, but {source} says another size"
            ).format(size=file.stat().st_size, source=_SOURCE)
    if found:
        return found
    try:
        identities = raw.identities(folder)
    except UserError as error:
        return {folder / raw.FILES[0]: _("is damaged: {error}").format(error=error)}
    for name, identity in identities.items():
        if identity != hashes[name]:
            file = folder / name if name in raw.FILES else folder / raw.FILES[0]
            found[file] = _("is damaged: its sha256 is not the one {source} holds").format(
                source=_SOURCE
            )
    return found
