"""The stage, and what a user does with its files elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml

from stages.gan.common.files import sha256
from tests.helpers.project import ROOT, Project, commit

pytestmark = pytest.mark.pipeline

DATASETS = ("mnist", "faces")
FILES = {
    "README.md", "generator.onnx", "discriminator.onnx", "generator.mindir", "discriminator.mindir",
    "space/README.md", "space/app.py", "space/ms_deploy.json", "space/requirements.txt",
}  # fmt: skip
# Files that hold what was trained. Those of the app hold only names.
TRAINED = {name for name in FILES if not name.startswith("space/")}


def export_of(project: Project, dataset: str) -> Path:
    return project.folder / f"models/{dataset}/export"


def contents_of(project: Project, dataset: str) -> dict[str, bytes]:
    """The export's files: path in its folder to content."""
    folder = export_of(project, dataset)
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def codes_of(project: Project, dataset: str) -> np.ndarray:
    size = project.params[dataset]["preprocess"]["latent_size"]
    return np.random.default_rng(3).standard_normal((6, size)).astype(np.float32)


def drawn(project: Project, dataset: str, folder: Path) -> np.ndarray:
    """What `generate` makes of the codes."""
    np.save(folder / "codes.npy", codes_of(project, dataset))
    project.run(
        "python", "-m", "stages", "generate", dataset,
        "--codes", str(folder / "codes.npy"), "--output", str(folder / "images.npy"),
    )  # fmt: skip
    return np.load(folder / "images.npy")


def in_onnxruntime(project: Project, dataset: str) -> np.ndarray:
    session = onnxruntime.InferenceSession(export_of(project, dataset) / "generator.onnx")
    (images,) = session.run(["image"], {"latent_code": codes_of(project, dataset)})
    return images


@pytest.fixture
def copy(reproduced: Project, tmp_path: Path) -> Project:
    """The reproduced project without git and DVC, to be changed."""
    folder = tmp_path / "copy"
    shutil.copytree(reproduced.folder, folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    return Project(folder)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_pipeline_leaves_files_that_draw_what_generate_draws(reproduced, tmp_path, dataset):
    assert set(contents_of(reproduced, dataset)) == FILES
    images = drawn(reproduced, dataset, tmp_path)
    assert np.abs(in_onnxruntime(reproduced, dataset) - images).max() <= 1e-5


@pytest.mark.slow
def test_the_averaged_generator_is_exported(copy: Project, tmp_path: Path):
    before = contents_of(copy, "mnist")
    params = copy.params
    params["mnist"]["train"]["ema"] = 0.5
    params["mnist"]["train"]["discriminator"]["spectral_norm"] = True
    copy.write_params(params)
    copy.stage("train", "mnist")
    output = copy.stage("export", "mnist").stdout
    assert len(re.findall(r"at most \S+ from the network", output)) == 4
    assert np.abs(in_onnxruntime(copy, "mnist") - drawn(copy, "mnist", tmp_path)).max() <= 1e-5
    assert "moving average" in (export_of(copy, "mnist") / "README.md").read_text()
    after = contents_of(copy, "mnist")
    assert all(after[name] != before[name] for name in TRAINED)


def test_it_repeats_and_holds_nothing_of_the_machine(copy: Project):
    before = contents_of(copy, "faces")
    copy.stage("export", "faces")
    after = contents_of(copy, "faces")
    assert after == before
    for content in after.values():
        for word in (str(copy.folder), str(ROOT), str(Path.home()), os.uname().nodename):
            assert word.encode() not in content, word


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_cards_snippets_run_without_this_project(reproduced, tmp_path, dataset):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(export_of(reproduced, dataset), elsewhere)
    snippets = re.findall(r"```python\n(.*?)```", (elsewhere / "README.md").read_text(), re.DOTALL)
    assert len(snippets) == 2
    ends = (
        "assert pixels.dtype == np.uint8 and pixels.shape == images.shape and len(pixels) == 25\n"
        "assert logits.shape == probabilities.shape == (25, 1)\n"
        "np.save('onnx.npy', images[:2])\n"
        "assert 'mindspore' not in sys.modules\n",
        "assert logits.shape == probabilities.shape == (2, 1)\n"
        "np.save('mindir.npy', images.asnumpy())\n",
    )
    for snippet, end in zip(snippets, ends, strict=True):
        code = f"import sys\n{snippet}\n{end}assert 'stages' not in sys.modules\n"
        subprocess.run([sys.executable, "-c", code], cwd=elsewhere, check=True)
    # Both draw the same codes of one seed, the second the first two of them.
    both = [np.load(elsewhere / f"{name}.npy") for name in ("onnx", "mindir")]
    assert np.abs(both[0] - both[1]).max() <= 1e-5


def test_the_snippet_of_the_docs_runs(reproduced: Project):
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/export.md").read_text(encoding="utf-8"), re.DOTALL
    )
    check = "assert images.shape == pixels.shape == (25, 1, 28, 28)"
    subprocess.run([sys.executable, "-c", f"{code}\n{check}"], cwd=reproduced.folder, check=True)


