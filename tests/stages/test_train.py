import json
import re
import shutil

import pytest

from stages.gan.common.files import read_csv
from stages.gan.training.watch.verdicts import VERDICTS
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline


@pytest.fixture
def prepared(reproduced: Project, tmp_path) -> Project:
    """A copy of the reproduced project to train in."""
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    shutil.rmtree(copy.folder / "models")
    return copy


def change(project: Project, dataset: str = "mnist", **train) -> None:
    params = project.params
    params[dataset]["train"].update(train)
    project.write_params(params)


def test_what_training_leaves(reproduced: Project):
    folder = reproduced.folder
    models = {path.name for path in (folder / "models/mnist/checkpoints").iterdir()}
    assert models == {"final", "epoch-0001", "epoch-0002"}
    pictures = {path.name for path in (folder / "reports/mnist/training").iterdir()}
    assert pictures == {"epochs", "animation.gif", "verdict.json"}
    epochs = {path.name for path in (folder / "reports/mnist/training/epochs").iterdir()}
    assert epochs == {"1.png", "2.png"}
    metrics = json.loads((folder / "metrics/mnist/train.json").read_text())
    assert metrics["epochs"] == 2
    assert metrics["steps"] == 8  # 64 images in batches of 16, twice
    rows = read_csv(folder / "metrics/mnist/history.csv")
    assert rows[-1]["discriminator_loss"] == metrics["discriminator_loss"]
    verdict = json.loads((folder / "reports/mnist/training/verdict.json").read_text())
    assert verdict["name"] == metrics["verdict"] in VERDICTS
    assert verdict["earlier"] == []
    assert metrics["real_diversity"] > 0.1
    assert len(read_csv(folder / "metrics/mnist/history_steps.csv")) == 8
    # no path of this machine, and nothing half-made
    assert (
        str(folder) not in (folder / "models/mnist/checkpoints/final/checkpoint.json").read_text()
    )
    assert not list(folder.rglob(".incomplete-*"))


def test_every_choice_of_the_params_trains(prepared: Project):
    params = prepared.params
    train = params["mnist"]["train"]
    train.update(
        max_steps=5, latents="fresh", loss="mse", learning_rate=1e-3, beta1=0.9, lecture_log=True
    )
    train["generator"].update(widths=[8, 8, 8], activation="leaky_relu", batch_norm=False)
    train["discriminator"].update(widths=[6], activation="tanh", batch_norm=True)
    prepared.write_params(params)
    lines = prepared.stage("train", "mnist").stdout.splitlines()
    losses = [line for line in lines if line.startswith("loss d:")]
    assert len(losses) == 2  # the second epoch ends after one step
    assert json.loads((prepared.folder / "metrics/mnist/train.json").read_text())["steps"] == 5


def options(project: Project) -> None:
    """Every option of training that is off by default, but for the optimizer."""
    params = project.params
    train = params["mnist"]["train"]
    train.update(
        discriminator_learning_rate=0.001,
        discriminator_steps=2,
        instance_noise=0.1,
        augmentation=["color", "translation", "cutout"],
        r1=1.0,
        loss="wgan_gp",
        ema=0.5,
    )
    train["schedule"].update(kind="cosine", warm_up_steps=1)
    train["discriminator"]["spectral_norm"] = True
    project.write_params(params)


@pytest.mark.slow
def test_with_every_option_a_continued_run_equals_an_unbroken_one(prepared: Project):
    options(prepared)
    output = prepared.stage("train", "mnist").stdout
    assert "mnist: 4 steps of 32 images" in output
    assert "moving average (EMA) of the generator's weights, decay 0.5" in output
    final = prepared.folder / "models/mnist/checkpoints/final"
    names = ("generator", "discriminator", "average", "optimizers")
    unbroken = {name: (final / f"{name}.safetensors").read_bytes() for name in names}
    assert unbroken["average"] != unbroken["generator"]
    shutil.move(
        prepared.folder / "models/mnist/checkpoints/epoch-0001", prepared.folder / "earlier"
    )
    change(prepared, epochs=1, init_from="earlier")
    prepared.stage("train", "mnist")
    for name in names:
        assert (final / f"{name}.safetensors").read_bytes() == unbroken[name], name
    assert "has the moving average" in prepared.stage("evaluate", "mnist").stdout
    metrics = json.loads((prepared.folder / "metrics/mnist/scores.json").read_text())
    assert metrics["averaged_generator"] is True


def failing(project: Project, **changes) -> None:
    """The lecture's failure: D saturates in the first steps of so large a rate."""
    params = project.params
    params["mnist"]["train"]["generator"]["widths"] = [128, 256, 512, 1024]
    params["mnist"]["train"]["discriminator"]["widths"] = [512, 256]
    project.write_params(params)
    settings = {"learning_rate": 0.01, "loss": "bce", "epochs": 100, "batch_size": 32}
    change(project, **settings, **changes)


