"""Tables of a sweep's runs, from the experiments of a project."""

import json
import shutil

import pytest

from stages.gan.common.errors import UserError
from stages.tools.course import sweeps
from tests.helpers.project import ROOT, commit

QUESTION = "# ?\ngrid:\n  train: {learning_rate: [0.002, 0.02]}\n"
LEARNING_RATE = "mnist.train.learning_rate"


def test_a_table_is_read_as_it_was_written(tmp_path):
    rows = [
        {"setting": "a", "seed": 1, "changes": "x=[1, 2], y=3", "quality.recall": 0.1},
        {"setting": "b", "seed": 2, "changes": "", "quality.recall": None},
    ]
    assert sweeps.write(tmp_path / "t.csv", rows) == rows
    assert sweeps.parse((tmp_path / "t.csv").read_text()) == rows
    assert sweeps.values(rows, "a", "quality.recall") == {1: 0.1}
    assert sweeps.values(rows, "b", "quality.recall") == {}
    assert sweeps.values(rows, "a", "quality.precision") == {}


@pytest.mark.parametrize("text", ["", "setting,seed\n", "a\n1\n", "setting,seed\na\n",
                                  "setting,seed\na,1,2\n", "setting,seed\na,one\n"])  # fmt: skip
def test_what_is_no_table_is_refused(text):
    with pytest.raises(ValueError, match=r"table|run|invalid literal"):
        sweeps.parse(text)


def test_a_table_is_shown_in_columns(capsys):
    rows = [{"setting": "slow", "seed": 1, "quality.recall": 0.123456, "critic.bce": None}]
    sweeps.show(rows, "setting", "seed", "quality.recall", "critic.bce")
    assert capsys.readouterr().out.split("\n")[:2] == [
        "setting  seed  recall  bce", "slow     1     0.123      ",
    ]  # fmt: skip


def test_what_a_sweep_varies_is_not_set_for_all(monkeypatch):
    monkeypatch.chdir(ROOT)
    base = {LEARNING_RATE: 0.001, "mnist.train.ema": 0.99}
    assert sweeps.options("learning_rate", base) == {"mnist.train.ema": 0.99}
    assert sweeps.options("beta1", base) == base


@pytest.mark.pipeline
def test_the_runs_of_a_sweep_are_found_by_their_params(copied):
    (copied.folder / "sweeps").mkdir()
    (copied.folder / "sweeps/rate.yaml").write_text(QUESTION)
    shutil.copytree(ROOT / "course", copied.folder / "course", dirs_exist_ok=True)
    commit(copied, "a question")
    base = copied.run("git", "rev-parse", "HEAD").stdout.strip()
    before = copied.params
    scores = copied.folder / "metrics/mnist/scores.json"

    def experiment(name, rate, seed, recall, steps=7):
        params = copied.params
        params["mnist"]["train"].update(
            learning_rate=rate, seed=seed, max_steps=steps, on_failure="warn"
        )
        copied.write_params(params)
        content = json.loads(scores.read_text())
        content["quality"]["recall"]["value"] = recall
        scores.write_text(json.dumps(content))
        commit(copied, name)
        copied.run("git", "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", "HEAD")
        copied.run("git", "reset", "-q", "--hard", base)

    experiment("one", 0.002, 1, 0.25)
    experiment("two", 0.002, 2, 0.5)
    experiment("longer", 0.002, 3, 0.75, steps=8)
    common = {"mnist.train.max_steps": 7}
    with pytest.raises(UserError, match=r"sweep rate has no finished run of 0\.02"):
        sweeps.table(5, "rate", common)
    experiment("fast", 0.02, 1, 0.125)
    assert copied.params == before

    rows = sweeps.table(5, "rate", common)
    assert [(row["setting"], row["seed"], row["experiment"]) for row in rows] == [
        ("0.002", 1, "one"), ("0.002", 2, "two"), ("0.02", 1, "fast"),
    ]  # fmt: skip
    assert sweeps.values(rows, "0.002", "quality.recall") == {1: 0.25, 2: 0.5}
    assert rows[2]["changes"] == "train.learning_rate=0.02"
    assert sweeps.parse(sweeps.path_of(5, "rate").read_text()) == rows


def test_recorded_runs_are_taken_as_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "course/5-one-question/recorded"
    folder.mkdir(parents=True)
    (folder / "rate.csv").write_text("setting,seed,quality.recall\na,1,0.5\n")
    rows = sweeps.recorded(5, "rate")
    assert rows == [{"setting": "a", "seed": 1, "quality.recall": 0.5}]
    assert sweeps.path_of(5, "rate").exists()
    with pytest.raises(UserError, match="no recorded runs of loss"):
        sweeps.recorded(5, "loss")
