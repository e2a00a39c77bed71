import json
import shutil
import sys

import numpy as np
import pytest

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.trained import checkpoints
from stages.gan.trained.sampling import generate
from stages.tools.use import score
from tests.helpers.data import message_of
from tests.helpers.project import Project


@pytest.fixture(scope="module")
def drawn(reproduced: Project, tmp_path_factory):
    """The images that `evaluate` scored and those its critic learned from, as two kinds of file."""
    folder = tmp_path_factory.mktemp("drawn")
    settings = params.load(reproduced.folder / paths.PARAMS, "mnist").evaluate
    scores = json.loads((reproduced.folder / paths.metrics("mnist") / paths.SCORES).read_text())
    checkpoint = checkpoints.load(reproduced.folder / paths.models("mnist"))
    generator, _ = checkpoint.networks()
    images = []
    for purpose in ("evaluation latents", "critic latents"):
        draw = stream(settings.seed, purpose)
        codes = latent_codes(draw, scores["samples"], checkpoint.description.latent_size)
        images.append(prepared.to_pixels(generate(generator, codes)))
    np.save(folder / "shown.npy", images[0].transpose(0, 2, 3, 1))
    np.savez(folder / "fresh.npz", images[1])
    return folder, scores


def scored(monkeypatch, *arguments) -> None:
    monkeypatch.setattr(sys, "argv", ["score", *map(str, arguments)])
    score.main()


@pytest.mark.pipeline
def test_the_samples_of_evaluate_get_the_scores_of_evaluate(
    reproduced, drawn, tmp_path, monkeypatch, capsys
):
    folder, expected = drawn
    monkeypatch.chdir(reproduced.folder)
    target = tmp_path / "scores.json"
    files = folder / "shown.npy", "--fresh", folder / "fresh.npz", "--output", target
    scored(monkeypatch, *files)
    found = json.loads(target.read_text())
    for part in ("samples", "quality", "critic", "judge", "data"):
        assert found[part] == expected[part], part
    said = capsys.readouterr().out
    assert "quality.clipped_density" in said
    assert expected["judge"]["sha256"][:16] in said


@pytest.mark.pipeline
def test_a_judge_from_elsewhere_gives_the_same_scores_without_its_other_files(
    reproduced, drawn, tmp_path, monkeypatch
):
    folder, expected = drawn
    monkeypatch.chdir(reproduced.folder)
    state = tmp_path / "theirs.state"
    shutil.copy(paths.judge("mnist") / "judge.state", state)
    target = tmp_path / "scores.json"
    own = expected["judge"]["sha256"]
    rest = "--dataset", "mnist", "--judge", state, "--sha256", own, "--output", target
    scored(monkeypatch, folder / "shown.npy", *rest)
    found = json.loads(target.read_text())
    assert found["quality"] == expected["quality"]
    assert "critic" not in found
    other = message_of(scored, monkeypatch, folder / "shown.npy", "--sha256", "0" * 64)
    assert other.endswith(f"has the sha256 {own}, but --sha256 says {'0' * 64}")


@pytest.mark.pipeline
def test_of_more_samples_than_are_compared_some_are_drawn(
    reproduced, drawn, tmp_path, monkeypatch, capsys
):
    folder, expected = drawn
    monkeypatch.chdir(reproduced.folder)
    scored(monkeypatch, folder / "shown.npy", folder / "fresh.npz")
    assert f"{expected['samples']} samples; judge" in capsys.readouterr().out


@pytest.mark.pipeline
def test_too_few_samples_are_told(reproduced, drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(reproduced.folder)
    np.save(tmp_path / "few.npy", np.load(drawn[0] / "shown.npy")[:9])
    told = message_of(scored, monkeypatch, tmp_path / "few.npy")
    assert told == "9 samples: valid is 60 or more"
    np.save(tmp_path / "few.npy", np.load(drawn[0] / "shown.npy")[:9])
    files = drawn[0] / "shown.npy", "--fresh", tmp_path / "few.npy"
    assert message_of(scored, monkeypatch, *files) == "--fresh has 9 samples: valid is 60 or more"