@pytest.mark.slow
def test_a_run_that_cannot_recover_is_stopped_and_explained(prepared: Project):
    folder = prepared.folder
    failing(prepared, lecture_log=True)
    before = (folder / "metrics/mnist/train.json").read_bytes()
    result = prepared.stage("train", "mnist", check=False)
    assert result.returncode == 1
    assert "loss d:13.815511, loss g:-0.000000" in result.stdout
    assert "verdict: saturated discriminator" in result.stdout
    assert "to change: mnist.train.loss to bce_with_logits" in result.stdout
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    step = int(re.search(r"stopped at step ([0-9]+)", errors[0])[1])
    assert step <= 100
    assert "reports/mnist/failure.html" in errors[0]
    page = (folder / "reports/mnist/failure.html").read_text()
    assert f"reported at step {step}" in page
    # nothing half-made, and what an earlier run left is as it was
    assert not (folder / "models/mnist/checkpoints").exists()
    assert not list(folder.rglob(".incomplete-*"))
    assert (folder / "metrics/mnist/train.json").read_bytes() == before
    # the page is about this run alone: the next one takes it away
    change(prepared, learning_rate=0.0002, epochs=1)
    prepared.stage("train", "mnist")
    assert not (folder / "reports/mnist/failure.html").exists()


@pytest.mark.slow
def test_a_run_that_is_only_warned_of_goes_on_and_says_so_on_its_page(prepared: Project):
    folder = prepared.folder
    failing(prepared, on_failure="warn", max_steps=125)
    output = prepared.stage("train", "mnist").stdout
    assert output.count("verdict: saturated discriminator") == 2  # when told, and at the end
    assert (folder / "reports/mnist/failure.html").exists()
    metrics = json.loads((folder / "metrics/mnist/train.json").read_text())
    assert metrics["verdict"] == "saturated discriminator"
    assert metrics["steps"] == 125
    assert metrics["generator_gradient"] == 0.0
    for stage in ("evaluate", "report"):
        prepared.stage(stage, "mnist")
    page = (folder / "reports/mnist/index.html").read_text()
    assert "The verdict: saturated discriminator" in page
    assert "An earlier verdict, at step" in page


@pytest.mark.slow
def test_a_run_that_diverged_and_went_on_has_nothing_to_evaluate(prepared: Project):
    change(prepared, optimizer="sgd", learning_rate=10.0, loss="wgan_gp", on_failure="warn")
    params = prepared.params
    params["mnist"]["train"]["epochs"] = 20
    prepared.write_params(params)
    assert "verdict: diverged" in prepared.stage("train", "mnist").stdout
    metrics = json.loads((prepared.folder / "metrics/mnist/train.json").read_text())
    assert metrics["verdict"] == "diverged"
    assert metrics["discriminator_loss"] is None
    result = prepared.stage("evaluate", "mnist", check=False)
    assert result.returncode == 1
    assert "not finite, because its training diverged" in result.stderr
    assert "reports/mnist/failure.html shows when" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_run_without_compiled_kernels_is_watched_too(prepared: Project):
    prepared.run("python", "-m", "stages.train", "mnist", GAN_KERNELS="pure")
    rows = read_csv(prepared.folder / "metrics/mnist/history_steps.csv")
    assert len(rows) == 8
    change(prepared, epochs=3)
    prepared.run("python", "-m", "stages.train", "mnist", GAN_KERNELS="pure")
    rows = read_csv(prepared.folder / "metrics/mnist/history_steps.csv")
    taken = [row["step"] for row in rows if row["generator_gradient"] > 0]
    assert taken == [10]


def test_a_batch_larger_than_the_data_is_named(prepared: Project):
    change(prepared, batch_size=999)
    result = prepared.stage("train", "mnist", check=False)
    assert result.returncode == 1
    assert "mnist.train.batch_size is 999" in result.stderr
    assert "valid is 2 to 64" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (prepared.folder / "models/mnist/checkpoints").exists()


def test_a_checkpoint_of_other_networks_is_named(reproduced: Project, prepared: Project):
    shutil.copytree(
        reproduced.folder / "models/mnist/checkpoints/final", prepared.folder / "earlier"
    )
    params = prepared.params
    params["mnist"]["train"]["init_from"] = "earlier"
    params["mnist"]["train"]["generator"]["widths"] = [5]
    prepared.write_params(params)
    result = prepared.stage("train", "mnist", check=False)
    assert result.returncode == 1
    assert (
        "its networks have generator_widths [16, 24], but the params ask for [5]" in result.stderr
    )


def test_damaged_data_is_named(prepared: Project):
    file = prepared.folder / "data/mnist/prepared/train_images.npy"
    file.write_bytes(file.read_bytes()[:1000])
    result = prepared.stage("train", "mnist", check=False)
    assert result.returncode == 1
    assert "train_images.npy is damaged" in result.stderr
    assert "Traceback" not in result.stderr
