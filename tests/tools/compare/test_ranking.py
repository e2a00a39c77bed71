import pytest

from stages.tools.compare import ranking
from stages.tools.compare.groups import grouped
from stages.tools.compare.runs import Figure, Run
from tests.helpers.data import message_of

FRECHET = ranking.measure("frechet_distance")
PRECISION = ranking.measure("precision")


def runs(rate, values, measure=FRECHET):
    for seed, value in enumerate(values, 1):
        figures = {measure.full_name: Figure(value, 0.1, 0.2, 0.1, "")}
        params = {"train.learning_rate": rate, "train.seed": seed}
        yield Run(f"rate-{rate}-seed{seed}", params, "", {}, figures, {}, {}, None, "", "")


def view(*settings, by=FRECHET):
    groups = ranking.in_order(grouped([run for each in settings for run in each]), by)
    return ranking.view(groups, by, ["train.learning_rate"])


def test_the_best_mean_stands_first_and_a_setting_without_scores_last():
    lost, good, poor = runs(0.1, [None]), runs(0.2, [3, 5, 4]), runs(0.3, [30, 50, 42])
    shown = view(lost, poor, good)
    assert [row["name"] for row in shown["rows"]] == ["rate-0.2", "rate-0.3", "rate-0.1-seed1"]
    assert shown["rows"][0]["mean"] == "4"
    assert shown["rows"][0]["spread"] == "1"
    assert shown["rows"][0]["each"][1] == {"seed": "2", "value": "5"}
    assert shown["rows"][2]["missing"] == 1
    low, high = runs(1, [0.1, 0.2], PRECISION), runs(2, [0.8, 0.9], PRECISION)
    shown = view(low, high, by=PRECISION)
    assert [row["name"] for row in shown["rows"]] == ["rate-2", "rate-1"]
    assert not shown["logarithmic"]


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
