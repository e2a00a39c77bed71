import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.tools.compare import ranking
from stages.tools.compare.groups import grouped
from stages.tools.compare.runs import Figure, Run
from tests.helpers.data import message_of

FRECHET = ranking.measure("frechet_distance")
PRECISION = ranking.measure("precision")


def runs(rate, values, measure=FRECHET, judge=""):
    for seed, value in enumerate(values, 1):
        figures = {measure.full_name: Figure(value, 0.1, 0.2, 0.1, "")}
        params = {"train.learning_rate": rate, "train.seed": seed}
        yield Run(f"rate-{rate}-seed{seed}", params, "", {}, figures, {}, {}, None, "", judge)


def view(*settings, by=FRECHET):
    groups = ranking.in_order(grouped([run for each in settings for run in each]), by)
    return ranking.view(groups, by, ["train.learning_rate"])


def test_the_best_mean_stands_first_and_a_setting_without_scores_last():
    lost, good, poor = runs(0.1, [None]), runs(0.2, [3, 5, 4]), runs(0.3, [30, 50, 42])
    shown = view(lost, poor, good)
    assert [row["name"] for row in shown["rows"]] == ["rate-0.2", "rate-0.3", "rate-0.1-seed1"]
    assert shown["rows"][0]["mean"] == "3.915"  # of logarithms: the cube root of 60
    assert shown["rows"][0]["spread"] == "1"
    assert shown["rows"][0]["each"][1] == {"seed": "2", "value": "5"}
    assert shown["rows"][2]["missing"] == 1
    low, high = runs(1, [0.1, 0.2], PRECISION), runs(2, [0.8, 0.9], PRECISION)
    shown = view(low, high, by=PRECISION)
    assert [row["name"] for row in shown["rows"]] == ["rate-2", "rate-1"]
    assert not shown["logarithmic"]
    assert shown["rows"][0]["mean"] == "0.85"


# One run of the better setting failed.
STEADY = [2.0, 2.01, 1.99, 2.02, 1.98, 2.0, 2.01, 1.99, 2.0, 2.0]
BETTER = [0.7, 0.72, 0.69, 0.71, 0.7, 0.68, 0.73, 0.7, 0.71, 16.0]


def test_a_setting_is_never_behind_one_that_it_beats():
    assert statistics.fmean(STEADY) < statistics.fmean(BETTER)
    shown = view(runs(1, STEADY), runs(2, BETTER))
    assert shown["best"] == "rate-2"
    assert shown["beaten"] == ["rate-1"]
    assert [row["mean"] for row in shown["rows"]] == ["0.9625", "2"]
    (pair,) = shown["pairs"]
    assert (pair["left"], pair["difference"], pair["found"]) == ("rate-2", "0.481", True)


SCORES = st.lists(st.floats(0.1, 100), min_size=2, max_size=4)


@settings(max_examples=30)
@given(st.lists(SCORES, min_size=2, max_size=4))
def test_every_difference_that_is_found_is_in_favour_of_what_stands_first(samples):
    groups = grouped([run for rate, each in enumerate(samples) for run in runs(rate, each)])
    shown = ranking.view(ranking.in_order(groups, FRECHET), FRECHET, [])
    assert all(float(pair["difference"]) <= 1 for pair in shown["pairs"] if pair["found"])


def test_settings_of_different_judges_are_neither_ordered_together_nor_tested():
    old = runs(1, [1.0, 1.1, 1.2], judge="a"), runs(2, [9.0, 9.1, 9.2], judge="a")
    # The other judge's scores are smaller, but it gave fewer.
    new = runs(3, [0.1, 0.11], judge="b"), runs(4, [0.5, 0.52], judge="b")
    shown = view(*new, *old)
    assert [row["name"] for row in shown["rows"]] == ["rate-1", "rate-2", "rate-3", "rate-4"]
    pairs = [(pair["left"], pair["right"]) for pair in shown["pairs"]]
    assert pairs == [("rate-1", "rate-2"), ("rate-3", "rate-4")]
    assert (shown["best"], shown["beaten"]) == ("rate-1", ["rate-2"])
    assert shown["apart"] == ["rate-3", "rate-4"]


def test_it_counts_what_the_best_setting_lacks():
    shown = view(runs(1, [1.0, None, None]), runs(2, [2.0, 2.1, None]))
    assert (shown["best"], shown["missing"]) == ("rate-1", 2)
    assert view(runs(1, [1.0, 1.1]), runs(2, [2.0, None]))["missing"] == 0


def test_it_says_what_differs_from_the_best_by_more_than_chance():
    shown = view(
        runs(1, [1.0, 1.1, 1.2]), runs(2, [1.1, 1.3, 1.2]), runs(3, [9, 10, 11]), runs(4, [50])
    )
    assert shown["best"] == "rate-1"
    assert (shown["equal"], shown["beaten"]) == (["rate-2"], ["rate-3"])
    assert shown["unknown"] == ["rate-4-seed1"]
    assert shown["logarithmic"]
    assert [pair["p"] for pair in shown["pairs"] if "rate-4" in pair["right"]] == [""] * 3
    assert shown["chart"].startswith("data:image/png")


def test_without_any_score_there_is_no_best():
    shown = view(runs(1, [None, None]), runs(2, [None, None]))
    assert (shown["best"], shown["pairs"], shown["chart"]) == ("", [], "")


def test_a_distance_of_0_has_no_logarithm():
    assert not view(runs(1, [0.0, 1.0]), runs(2, [1.0, 2.0]))["logarithmic"]


@pytest.mark.parametrize("key", ["frechet", "memorisation"])
def test_what_cannot_order_is_told_with_what_can(key):
    told = message_of(ranking.measure, key)
    assert told.startswith(f"no measure '{key}' to order by (valid: frechet_distance, ")
    assert "memorisation," not in told.partition("valid")[2]
