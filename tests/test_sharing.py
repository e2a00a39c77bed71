"""Experiments, files and models of another repository, by git and DVC alone."""

import shutil
from pathlib import Path

import pytest
from conftest import Project, commit
from data_helpers import tree
from kill_helpers import results

from stages.gan import paths

pytestmark = pytest.mark.pipeline

FINAL = paths.models("mnist") / "final"
# What a program of somebody else's does with a repository that it knows the address of.
_READ = """
import json, sys
import dvc.api
repository, model, copy = sys.argv[1:]
weights = f"{model}/generator.safetensors"
with open(copy, "wb") as file, dvc.api.open(weights, repo=repository, mode="rb") as there:
    file.write(there.read())
print(json.dumps({
    "about": dvc.api.read(f"{model}/checkpoint.json", repo=repository),
    "url": dvc.api.get_url(weights, repo=repository),
    "params": dvc.api.params_show(repo=repository)["mnist"]["train"]["learning_rate"],
    "metrics": dvc.api.metrics_show(repo=repository)["mnist"]["train"]["verdict"],
}))
"""


@pytest.fixture
def shared(reproduced, tmp_path):
    """A project that is pushed to a bare git repository and a DVC remote, and the repository."""
    folder, bare = tmp_path / "original", tmp_path / "project.git"
    shutil.copytree(reproduced.folder, folder, symlinks=True)
    (folder / ".dvc/config.local").unlink(missing_ok=True)  # of other tests
    original = Project(folder)
    original.run("git", "init", "-q", "--bare", str(bare))
    original.run("git", "remote", "add", "origin", str(bare))
    original.run("dvc", "remote", "add", "-d", "shared", str(tmp_path / "storage"))
    commit(original, "where the results are")
    original.run("git", "push", "-q", "-u", "origin", "HEAD")
    original.run("dvc", "push")
    return original, bare


def clone(bare: Path, folder: Path) -> Project:
    """A clone of the bare repository."""
    copy = Project(folder.parent)
    copy.run("git", "clone", "-q", str(bare), str(folder))
    return Project(folder)


def test_an_experiment_goes_from_one_clone_to_another(shared, tmp_path):
    original, bare = shared
    before = results(original, "mnist", "faces")
    original.run("dvc", "exp", "run", "-n", "another-seed", "-S", "mnist.evaluate.seed=8")
    assert "another-seed" not in original.run("dvc", "exp", "list", "origin").stdout
    assert (
        "Pushed experiment" in original.run("dvc", "exp", "push", "origin", "another-seed").stdout
    )
    made = results(original, "mnist", "faces")
    colleague = clone(bare, tmp_path / "colleague")
    assert "another-seed" in colleague.run("dvc", "exp", "list", "origin").stdout
    colleague.run("dvc", "pull")
    assert results(colleague, "mnist", "faces") == before
    colleague.run("dvc", "exp", "pull", "origin", "another-seed")
    colleague.run("dvc", "exp", "apply", "another-seed")
    assert results(colleague, "mnist", "faces") == made != before
    assert colleague.params["mnist"]["evaluate"]["seed"] == 8
    ran = colleague.run("dvc", "repro").stdout
    assert "up to date" in ran
    assert "Running stage" not in ran


def draw(project: Project, *model: str) -> bytes:
    """A grid, drawn with the model of the project or another."""
    grid = project.folder / "drawn.png"
    options = ["--model", *model] if model else []
    project.run("python", "-m", "stages.generate", "mnist", *options, "--output", str(grid))
    return grid.read_bytes()


@pytest.fixture
def elsewhere(shared, tmp_path):
    """A clone that pulls nothing of its own: what it draws with came from somewhere else."""
    return clone(shared[1], tmp_path / "elsewhere")


def test_a_generator_that_was_got_draws_the_same(shared, elsewhere):
    original, bare = shared
    elsewhere.run("dvc", "get", str(bare), FINAL.as_posix(), "-o", "generator")
    assert tree(elsewhere.folder / "generator") == tree(original.folder / FINAL)
    assert draw(elsewhere, "generator") == draw(original)


def test_an_imported_generator_draws_the_same_and_is_followed(shared, elsewhere):
    original, bare = shared
    elsewhere.run("dvc", "import", str(bare), FINAL.as_posix(), "-o", "generator")
    assert draw(elsewhere, "generator") == draw(original)
    assert str(bare) in (elsewhere.folder / "generator.dvc").read_text()
    assert "up to date" in elsewhere.run("dvc", "update", "generator.dvc").stdout.lower() or (
        tree(elsewhere.folder / "generator") == tree(original.folder / FINAL)
    )
    # Whoever has the small .dvc file has the generator.
    shutil.rmtree(elsewhere.folder / "generator")
    shutil.rmtree(elsewhere.folder / ".dvc/cache")
    elsewhere.run("dvc", "pull", "generator.dvc")
    assert tree(elsewhere.folder / "generator") == tree(original.folder / FINAL)


def test_a_program_reads_model_params_and_metrics_by_the_api(shared, tmp_path):
    import json

    original, bare = shared
    copy = tmp_path / "generator.safetensors"
    shown = Project(tmp_path).run("python", "-c", _READ, str(bare), FINAL.as_posix(), str(copy))
    found = json.loads(shown.stdout.splitlines()[-1])
    assert copy.read_bytes() == (original.folder / FINAL / copy.name).read_bytes()
    assert found["about"] == (original.folder / FINAL / "checkpoint.json").read_text()
    assert Path(found["url"]).read_bytes() == copy.read_bytes()
    assert found["params"] == original.params["mnist"]["train"]["learning_rate"]
    train = json.loads((original.folder / "metrics/mnist/train.json").read_text())
    assert found["metrics"] == train["verdict"]
