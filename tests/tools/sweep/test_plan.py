import shutil
from dataclasses import replace

import pytest
import yaml

from stages.tools.dvc import revisions
from stages.tools.sweep import plan
from stages.tools.sweep.definitions import Sweep
from tests.helpers.data import SHIPPED, message_of, set_param, shipped
from tests.helpers.project import lecture_params

RATES = Sweep("rate", "?", {"slow": {"train.learning_rate": 0.0002},
                            "fast": {"train.learning_rate": 0.01, "train.beta1": 0.9}})  # fmt: skip


def test_an_experiment_changes_what_differs_from_the_workspace():
    slow, fast = plan.plan(RATES, "mnist", lecture_params(), {})
    assert (slow.name, fast.name) == ("rate-slow", "rate-fast")
    assert slow.changes == {"mnist.train.on_failure": "warn"}
    assert fast.changes == {
        "mnist.train.on_failure": "warn",
        "mnist.train.learning_rate": 0.01,
        "mnist.train.beta1": 0.9,
    }
    assert "--set-param=mnist.train.learning_rate=0.01" in fast.options
    assert fast.content["mnist"]["train"]["beta1"] == 0.9
    assert fast.about == "train.learning_rate=0.01, train.beta1=0.9"


def test_each_setting_has_an_experiment_for_each_seed_and_its_name_is_stable():
    rates = replace(RATES, seeds=(1, 2))
    planned = plan.plan(rates, "mnist", lecture_params(), {})
    assert [each.name for each in planned] == [
        "rate-slow-seed1", "rate-fast-seed1", "rate-slow-seed2", "rate-fast-seed2",
    ]  # fmt: skip
    assert "mnist.train.seed" not in planned[0].changes  # as in the workspace
    assert planned[2].changes["mnist.train.seed"] == 2
    assert planned[2].about == "train.learning_rate=0.0002, train.seed=2"
    # A run of an earlier sweep without seeds is the same experiment.
    assert plan.plan(RATES, "mnist", lecture_params(), {})[0].outcome == planned[0].outcome
    told = message_of(plan.plan, rates, "mnist", lecture_params(), {"mnist.train.seed": 3})
    assert "sweep rate varies mnist.train.seed itself" in told


def test_what_the_user_changes_holds_for_all():
    own = {"mnist.train.on_failure": "stop", "mnist.train.epochs": 3}
    for each in plan.plan(RATES, "mnist", shipped(), own):
        assert each.changes["mnist.train.epochs"] == 3
        assert "mnist.train.on_failure" not in each.changes  # as in the workspace
        assert each.outcome["train.epochs"] == 3


def test_it_can_be_asked_of_another_data_set():
    _, fast = plan.plan(RATES, "faces", shipped(), {})
    assert fast.changes["faces.train.learning_rate"] == 0.01
    assert not [name for name in fast.changes if name.startswith("mnist")]


@pytest.mark.parametrize(
    ("setting", "own", "told"),
    [
        ({"train.rate": 1}, {}, "sweep mine: params.yaml has no mnist.train.rate"),
        ({"train.beta1": 2}, {}, "mnist.train.beta1 is 2: valid is"),
        (
            {"train.beta1": 0.9},
            {"mnist.train.beta1": 0.5},
            "sweep mine varies mnist.train.beta1 itself",
        ),
        ({"train.beta1": 0.9}, {"mnist.train.beta": 0.5}, "params.yaml has no mnist.train.beta"),
        ({"kind.network": "cnn"}, {}, "datasets.mnist.network is 'cnn'"),
    ],
)
def test_mistakes_are_told_before_anything_is_queued(setting, own, told):
    sweep = Sweep("mine", "?", {"one": setting})
    text = message_of(plan.plan, sweep, "mnist", shipped(), own)
    assert told in text
    assert "/tmp" not in text


def test_params_are_the_same_if_the_same_comes_out():
    content = lecture_params()
    one = plan.outcome(content, "mnist")
    changes = {
        "mnist.train.on_failure": "warn",
        "mnist.report.title": "Other",
        "language": "zh",
        "mnist.train.learning_rate": "2e-04",
        "faces.train.seed": 9,
    }
    for name, value in changes.items():
        set_param(content, name, value)
    assert plan.outcome(content, "mnist") == one
    set_param(content, "datasets.mnist.network", "dcgan")
    set_param(content, "mnist.train.generator.widths", [4, 2])
    set_param(content, "mnist.train.discriminator.widths", [2, 4])
    assert plan.outcome(content, "mnist") != one


def test_values_of_the_command_line_are_as_in_yaml():
    text = ["a=1e-4", "b=[1, 2]", "c=word", "d=true", "e=x=y", "f="]
    assert plan.overrides(text) == {
        "a": 1e-4, "b": [1, 2], "c": "word", "d": True, "e": "x=y", "f": None,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a", "=1", "a=[1"])
def test_what_is_no_value_is_told(text):
    assert "should be KEY=VALUE" in message_of(plan.overrides, [text])


@pytest.mark.pipeline
def test_the_workspace_has_it_if_all_is_up_to_date(copied):
    content = yaml.safe_load((copied.folder / "params.yaml").read_text())
    slow, fast = plan.plan(RATES, "mnist", content, {})
    assert plan.is_in_workspace(slow, "mnist")
    assert not plan.is_in_workspace(fast, "mnist")
    with (copied.folder / "stages/train.py").open("a") as file:
        file.write("# changed\n")
    assert not plan.is_in_workspace(slow, "mnist")


def test_the_workspace_has_nothing_where_dvc_refuses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no repository
    shutil.copy(SHIPPED, "params.yaml")
    slow, _ = plan.plan(RATES, "mnist", shipped(), {})
    assert not plan.is_in_workspace(slow, "mnist")


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_finished_experiment_counts_if_params_and_code_are_the_same_and_it_was_measured(copied):
    changes = ("-S", "mnist.train.learning_rate=0.01", "-S", "mnist.train.beta1=0.9")
    content = yaml.safe_load((copied.folder / "params.yaml").read_text())
    slow, fast = plan.plan(RATES, "mnist", content, {})
    head = copied.run("git", "rev-parse", "HEAD").stdout.strip()
    copied.run("dvc", "exp", "run", "-n", "half", *changes, "train@mnist")
    copied.run("git", "checkout", "-q", ".")
    assert plan.finished(fast, "mnist", head) is None
    copied.run("dvc", "exp", "run", "-n", "whole", *changes, "evaluate@mnist")
    copied.run("git", "checkout", "-q", ".")
    assert plan.finished(fast, "mnist", head) == "whole"
    assert plan.finished(slow, "mnist", head) is None
    assert plan.finished(fast, "mnist", "0" * 40) is None
    assert revisions.free_name("whole") == "whole-2"
    with (copied.folder / "stages/train.py").open("a") as file:
        file.write("# changed\n")
    assert plan.finished(fast, "mnist", head) is None


def test_the_shipped_params_are_read(tmp_path):
    assert plan.outcome(yaml.safe_load(SHIPPED.read_text()), "mnist")["kind.network"] == "mlp"
