import json
import os
import sys
from pathlib import Path

import pytest

from stages.tools.dvc import revisions
from stages.tools.recipe import __main__ as recipe_command
from stages.tools.recipe import recipes
from tests.helpers.project import ROOT, Project


def command(folder, *arguments):
    return Project(folder).run("python", "-m", "stages", "recipe", *arguments, check=False)


def test_without_a_name_all_are_listed():
    lines = command(ROOT).stdout.splitlines()
    names = recipes.names(ROOT / "recipes")
    assert [line.split(" ")[0] for line in lines] == names
    assert "mnist-dcgan (mnist): A small DCGAN on digits" in "\n".join(lines)


def test_a_misspelt_name_ends_in_one_line_with_the_right_one():
    result = command(ROOT, "mnist-dcgam")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: no recipe 'mnist-dcgam'")
    assert "mnist-dcgan" in line


def test_a_param_that_there_is_not_ends_in_one_line(tmp_path):
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes/mine.yaml").write_text("mnist: {train: {emma: 1}}\n")
    (tmp_path / "params.yaml").write_text("datasets: {mnist: {}}\nmnist: {train: {ema: 0}}\n")
    result = command(tmp_path, "mine")
    assert result.returncode == 1
    assert result.stderr == "error: recipe mine: params.yaml has no mnist.train.emma\n"


@pytest.mark.parametrize(
    ("options", "targets"),
    [
        (["-S", "a.train.ema=0.5"], ["report@a", "report@b"]),
        (["-n", "own"], ["report@a", "report@b"]),
        (["train@b", "-f"], []),
    ],
)
def test_without_a_stage_the_pages_of_its_data_sets_are_made(
    tmp_path, monkeypatch, options, targets
):
    monkeypatch.chdir(tmp_path)
    Path("recipes").mkdir()
    Path("recipes/mine.yaml").write_text("a: {train: {ema: 0.9}}\nb: {train: {ema: 0.9}}\n")
    section = {"train": {"ema": 0}}
    Path("params.yaml").write_text(
        json.dumps({"datasets": {"a": {}, "b": {}}, "a": section, "b": section})
    )
    commands = []
    monkeypatch.setattr(os, "execv", lambda program, words: commands.append(words))
    monkeypatch.setattr(revisions, "free_name", lambda name: name)
    monkeypatch.setattr(sys, "argv", ["recipe", "mine", *options])
    recipe_command.main()
    (words,) = commands
    changed = words.index("b.train.ema=0.9")
    assert words[changed + 1 :] == [*options, *targets]


@pytest.mark.slow
def test_it_is_an_experiment_of_that_name_with_the_users_own_changes_last(copied):
    (copied.folder / "recipes/mine.yaml").write_text(
        "# Mine\ndatasets:\n  mnist: {network: dcgan}\nmnist:\n  train:\n    ema: 0.5\n"
        "    generator: {widths: [4, 2]}\n    discriminator: {widths: [2, 4]}\n"
    )
    before = copied.params
    result = copied.run("python", "-m", "stages", "recipe", "mine", "-S", "mnist.train.ema=0.25")
    assert "exp run --name mine" in result.stdout
    assert "train@faces" not in result.stdout
    params = copied.params
    assert params["datasets"]["mnist"]["network"] == "dcgan"
    assert params["mnist"]["train"]["generator"]["widths"] == [4, 2]
    assert params["mnist"]["train"]["ema"] == 0.25
    assert params["faces"] == before["faces"]
    about = json.loads(
        (copied.folder / "models/mnist/checkpoints/final/checkpoint.json").read_text()
    )
    assert "dcgan" in json.dumps(about)
    assert "mine" in copied.run("dvc", "exp", "list").stdout
    metrics = json.loads((copied.folder / "metrics/mnist/scores.json").read_text())
    assert metrics["averaged_generator"] is True
    # Another try is an experiment beside it; with a stage of its own, that alone.
    again = copied.run(
        "python", "-m", "stages", "recipe", "mine", "-S", "mnist.train.ema=0.5",
        "preprocess@mnist",
    )  # fmt: skip
    assert "train@mnist" not in again.stdout
    assert "exp run --name mine-2" in again.stdout
    assert {"mine", "mine-2"} <= set(
        copied.run("dvc", "exp", "list", "-A", "--name-only").stdout.split()
    )
    named = copied.run("python", "-m", "stages", "recipe", "mine", "--queue", "-n", "own")
    assert "--name" not in named.stdout
    assert "own" in named.stdout
