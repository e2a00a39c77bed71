"""The page about a training run that failed: what was seen, what it means, what to change."""

from collections.abc import Mapping, Sequence

from PIL.Image import Image

from stages.gan import evidence, page, paths
from stages.gan.files import whole_file
from stages.gan.params import Dataset
from stages.gan.verdicts import Verdict
from stages.gan.yaml_files import flat


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

    See `evidence.pictures` for rows, levels and diversity; the last two are grids of the
    generator's images as it stands, and of real ones.
    """
    told = verdict.to_json()
    marks = {"it began": float(verdict.since), "told": float(verdict.step)}
    drawn = evidence.pictures(rows, loss_levels, real_diversity, marks)
    content = {
        "title": params.report.title,
        "dataset": dataset,
        "verdict": told,
        "commands": page.commands(dataset, told["changes"]),
        "evidence": {name: page.embedded(curve, "png") for name, curve in drawn.items()},
        "generated": page.embedded_picture(generated),
        "real": page.embedded_picture(real),
        "params": flat(page.shareable(params)),
    }
    target = paths.failure(dataset)
    with whole_file(target) as scratch:
        scratch.write_text(page.render(content, "failure.html"), encoding="utf-8")
    return str(target)
