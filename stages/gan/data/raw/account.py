"""Says what became of everything in a source: used, skipped, left out, and copies."""

from collections.abc import Mapping
from typing import Any

from stages.gan.data.prepared import Prepared
from stages.gan.data.raw import copies, leftovers


def lines(result: Prepared, left_out: Mapping[str, Any]) -> list[str]:
    """Sentences beside the counts of images; none about what there is nothing to say of.

    Parameters
    ----------
    result : Prepared
    left_out : mapping
        What `leftovers.count` returned when the source was read.
    """
    told = leftovers.lines(left_out)
    if number := result.beyond_maximum:
        told.append(
            f"images beyond preprocess.maximum_images or preprocess.test_maximum: {number:,}, "
            "which are not used"
        )
    if number := result.several_frames:
        told.append(f"files with several frames or pages: {number:,}, of which the first is used")
    if not result.values.startswith("uint8: levels"):
        told.append(f"values of the files: {result.values}")
    return told + copies.lines(result.copies)
