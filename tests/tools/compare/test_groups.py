import pytest

from stages.tools.compare.groups import grouped, spread
from stages.tools.compare.runs import Figure, Run


def run(name, seed=1, value=1.0, **changes):
    found = {"params": {"train.beta1": 0.5, "train.seed": seed}, "judge": "", **changes}
    figures = {"precision": Figure(value, None, None, None, "")}
    return Run(name, found.pop("params"), "", {}, figures, {}, {}, None, "", **found)


def names(runs):
    return [[run.name for run in group.runs] for group in grouped(runs)]


def test_runs_that_differ_in_nothing_but_seeds_are_one_setting():
    other = {"train.beta1": 0.9, "train.seed": 2}
    label = {"train.beta1": 0.5, "train.seed": 3, "report.title": "other", "train.grid_seed": 5}
    runs = [run("a"), run("b", params=other), run("c", 2), run("d", params=label)]
    assert names(runs) == [["a", "c", "d"], ["b"]]


@pytest.mark.parametrize(
    "name", ["judge.seed", "download.bundled_seed", "evaluate.seed", "train.loss"]
)
def test_another_judge_or_data_or_measurement_is_another_setting(name):
    changed = {"train.beta1": 0.5, "train.seed": 2, name: 2}
    same = {"train.beta1": 0.5, "train.seed": 1, name: 1}
    assert names([run("a", params=same), run("b", params=changed)]) == [["a"], ["b"]]


def test_a_repeated_run_does_not_count_twice():
    assert names([run("a"), run("again"), run("b", 2)]) == [["a", "b"], ["again"]]
    pictures = {"train.beta1": 0.5, "train.seed": 1, "train.grid_seed": 5}
    assert names([run("a"), run("b", params=pictures)]) == [["a"], ["b"]]


def test_runs_of_other_code_are_another_setting_but_failed_runs_have_none():
    runs = [run("a", code="x"), run("b", 2, code="y"), run("lost", 3), run("c", 4, code="x")]
    assert names(runs) == [["a", "lost", "c"], ["b"]]


def test_runs_of_other_judges_are_another_setting_but_failed_runs_have_none():
    # Another split, by `preprocess.seed`, gives another judge.
    split = {"train.beta1": 0.5, "train.seed": 1, "preprocess.seed": 2}
    runs = [run("a", judge="x"), run("b", params=split, judge="y"), run("lost", 3)]
    assert names([*runs, run("c", 4, judge="x")]) == [["a", "lost", "c"], ["b"]]
    assert [group.judge for group in grouped(runs)] == ["x", "y"]
    assert names([run("a", judge="x"), run("b", params=split, judge="x")]) == [["a", "b"]]
    assert grouped([run("lost"), run("a", 2, judge="x")])[0].judge == "x"


def test_only_finite_values_count():
    (group,) = grouped([run("a", 1, 2.0), run("b", 2, None), run("c", 3, float("nan"))])
    assert group.values("precision") == [2.0]
    assert group.values("recall") == []
    assert spread([2.0]) is None
    assert spread([1.0, 3.0]) == pytest.approx(2**0.5)


def test_the_name_of_a_setting_has_no_seed():
    runs = [run("workspace"), run("rate-0.1-seed2", 2), run("rate-0.1-seed10-2", 10)]
    assert [group.name for group in grouped(runs)] == ["rate-0.1"]
    assert [group.name for group in grouped([run("x"), run("y", 2)])] == ["x (+1)"]


def test_two_settings_have_different_names():
    # The sweep ran again with other code, so that its experiments got free names.
    runs = [run("rate-seed1", 1, code="x"), run("rate-seed2", 2, code="x")]
    runs += [run("rate-seed1-2", 1, code="y"), run("rate-seed2-2", 2, code="y")]
    shown = [group.name for group in grouped(runs)]
    assert shown == ["rate-seed1 (+1)", "rate-seed1-2 (+1)"]
    # An experiment can have the name that a setting would get.
    runs = [run("rate-seed1"), run("rate-seed2", 2), run("rate", params={"train.beta1": 0.9})]
    assert [group.name for group in grouped(runs)] == ["rate-seed1 (+1)", "rate"]