def fails(project: Project, *words: str) -> None:
    before = contents_of(project, "mnist")
    result = project.stage("export", "mnist", check=False)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr
    after = contents_of(project, "mnist")
    assert after == before
    assert not list(project.folder.rglob(".incomplete-*"))


def test_a_damaged_checkpoint_and_missing_metrics_end_in_one_line(copy: Project):
    final = copy.folder / "models/mnist/checkpoints/final/generator.safetensors"
    content = final.read_bytes()
    final.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    fails(copy, "generator.safetensors is damaged")
    final.write_bytes(content)
    metrics = copy.folder / "metrics/mnist/scores.json"
    metrics.unlink()
    fails(copy, "scores.json is missing", "dvc repro")


def test_data_prepared_anew_are_told_from_those_of_the_networks(copy: Project):
    params = copy.params
    params["mnist"]["preprocess"]["image_size"] = 20
    copy.write_params(params)
    copy.stage("preprocess", "mnist")
    fails(copy, "networks for images (1, 28, 28), but the prepared images are (1, 20, 20)")


def artifacts() -> dict[str, dict]:
    return yaml.safe_load((ROOT / "dvc.yaml").read_text())["artifacts"]


def test_each_network_is_an_artifact_that_says_what_it_is():
    assert set(artifacts()) == {
        f"{d}-{n}" for d in DATASETS for n in ("generator", "discriminator", "judge")
    }
    for name, artifact in artifacts().items():
        dataset, network = name.split("-")
        assert artifact["type"] == "model"
        assert artifact["desc"]
        if network == "judge":
            assert artifact["path"] == f"data/{dataset}/judge/judge.state"
            continue
        assert artifact["path"] == f"models/{dataset}/export/{network}.onnx"
        assert {"gan", "onnx", network} <= set(artifact["labels"])


@pytest.mark.slow
def test_a_registered_version_is_what_somebody_else_gets(copied: Project, tmp_path: Path):
    copied.run("git", "config", "user.name", "t")
    copied.run("git", "config", "user.email", "t@t")
    copied.run("dvc", "remote", "add", "-q", "-d", "shared", str(tmp_path / "remote"))
    commit(copied, "a remote")
    copied.run("dvc", "push", "-q")
    for name in artifacts():
        assert "registers version" in copied.run("gto", "register", name).stdout
    hashes = {name: sha256(copied.folder / one["path"]) for name, one in artifacts().items()}
    # Later ones are another matter: what was registered stays.
    generator = export_of(copied, "mnist") / "generator.onnx"
    generator.unlink()  # it is a link to DVC's own copy
    shutil.copy(export_of(copied, "mnist") / "discriminator.onnx", generator)
    copied.run("dvc", "commit", "-q", "-f", "export@mnist")
    commit(copied, "another network")
    assert sha256(generator) != hashes["mnist-generator"]
    shown = copied.run("gto", "show").stdout
    assert all(name in shown for name in artifacts())

    hub = tmp_path / "hub.git"
    copied.run("git", "clone", "-q", "--bare", str(copied.folder), str(hub))
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    for name, expected in hashes.items():
        elsewhere.run(
            "dvc", "artifacts", "get", str(hub), name, "--rev", "v0.0.1", "-o", f"{name}.onnx"
        )
        assert sha256(elsewhere.folder / f"{name}.onnx") == expected


def test_artifacts_of_data_sets_that_are_not_there_hinder_nothing(copied: Project):
    params = copied.params
    del params["faces"], params["datasets"]["faces"]
    copied.write_params(params)
    shutil.rmtree("models/faces")
    assert "up to date" in copied.run("dvc", "repro").stdout
