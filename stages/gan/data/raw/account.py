"""Says what became of everything in a source: used, skipped, left out, and copies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, marked, retold
from stages.gan.data.prepared import Prepared
from stages.gan.data.raw import copies, leftovers

# Of a large set that is broken everybody has seen enough after these.
_MOST = 20
_LIES_ON_ITS_SIDE = "emnist"
# Why a file is skipped. prepared.json has these in English; `why` says them in another language.
EMPTY = marked("empty file")
TOO_LARGE = marked("{width} x {height} pixels, too many")
UNREADABLE = marked("no image that can be read")
BROKEN = marked("broken image: {error}")
NOT_FINITE = marked("values that are not finite")
# What the values of the files mean, as prepared.json has it.
_RANGE = marked("{kinds}: {floor} black, {ceiling} white")


def check_all_there(folder: Path, source: Mapping[str, Any]) -> None:
    """Check that no downloaded file is missing: some are used only where they are.

    Raises
    ------
    UserError
        If one of the files that source.json names is not in the folder.
    """
    sizes = source.get("bytes")
    for name in sizes if isinstance(sizes, dict) else ():
        if not (folder / name).exists():
            raise UserError(
                _("{file} is missing: run `dvc repro` to fetch it").format(file=folder / name)
            )


def why(reason: str) -> str:
    """Why a file is skipped, in the language now spoken."""
    return retold(reason, EMPTY, TOO_LARGE, UNREADABLE, BROKEN, NOT_FINITE)


def skipped(rejected: Mapping[str, str]) -> list[str]:
    """A sentence for each skipped file with its reason, but not more than twenty."""
    told = [
        _("skipped {name}: {reason}").format(name=name, reason=why(reason))
        for name, reason in list(rejected.items())[:_MOST]
    ]
    if more := len(rejected) - len(told):
        told.append(_("skipped {more:,} more: prepared.json names them").format(more=more))
    return told


def lines(result: Prepared, left_out: Mapping[str, Any], transposed: bool) -> list[str]:
    """Sentences beside the counts of images; none about what there is nothing to say of.

    Parameters
    ----------
    result : Prepared
    left_out : mapping
        What `leftovers.count` returned when the source was read.
    transposed : bool
        Whether rows and columns of the images changed places.
    """
    told = leftovers.lines(left_out)
    if number := result.beyond_maximum:
        told.append(
            _(
                "images beyond preprocess.maximum_images or preprocess.test_maximum: "
                "{number:,}, which are not used"
            ).format(number=number)
        )
    if number := result.several_frames:
        told.append(
            _("files with several frames or pages: {number:,}, of which the first is used").format(
                number=number
            )
        )
    if _LIES_ON_ITS_SIDE in left_out["set"] and not transposed:
        told.append(
            _("images of {name} lie on their side: set preprocess.transposed to true").format(
                name=left_out["set"]
            )
        )
    if not result.values.startswith("uint8: levels"):
        told.append(_("values of the files: {values}").format(values=retold(result.values, _RANGE)))
    return told + copies.lines(result.copies)
