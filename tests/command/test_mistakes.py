"""Typical mistakes end in one line, in the terminal's language."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages import __main__ as commands
from stages import command, download
from stages.gan import params
from stages.gan.common import language, locks
from stages.gan.common.files import read_json
from stages.gan.trained import checkpoints
from stages.gan.training.preparation import plan_of
from stages.tools.use import generate
from tests.helpers.data import write_idx, write_params
from tests.helpers.project import ROOT

CHINESE = re.compile("[\u4e00-\u9fff]")


def stage(dataset="mnist", **changes):
    """The download of a data set with changed params."""
    write_params(Path(), **changes)
    sys.argv = ["download", dataset]
    command.run_stage(download.download, "kind.format", "download")


def wrong_checksum():
    write_idx(Path("digits"))
    hashes = {"train-images-idx3-ubyte": "0" * 64}
    stage(mnist__download__sources=["digits"], mnist__download__sha256=hashes)


def large_batch():
    settings = params.load(write_params(Path(), mnist__train__batch_size=64), "mnist").train
    plan_of("mnist", settings, 50)


def locked_project():
    with locks.lock(Path("lock"), "x"), locks.lock(Path("lock"), "this run"):
        pass


def damaged_metrics():
    Path("scores.json").write_text('{"samples": ')
    read_json(Path("scores.json"))


def damaged_checkpoint():
    Path("final").mkdir()
    Path("final/checkpoint.json").write_text(json.dumps({"epoch": -3}))
    checkpoints.load(Path("final"))


def bad_codes():
    np.save("codes.npy", np.zeros((2, 7)))
    generate.read_codes(Path("codes.npy"), 100)


def unknown_command():
    sys.argv = ["stages", "trian"]
    commands.main()


MISTAKES = {
    "unknown data set": (lambda: stage("mnits"), ["mnits", "mnist"]),
    "bad rate": (
        lambda: stage(mnist__train__learning_rate=99),
        ["mnist.train.learning_rate", "99"],
    ),
    "no number": (lambda: stage(mnist__train__epochs="many"), ["mnist.train.epochs", "'many'"]),
    "unknown loss": (lambda: stage(mnist__train__loss="bcee"), ["bcee", "bce_with_logits"]),
    "option that the loss lacks": (
        lambda: stage(mnist__train__loss="hinge", mnist__train__loss_options__pos_weight=2.0),
        ["pos_weight", "2.0", "hinge"],
    ),
    "missing source": (
        lambda: stage(mnist__download__sources=["nowhere.zip"]),
        ["nowhere.zip"],
    ),
    "wrong checksum": (wrong_checksum, ["train-images-idx3-ubyte", "0" * 64]),
    "batch larger than the data": (large_batch, ["mnist.train.batch_size", "64", "50"]),
    "locked project": (locked_project, ["this run", str(os.getpid())]),
    "damaged metrics": (damaged_metrics, ["scores.json", "`dvc repro`"]),
    "no checkpoint": (lambda: checkpoints.load(Path("models")), ["models", "checkpoint.json"]),
    "damaged checkpoint": (damaged_checkpoint, ["final/checkpoint.json"]),
    "codes of another length": (bad_codes, ["codes.npy", "(2, 7)", "(N, 100)"]),
    "unknown command": (unknown_command, ["'trian'", "train"]),
}


@pytest.fixture
def spoken(request, tmp_path, monkeypatch):
    """Within a project of its own, the terminal speaks the language that is asked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["command"])
    monkeypatch.setenv(language.VARIABLE, request.param)
    return request.param


def ended(capsys, main):
    """The exit code of a command, and what it printed as an error."""
    with pytest.raises(SystemExit) as caught:
        command.guarded(main)
    return caught.value.code, capsys.readouterr().err


@pytest.mark.parametrize("spoken", language.LANGUAGES, indirect=True)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_ends_in_one_line_of_the_language_that_names_the_bad_value(
    capsys, spoken, mistake
):
    main, named = MISTAKES[mistake]
    code, said = ended(capsys, main)
    assert code == 1
    assert said.count("\n") == 1
    assert said.startswith({"en": "error: ", "zh": "错误："}[spoken])
    for each in named:
        assert each in said
    assert bool(CHINESE.search(said.removeprefix("错误："))) == (spoken == "zh")


@pytest.mark.parametrize("spoken", ["fr", "ZH", "zh_CN"], indirect=True)
def test_an_unknown_language_is_one_line_in_english(capsys, spoken):
    code, said = ended(capsys, lambda: None)
    assert code == 1
    assert said == f"error: GAN_LANGUAGE is '{spoken}'; valid: en, zh\n"


@pytest.mark.parametrize("spoken", ["zh"], indirect=True)
def test_a_command_that_is_interrupted_says_so_in_chinese(capsys, spoken):
    def main():
        raise KeyboardInterrupt

    assert ended(capsys, main) == (130, "错误：已中断\n")


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ({"PYTHONIOENCODING": "utf-8"}, "没有命令"),
        ({"PYTHONIOENCODING": "gbk"}, "没有命令"),
        ({"LC_ALL": "POSIX"}, "没有命令"),  # Python speaks UTF-8 there
        ({"PYTHONIOENCODING": "ascii"}, "no command"),
        ({"PYTHONIOENCODING": "latin-1"}, "no command"),
    ],
)
def test_a_terminal_that_cannot_show_chinese_is_spoken_to_in_english(encoding, shown):
    ran = [
        subprocess.run(
            [sys.executable, "-m", "stages", word],
            capture_output=True,
            cwd=ROOT,
            env={**os.environ, "GAN_LANGUAGE": "zh", **encoding},
        )
        for word in ("trian", "--help")
    ]
    read_as = encoding.get("PYTHONIOENCODING", "utf-8")
    wrong, listed = (each.stdout.decode(read_as) + each.stderr.decode(read_as) for each in ran)
    assert [each.returncode for each in ran] == [1, 0]
    assert shown in wrong
    assert wrong.count("\n") == 1
    assert bool(CHINESE.search(listed)) == (shown == "没有命令")
    assert "Error" not in wrong + listed
