"""Says what became of everything in a source: used, skipped, left out, and copies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.data.prepared import Prepared
from stages.gan.data.raw import copies, leftovers

# Of a large set that is broken everybody has seen enough after these.
_MOST = 20
_LIES_ON_ITS_SIDE = "emnist"


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
            raise UserError(f"{folder / name} is missing: run `dvc repro` to fetch it")


def skipped(rejected: Mapping[str, str]) -> list[str]:
    """A sentence for each skipped file with its reason, but not more than twenty."""
    told = [f"skipped {name}: {reason}" for name, reason in list(rejected.items())[:_MOST]]
    more = len(rejected) - len(told)
    return [*told, f"skipped {more:,} more: prepared.json names them"] if more else told


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
            f"images beyond preprocess.maximum_images or preprocess.test_maximum: {number:,}, "
            "which are not used"
        )
    if number := result.several_frames:
        told.append(f"files with several frames or pages: {number:,}, of which the first is used")
    if _LIES_ON_ITS_SIDE in left_out["set"] and not transposed:
        told.append(
            f"images of {left_out['set']} lie on their side: set preprocess.transposed to true"
        )
    if not result.values.startswith("uint8: levels"):
        told.append(f"values of the files: {result.values}")
    return told + copies.lines(result.copies)
