"""What the scores say of a run, in one line, beside what the watch over training saw.

The watch sees losses, answers, gradients and weights. It cannot see whether the images look real:
for that it would need another network. The judge and the critic can. Page, comparison, model card
and the stage `evaluate` all take their words from here.

A score counts as low if it is less than half of its floor, the score of real images. Of 60 scored
runs on real digits and faces (`benchmarks/search.json`, `benchmarks/scores/results.json`), those
whose images nobody calls digits or faces had a precision of 0 to 0.38, all others 0.60 to 1.00,
and real images 0.92 to 0.96. Those that drew few kinds had a coverage of 0 to 0.47, all others
0.59 to 0.92, and real images 0.94 to 0.98. Half of the floor lies in both gaps.

Nothing heavy is imported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stages.gan.common.language import _, marked, translated

NOT_REAL = marked("not like real images")
FEW_KINDS = marked("few kinds of image")
MISSING = marked("classes are missing")
RECOGNISED = marked("recognised without error")
# The verdicts of a watch that saw no fault.
SOUND = ("near equilibrium", "still learning")
OSCILLATING = "oscillating"

_LOW = 0.5
# Labels name real classes, and one of ten that is missing is told. Without labels the classes are
# 20 clusters of features, some of them small: three that are missing are told.
_ALL_LABELS = 0.95
_ALL_CLUSTERS = 0.875
# The share that is 100 % when it is written without decimals.
_ALL = 0.995


@dataclass(frozen=True)
class Finding:
    """What the scores say against a run.

    Parameters
    ----------
    name : str
        NOT_REAL, FEW_KINDS, MISSING or RECOGNISED, in English.
    seen : str
        It as a sentence, with the figures, in the language spoken when it was found.
    meaning : str
        What it means, in that language.
    serious : bool
        False of RECOGNISED, which is true of many good images.
    """

    name: str
    seen: str
    meaning: str
    serious: bool = True


def finding(evaluate: Mapping[str, Any]) -> Finding | None:
    """The gravest of what the scores say against a run; None if nothing, or if none was scored.

    Parameters
    ----------
    evaluate : the content of evaluate.json, with `samples`, `quality`, `critic` and `judge`
    """
    precision = _score(evaluate, "quality", "precision")
    coverage = _score(evaluate, "quality", "coverage")
    classes = _score(evaluate, "quality", "class_coverage")
    accuracy = _score(evaluate, "critic", "accuracy")
    if precision and precision[0] < _LOW * precision[1]:
        return Finding(
            NOT_REAL,
            _none(precision[1], evaluate["samples"]) if precision[0] == 0 else _some(*precision),
            _(
                "The judge was trained on real images only. In its features, what G draws is "
                "something else. So the losses of this run say little yet."
            ),
        )
    if coverage and coverage[0] < _LOW * coverage[1]:
        return Finding(
            FEW_KINDS,
            _(
                "Most kinds of image are missing: only {share:.0%} of the real images have a "
                "generated one near them (new real images: {floor:.0%})"
            ).format(share=coverage[0], floor=coverage[1]),
            _("Single images may look right, but G draws only some of the kinds that there are."),
        )
    labelled = evaluate.get("judge", {}).get("task") == "labels"
    if classes and classes[0] < (_ALL_LABELS if labelled else _ALL_CLUSTERS) * classes[1]:
        return Finding(
            MISSING,
            _(
                "Some classes are missing: {share:.0%} of them are drawn at least a tenth as often "
                "as they occur"
            ).format(share=classes[0]),
            _("G hardly ever draws the other classes, which the bars of the classes show."),
        )
    if accuracy and accuracy[0] >= _ALL:
        return Finding(
            RECOGNISED,
            _recognised(accuracy[0]),
            _(
                "By the judge's scores the images are like real ones. But something in each of "
                "them, perhaps single pixels or soft edges, tells a network that it is generated."
            ),
            serious=False,
        )
    return None


def name(verdict: str, found: Finding | None) -> str:
    """The verdict of the watch and a finding together, short enough for a table's cell."""
    said = translated(verdict)
    if found is None:
        return said
    return _("{finding} ({verdict})").format(finding=translated(found.name), verdict=said)


def line(verdict: str, evaluate: Mapping[str, Any]) -> str:
    """The verdict of the watch and what the scores say, in one or two sentences."""
    found = finding(evaluate)
    of_training = _("Training: {verdict}.").format(verdict=translated(verdict))
    if found is not None:
        return _("{seen}. {training}").format(seen=found.seen, training=of_training)
    precision = _score(evaluate, "quality", "precision")
    coverage = _score(evaluate, "quality", "coverage")
    if not precision or not coverage:
        return _("{training} There were too few images to score what G draws.").format(
            training=of_training
        )
    return _(
        "{training} {precision:.0%} of the images lie among real ones, and {coverage:.0%} of the "
        "real images have a generated one near them."
    ).format(training=of_training, precision=precision[0], coverage=coverage[0])


def colour(verdict: str, found: Finding | None) -> Literal["good", "doubtful", "failed"]:
    """How the line is shown: good only if neither watch nor scores say much against the run."""
    if found is not None and found.serious:
        return "failed"
    if verdict in SOUND:
        return "good"
    return "doubtful" if verdict == OSCILLATING else "failed"


def _score(evaluate: Mapping[str, Any], section: str, key: str) -> tuple[float, float] | None:
    """A score and its floor, if both are known."""
    score = evaluate.get(section, {}).get(key) or {}
    value, floor = score.get("value"), score.get("floor")
    return None if value is None or floor is None else (value, floor)


def _none(floor: float, samples: int) -> str:
    return _(
        "The images do not look real yet: none of {samples:,} lies among real ones (of real images "
        "themselves, {floor:.0%} do)"
    ).format(samples=samples, floor=floor)


def _some(share: float, floor: float) -> str:
    return _(
        "The images do not look real yet: only {share:.0%} lie among real ones (of real images "
        "themselves, {floor:.0%} do)"
    ).format(share=share, floor=floor)


def _recognised(accuracy: float) -> str:
    if accuracy == 1:
        text = _(
            "No image is mistaken for a real one: a new critic is right about {accuracy:.1%} of "
            "all images (guessing: 50%)"
        )
    else:
        text = _(
            "Hardly any image is mistaken for a real one: a new critic is right about "
            "{accuracy:.1%} of all images (guessing: 50%)"
        )
    return text.format(accuracy=accuracy)
