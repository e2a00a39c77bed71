import sys

import numpy as np
import pytest
import yaml

from stages.command import argument_parser
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import write_csv
from stages.gan.trained import checkpoints, choice
from stages.gan.trained.sampling import generate as images_of
from stages.tools.use import discriminate, generate, model
from tests.helpers.project import ROOT
from tests.helpers.training.network import describe, save_untrained

NAMES = (*(checkpoints.epoch_name(epoch) for epoch in (1, 2)), checkpoints.FINAL)


@pytest.fixture
def scored(tmp_path, monkeypatch):
    """A project with checkpoints of 3 epochs, of which the second has the best quick score."""
    monkeypatch.chdir(tmp_path)
    models = paths.models("mnist")
    for epoch, name in enumerate(NAMES, 1):
        save_untrained(models / name, epoch=epoch, seed=epoch)
    write_csv(models / paths.QUICK_SCORES, ["epoch", "score"], {1: 0.4, 2: 0.1, 3: 0.2}.items())

    def project(which):
        content = yaml.safe_load((ROOT / paths.PARAMS).read_text())
        content["mnist"]["train"]["quick_score"] = 8
        content["mnist"]["evaluate"]["checkpoint"] = which
        paths.PARAMS.write_text(yaml.safe_dump(content))
        return models

    return project


def given(*arguments):
    parser = argument_parser()
    model.add_options(parser)
    return parser.parse_args(["mnist", *map(str, arguments)])


@pytest.mark.parametrize(("which", "name", "epoch"), [("last", "final", 3), ("best", NAMES[1], 2)])
def test_it_is_the_one_that_evaluate_scores_and_it_is_said(scored, capsys, which, name, epoch):
    models = scored(which)
    found = model.of(given())
    assert (found.folder, found.epoch) == (models / name, epoch)
    assert found == choice.load(models, which)
    said = capsys.readouterr()
    assert said.err == f"mnist: {models / name}, epoch {epoch} (evaluate.checkpoint is {which})\n"
    assert said.out == ""


def test_another_one_can_be_named(scored, capsys):
    models = scored("best")
    assert model.of(given("--model", models / NAMES[0])).epoch == 1
    assert capsys.readouterr().err == ""
    assert model.of(given("--model", models)).epoch == 3


def test_mistakes_are_named(scored):
    models = scored("best")
    (models / paths.QUICK_SCORES).unlink()
    with pytest.raises(UserError, match=r"quick_score\.csv is missing"):
        model.of(given())


def test_the_commands_use_it(scored, monkeypatch, capsys):
    models = scored("best")
    monkeypatch.setattr(sys, "argv", ["generate", "mnist", "--count", "3", "--output", "x.npy"])
    generate.main()
    monkeypatch.setattr(sys, "argv", ["discriminate", "mnist", "x.npy"])
    discriminate.main()
    best = checkpoints.load(models / NAMES[1]).networks()
    codes = generate.latent_codes(generate.stream(1, "pictures"), 3, describe("mlp").latent_size)
    images = np.load("x.npy")
    np.testing.assert_array_equal(images, images_of(best[0], codes))
    logits = discriminate.logits(best[1], images)
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split("\t")[1] for line in lines] == [f"{logit:.4g}" for logit in logits]
