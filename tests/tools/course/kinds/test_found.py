"""The student's results themselves are looked at: params, values, and the outs of a stage."""

import json

import pytest

from stages.tools.course.kinds import found
from stages.tools.course.outcomes import State
from stages.tools.course.places import Project

TASK = {
    "stage": "train@mnist",
    "params": {"mnist.train.learning_rate": 0.00002},
    "values": [
        {"file": "train.json", "key": "steps", "between": [100, 200]},
        {"file": "train.json", "key": "verdict", "one_of": ["won", "near"]},
    ],
}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Results that are as asked, and a stage whose outs are sound."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Project, "trouble", lambda self, stage: "")
    # DVC writes such a rate in this form.
    (tmp_path / "params.yaml").write_text("mnist: {train: {learning_rate: 2e-05}}")
    (tmp_path / "train.json").write_text(json.dumps({"steps": 150, "verdict": "near"}))
    return tmp_path


def outcome(task=TASK):
    entry = found.seal(task, "s") | {"look": {"en": "look"}}
    return found.check(entry, None, Project())


def test_results_as_asked_are_right(results):
    assert outcome().state is State.RIGHT


def test_other_params_are_named(results):
    (results / "params.yaml").write_text("mnist: {train: {learning_rate: 0.1}}")
    assert outcome().note == "params.yaml: mnist.train.learning_rate is 0.1."


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ({"steps": 99, "verdict": "near"}, "train.json: steps is 99."),
        ({"steps": "x", "verdict": "near"}, "train.json: steps is x."),
        ({"steps": 100, "verdict": "dead"}, "train.json: verdict is dead."),
        ({"steps": 100}, "train.json has no verdict."),
    ],
)
def test_other_values_are_named(results, content, note):
    (results / "train.json").write_text(json.dumps(content))
    assert outcome().state is State.WRONG
    assert outcome().note == note


def test_outs_that_do_not_fit_are_named(results, monkeypatch):
    monkeypatch.setattr(Project, "trouble", lambda self, stage: f"{stage} has not run.")
    assert outcome().note == "train@mnist has not run."


def test_a_value_may_be_asked_for_exactly(results):
    task = {"values": [{"file": "train.json", "key": "steps", "equals": 150}]}
    assert outcome(task).state is State.RIGHT
    task["values"][0]["equals"] = 151
    assert outcome(task).state is State.WRONG


def test_a_bundle_without_the_file_is_not_blamed(results, monkeypatch):
    monkeypatch.setattr(Project, "is_whole", False)
    (results / "train.json").unlink()
    assert outcome().state is State.UNSEEN


@pytest.mark.parametrize("task", [{}, {"values": [{"file": "a", "key": "b"}]}])
def test_a_task_without_a_condition_is_refused(task):
    with pytest.raises(ValueError, match="needs"):
        found.seal(task, "s")
