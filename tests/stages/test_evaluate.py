import json
import math
import shutil

import numpy as np
import pytest
from PIL import Image

from stages.gan.common.yaml_files import flat
from stages.gan.measures import headline
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_numbers_fit_each_other(reproduced: Project, dataset: str):
    metrics = json.loads((reproduced.folder / f"metrics/{dataset}/scores.json").read_text())
    bce = metrics["bce"]
    assert bce["discriminator"]["value"] == pytest.approx(
        bce["real"]["value"] + bce["fake"]["value"]
    )
    assert bce["discriminator"]["equilibrium"] == pytest.approx(2 * np.log(2))
    assert metrics["training_loss"]["name"] == "bce"
    assert metrics["training_loss"]["generator"]["value"] == pytest.approx(
        bce["generator"]["value"], rel=1e-4
    )
    bound = np.log(2) - bce["discriminator"]["value"] / 2
    assert metrics["jsd_lower_bound"] == pytest.approx(max(0, bound))
    for name in ("real_probability", "fake_probability", "accuracy"):
        assert 0 <= metrics[name] <= 1
    assert metrics["bundled_data"] is True


def test_scores_name_the_judge_they_are_by(reproduced: Project):
    for dataset in ("mnist", "faces"):
        metrics = reproduced.folder / f"metrics/{dataset}"
        judge = json.loads((reproduced.folder / f"data/{dataset}/judge/judge.json").read_text())
        scored = json.loads((metrics / "scores.json").read_text())
        assert scored["judge"] == {name: judge[name] for name in ("sha256", "accuracy", "task")}


def test_runs_are_compared_by_values_alone(reproduced: Project):
    metrics = reproduced.folder / "metrics/mnist"
    compared = flat(json.loads((metrics / "evaluate.json").read_text()))
    scores = flat(json.loads((metrics / "scores.json").read_text()))
    assert compared == {name: scores[name] for name in scores if name.endswith(".value")}
    assert "quality.frechet_distance.value" in compared


def test_too_few_images_are_not_scored(reproduced: Project):
    scores = {}
    for dataset in ("mnist", "faces"):  # the tiny one of faces holds 4 out
        metrics = json.loads((reproduced.folder / f"metrics/{dataset}/scores.json").read_text())
        scores[dataset] = [s for group in ("quality", "critic") for s in metrics[group].values()]
        shares = reproduced.folder / f"reports/{dataset}/evaluation/classes.json"
        assert bool(json.loads(shares.read_text())) == (dataset == "mnist")
    assert all(math.isfinite(score["value"]) for score in scores["mnist"] if "value" in score)
    assert {value for score in scores["faces"] for value in score.values()} == {None}


def test_a_judge_that_is_damaged_is_named(reproduced: Project, tmp_path):
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    state = copy.folder / "data/mnist/judge/judge.state"
    state.write_bytes(state.read_bytes()[:-1])
    result = copy.stage("evaluate", "mnist", check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "judge.state is damaged" in result.stderr
    assert "dvc repro" in result.stderr


def test_what_is_said_of_the_judge_is_what_its_weights_say(reproduced: Project, tmp_path):
    """judge.json, which people read, carries no checksum."""
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    spoilt = {"sha256": "0", "accuracy": "high", "task": "none"}
    for dataset in ("mnist", "faces"):  # faces has too few images to be scored
        (copy.folder / f"data/{dataset}/judge/judge.json").write_text(json.dumps(spoilt))
        file = copy.folder / f"metrics/{dataset}/scores.json"
        before = file.read_bytes()
        file.unlink()
        output = copy.stage("evaluate", dataset).stdout
        assert file.read_bytes() == before
        found = headline.finding(json.loads(before))  # the tiny run draws no digits
        assert (found is not None) == (dataset == "mnist")
        assert found is None or f"mnist: {found.seen}\n" in output


@pytest.mark.slow
def test_data_that_were_prepared_anew_are_told_from_those_of_the_networks(
    reproduced: Project, tmp_path
):
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    params = copy.params
    params["faces"]["preprocess"]["image_size"] = 32
    copy.write_params(params)
    copy.stage("preprocess", "faces")
    result = copy.stage("evaluate", "faces", check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert (
        "networks for images (3, 16, 16), but the prepared images are (3, 32, 32)" in result.stderr
    )
    assert "dvc repro" in result.stderr


def test_pictures_show_what_they_are_named_for(reproduced: Project):
    folder = reproduced.folder / "reports/mnist/evaluation"
    sizes = {}
    for file in folder.glob("*.png"):
        with Image.open(file) as picture:
            sizes[file.stem] = picture.size
            assert len(picture.getcolors(256)) > 10, file
    side = 28 + 2
    assert sizes == {
        "generated": (5 * side + 2, 5 * side + 2),
        "real": (5 * side + 2, 5 * side + 2),
        "interpolation": (3 * side + 2, 5 * side + 2),
        "nearest": (4 * side + 2, 2 * side + 2),
    }


def test_a_diverged_model_is_named_as_that(reproduced: Project, tmp_path):
    from safetensors.numpy import load_file, save_file

    from stages.gan.trained import manifest

    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    final = copy.folder / "models/mnist/checkpoints/final"
    weights = load_file(final / "discriminator.safetensors")
    weights = {name: np.full_like(value, np.nan) for name, value in weights.items()}
    save_file(weights, final / "discriminator.safetensors")
    about = manifest.read(final)
    manifest.write(final, about.epoch, about.step, about.networks)
    result = copy.stage("evaluate", "mnist", check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "diverged" in result.stderr
