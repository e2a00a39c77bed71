"""The page about a training run that failed: what was seen, its meaning, and what to change."""

from collections.abc import Mapping, Sequence

from PIL.Image import Image

from stages.gan import pages
from stages.gan.common import paths
from stages.gan.common.files import whole_file
from stages.gan.common.language import speaking, translated
from stages.gan.common.yaml_files import flat
from stages.gan.pages import evidence
from stages.gan.params import Dataset, shareable
from stages.gan.training.watch import sentences
from stages.gan.training.watch.verdicts import Verdict


def write_page(
    dataset: str,
    params: Dataset,
    verdict: Verdict,
    rows: Sequence[Mapping[str, float]],
    loss_levels: Mapping[str, float],
    real_diversity: float,
    generated: Image,
    real: Image,
) -> str:
    """Write reports/<dataset>/failure.html and return its path.

    The page is in the params' language. It is no out of the stage `train`, so another language
    trains nothing again.

    `evidence.curves` explains rows, levels and diversity. `generated` and `real` are grids of
    images: the generator's present images, and real ones.
    """
    with speaking(params.language):
        told = sentences.verdict(verdict.to_json())
        marks = {"it began": float(verdict.since), "verdict": float(verdict.step)}
        drawn = evidence.pictures(rows, loss_levels, real_diversity, marks)
        content = {
            "title": translated(params.report.title),
            "dataset": dataset,
            "verdict": told,
            "changes": told["changes"],
            "commands": pages.commands(dataset, told["changes"]),
            "names": evidence.titles(),
            "evidence": {name: pages.embedded(curve, "png") for name, curve in drawn.items()},
            "generated": pages.embedded_picture(generated),
            "real": pages.embedded_picture(real),
            "params": flat(shareable(params)),
        }
        target = paths.failure(dataset)
        with whole_file(target) as scratch:
            page = pages.render(content, "failure.html")
            scratch.write_text(page, encoding="utf-8", newline="\n")
    return str(target)
