"""Orders settings by one measure, and says which of them differ by more than chance."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from stages.gan import pages
from stages.gan.common.errors import UserError
from stages.gan.common.language import ENGLISH, _, speaking, to_terminal, translated
from stages.gan.measures import table as measures
from stages.gan.measures.table import Measure
from stages.gan.pages.charts import png
from stages.tools.compare import significance
from stages.tools.compare.groups import Group, spread, value_of
from stages.tools.compare.runs import shown

# Its values are above 0 and skewed: see significance.
LOGARITHMIC = ("frechet_distance",)
DEFAULT = "frechet_distance"


@to_terminal()
def measure(key: str) -> Measure:
    """The measure of that key.

    Raises
    ------
    UserError
        If there is no such measure, or neither high nor low values of it are better.
    """
    valid = {each.key: each for each in measures.ALL if each.better != "floor"}
    if key not in valid:
        raise UserError(
            _("no measure {measure!r} to order by (valid: {valid})").format(
                measure=key, valid=", ".join(valid)
            )
        )
    return valid[key]


def in_order(groups: Sequence[Group], by: Measure) -> list[Group]:
    """The groups by their mean, the best first; those without a value last, as they came."""

    def rank(group: Group) -> tuple[bool, float]:
        values = group.values(by.full_name)
        mean = statistics.fmean(values) if values else 0.0
        return not values, mean if by.better == "lower" else -mean

    return sorted(groups, key=rank)


def view(groups: Sequence[Group], by: Measure, changed: Sequence[str]) -> dict[str, Any]:
    """What the page shows of the ordered groups: rows, a chart, and the answers of the test."""
    samples = [group.values(by.full_name) for group in groups]
    logarithmic = by.key in LOGARITHMIC and all(value > 0 for each in samples for value in each)
    answers = significance.compare(samples, logarithmic)
    return {
        "measure": by.full_name,
        "sentence": translated(by.sentence),
        "logarithmic": logarithmic,
        "level": significance.LEVEL,
        "rows": [_row(group, by, changed) for group in groups],
        "chart": _chart(groups, samples, by),
        "pairs": [
            {
                "left": groups[each.left].name,
                "right": groups[each.right].name,
                "difference": f"{each.difference:.3g}",
                "p": "" if each.p is None else f"{each.p:.2g}",
                "found": each.is_found,
            }
            for each in answers
        ],
        **_best(groups, samples, answers),
    }


def _best(
    groups: Sequence[Group],
    samples: Sequence[Sequence[float]],
    answers: Sequence[significance.Comparison],
) -> dict[str, Any]:
    """The group with the best mean, and the others by the test's answer about the two."""
    if not samples[0]:
        return {"best": "", "beaten": [], "equal": [], "unknown": []}
    of_best = [each for each in answers if each.left == 0]
    kinds: Mapping[str, list[str]] = {
        "beaten": [groups[each.right].name for each in of_best if each.is_found],
        "equal": [
            groups[each.right].name
            for each in of_best
            if each.p is not None and not each.is_found
        ],
        "unknown": [groups[each.right].name for each in of_best if each.p is None],
    }  # fmt: skip
    return {"best": groups[0].name, **kinds}


def _row(group: Group, by: Measure, changed: Sequence[str]) -> dict[str, Any]:
    values = group.values(by.full_name)
    deviation = spread(values)
    return {
        "name": group.name,
        "changes": {name: shown(group.first.params, name) for name in changed},
        "count": len(group.runs),
        "missing": len(group.runs) - len(values),
        "mean": f"{statistics.fmean(values):.4g}" if values else "",
        "spread": "" if deviation is None else f"{deviation:.2g}",
        "each": [
            {
                "seed": shown(run.params, "train.seed"),
                "value": _("none")
                if (value := value_of(run, by.full_name)) is None
                else f"{value:.4g}",
            }
            for run in group.runs
        ],
    }


def _chart(
    groups: Sequence[Group],
    samples: Sequence[Sequence[float]],
    by: Measure,
) -> str:
    named = {group.name: values for group, values in zip(groups, samples, strict=True) if values}
    if not named:
        return ""
    with speaking(ENGLISH):  # pictures have Latin letters in every language
        label = by.full_name
    return pages.embedded(png.points(named, label), "png")
