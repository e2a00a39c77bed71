"""The first line of a page: what the scores say, and what the watch over training said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.measures import headline
from stages.gan.measures.headline import FEW_KINDS, MISSING, NOT_REAL, RECOGNISED, SOUND
from stages.gan.training.watch import verdicts
from tests.helpers.project import ROOT


def score(value, floor=1.0):
    return {"value": value, "error": 0.01, "floor": floor, "floor_error": 0.01}


def evaluate(precision=0.9, coverage=0.9, classes=1.0, accuracy=0.9, samples=205, task="labels"):
    """The part of evaluate.json that a headline needs; the floors are those of real digits."""
    return {
        "samples": samples,
        "quality": {
            "precision": score(precision, 0.93),
            "coverage": score(coverage, 0.95),
            "class_coverage": score(classes),
        },
        "critic": {"accuracy": score(accuracy, 0.5)},
        "judge": {"task": task},
    }


def test_images_of_which_none_lies_among_real_ones_are_told_first():
    found = headline.finding(evaluate(precision=0.0, coverage=0.0, classes=0.2, accuracy=1.0))
    assert (found.name, found.serious) == (NOT_REAL, True)
    assert headline.line("still learning", evaluate(precision=0.0)) == (
        "The images do not look real yet: none of 205 lies among real ones (of real images "
        "themselves, 93% do). Training: still learning."
    )
    assert "only 20% lie among real ones" in headline.finding(evaluate(precision=0.2)).seen


@pytest.mark.parametrize(
    ("changes", "name", "word"),
    [
        ({"precision": 0.46}, NOT_REAL, "only 46% lie among real ones"),
        ({"precision": 0.47}, None, ""),
        ({"coverage": 0.47, "classes": 0.5}, FEW_KINDS, "only 47% of the real images have a"),
        ({"coverage": 0.48}, None, ""),
        ({"classes": 0.9, "accuracy": 1.0}, MISSING, "90% of them are drawn"),
        ({"classes": 0.95}, None, ""),
        ({"classes": 0.9, "task": "transformations"}, None, ""),  # clusters, not classes
        ({"classes": 0.85, "task": "transformations"}, MISSING, "85% of them are drawn"),
        ({"accuracy": 0.9951}, RECOGNISED, "right about 99.5% of all images"),
        ({"accuracy": 0.9949}, None, ""),
    ],
)
def test_the_limits_are_shares_of_the_floor(changes, name, word):
    found = headline.finding(evaluate(**changes))
    assert (found.name if found else None) == name
    assert word in (found.seen if found else "")


@given(st.sampled_from(("precision", "coverage", "classes")), st.floats(0, 1), st.floats(0, 1))
def test_a_better_score_is_never_told_worse(which, one, other):
    order = [NOT_REAL, FEW_KINDS, MISSING, RECOGNISED, None]
    worse, better = sorted((one, other))
    first, second = (headline.finding(evaluate(**{which: value})) for value in (worse, better))
    assert order.index(first and first.name) <= order.index(second and second.name)


def test_a_run_without_scores_has_the_verdict_alone():
    unknown = {"value": None, "floor": None}
    none = {
        "samples": 4,
        "quality": {"precision": unknown, "coverage": unknown},  # an old run lacks class_coverage
        "critic": {"accuracy": unknown},
    }
    assert headline.finding(none) is None
    assert headline.line("near equilibrium", none) == (
        "Training: near equilibrium. There were too few images to score what G draws."
    )


def test_good_images_are_told_with_their_figures():
    assert headline.line("near equilibrium", evaluate()) == (
        "Training: near equilibrium. 90% of the images lie among real ones, and 90% of the real "
        "images have a generated one near them."
    )


@pytest.mark.parametrize("verdict", verdicts.VERDICTS)
def test_a_run_is_shown_as_good_only_if_watch_and_scores_both_say_so(verdict):
    expected = {verdicts.NEAR: "good", verdicts.LEARNING: "good", verdicts.OSCILLATING: "doubtful"}
    assert (verdict in SOUND) == (expected.get(verdict) == "good")
    for harmless in (None, headline.finding(evaluate(accuracy=1.0))):
        assert headline.colour(verdict, harmless) == expected.get(verdict, "failed")
    assert headline.colour(verdict, headline.finding(evaluate(precision=0.1))) == "failed"


def test_the_name_for_a_cell_has_both():
    assert headline.name("oscillating", None) == "oscillating"
    found = headline.finding(evaluate(coverage=0.1))
    assert headline.name("oscillating", found) == "few kinds of image (oscillating)"


def scored_runs():
    """The scores of all runs in the project's records: precision and coverage with their floors."""

    def within(content):
        if isinstance(content, dict):
            if {"precision", "coverage"} <= set(content):
                yield content
            else:
                for inner in content.values():
                    yield from within(inner)

    for file in ("benchmarks/search.json", "benchmarks/scores/results.json"):
        yield from within(json.loads((ROOT / file).read_text(encoding="utf-8")))


def test_no_run_on_record_lies_near_a_limit():
    """The limits stand in gaps: between runs that drew digits or faces and those that did not."""
    runs = list(scored_runs())
    shares = [
        {key: run[key]["value"] / run[key]["floor"] for key in ("precision", "coverage")}
        for run in runs
    ]
    assert len(runs) == 60
    precise = [share for share in shares if share["precision"] >= 0.5]
    assert max(s["precision"] for s in shares if s not in precise) < 0.41
    assert min(s["precision"] for s in precise) > 0.64
    assert max(s["coverage"] for s in precise if s["coverage"] < 0.5) < 0.48
    assert min(s["coverage"] for s in precise if s["coverage"] >= 0.5) > 0.62
