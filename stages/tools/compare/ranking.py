"""Orders settings by one measure, and says which of them differ by more than chance."""

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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


def is_logarithmic(key: str, samples: Sequence[Sequence[float]]) -> bool:
    """Whether the logarithms of these scores are compared: one of 0 has none."""
    return key in LOGARITHMIC and all(value > 0 for each in samples for value in each)


def in_order(groups: Sequence[Group], by: Measure) -> list[Group]:
    """The groups by their mean, the best first; those without a value last, as they came.

    The mean is that of the test: the geometric one if logarithms are compared. Otherwise one large
    value could put a setting behind another that it beats. Scores of different judges cannot be
    compared, so the groups of a judge stay together, first those of the judge of most runs.
    """
    samples = [group.values(by.full_name) for group in groups]
    mean = _mean(is_logarithmic(by.key, samples))
    counted = Counter(group.judge for group in groups for _value in group.values(by.full_name))
    judges = [judge for judge, _count in counted.most_common()]

    def rank(group: Group) -> tuple[bool, int, float]:
        values = group.values(by.full_name)
        if not values:
            return True, 0, 0.0
        place = judges.index(group.judge)
        return False, place, mean(values) if by.better == "lower" else -mean(values)

    return sorted(groups, key=rank)


def _mean(logarithmic: bool) -> Callable[[Sequence[float]], float]:
    return statistics.geometric_mean if logarithmic else statistics.fmean


def view(groups: Sequence[Group], by: Measure, changed: Sequence[str]) -> dict[str, Any]:
    """What the page shows of groups: rows, a chart, and the answers of the test.

    Parameters
    ----------
    groups : sequence of Group
        In the order of `in_order`.
    by : Measure
    changed : dotted names of the params in the rows
    """
    samples = [group.values(by.full_name) for group in groups]
    logarithmic = is_logarithmic(by.key, samples)
    mean = _mean(logarithmic)
    answers = significance.compare(samples, logarithmic, [group.judge for group in groups])
    return {
        "measure": by.full_name,
        "sentence": translated(by.sentence),
        "logarithmic": logarithmic,
        "level": significance.LEVEL,
        "rows": [_row(group, by, changed, mean) for group in groups],
        "chart": _chart(groups, samples, by, mean),
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
    """The group with the best mean, and the others by the test's answer about the two.

    Its mean is better than that of each other group of its judge, as they are in order. So a
    difference that the test finds is in its favour. Groups of another judge are `apart`.
    """
    best = groups[0]
    if not samples[0]:
        return {"best": "", "missing": 0, "beaten": [], "equal": [], "unknown": [], "apart": []}
    of_best = [each for each in answers if each.left == 0]
    kinds: Mapping[str, list[str]] = {
        "beaten": [groups[each.right].name for each in of_best if each.is_found],
        "equal": [
            groups[each.right].name
            for each in of_best
            if each.p is not None and not each.is_found
        ],
        "unknown": [groups[each.right].name for each in of_best if each.p is None],
        "apart": [
            group.name
            for group, values in zip(groups, samples, strict=True)
            if values and group.judge != best.judge
        ],
    }  # fmt: skip
    return {"best": best.name, "missing": len(best.runs) - len(samples[0]), **kinds}


def _row(
    group: Group,
    by: Measure,
    changed: Sequence[str],
    mean: Callable[[Sequence[float]], float],
) -> dict[str, Any]:
    values = group.values(by.full_name)
    deviation = spread(values)
    return {
        "name": group.name,
        "changes": {name: shown(group.first.params, name) for name in changed},
        "count": len(group.runs),
        "missing": len(group.runs) - len(values),
        "mean": f"{mean(values):.4g}" if values else "",
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
    mean: Callable[[Sequence[float]], float],
) -> str:
    named = {group.name: values for group, values in zip(groups, samples, strict=True) if values}
    if not named:
        return ""
    with speaking(ENGLISH):  # pictures have Latin letters in every language
        label = by.full_name
    return pages.embedded(png.points(named, label, mean), "png")
