"""Experiments, files and models of another repository, by git and DVC alone."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from stages.gan.common import paths
from tests.helpers.data import tree
from tests.helpers.processes.kill import results
from tests.helpers.project import Project, commit

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

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
    "verdict": dvc.api.metrics_show(repo=repository)["metrics/mnist/train.json:verdict"],
}))
"""


@pytest.fixture(scope="module")
def shared(reproduced, tmp_path_factory):
    """A project that is pushed to a bare git repository and a DVC remote, and the repository."""
    place = tmp_path_factory.mktemp("shared")
    folder, bare = place / "original", place / "project.git"
    shutil.copytree(reproduced.folder, folder, symlinks=True)
    (folder / ".dvc/config.local").unlink(missing_ok=True)  # of other tests
    original = Project(folder)
    original.run("git", "init", "-q", "--bare", str(bare))
    original.run("git", "remote", "add", "origin", str(bare))
    original.run("dvc", "remote", "add", "-d", "shared", str(place / "storage"))
    commit(original, "where the results are")
    original.run("git", "push", "-q", "-u", "origin", "HEAD")
    original.run("dvc", "push")
    return original, bare


def clone(bare: Path, folder: Path) -> Project:
    """A clone of the bare repository."""
    copy = Project(folder.parent)
    copy.run("git", "clone", "-q", str(bare), str(folder))
    return Project(folder)


def test_a_clone_whose_git_changes_line_ends_is_up_to_date(shared, tmp_path):
    _, bare = shared
    Project(tmp_path).run("git", "clone", "-q", "-c", "core.autocrlf=true", str(bare), "windows")
    copy = Project(tmp_path / "windows")
    assert copy.run("git", "config", "core.autocrlf").stdout == "true\n"
    copy.run("dvc", "pull")
    assert "up to date" in copy.run("dvc", "status").stdout


def test_images_of_two_revisions_stand_side_by_side(shared, tmp_path):
    copy = clone(shared[1], tmp_path / "clone")
    copy.run("dvc", "pull")
    shown = json.loads(copy.run("dvc", "plots", "diff", "--json", "HEAD").stdout)["data"]
    for dataset in ("mnist", "faces"):
        for image in ("evaluation/generated.png", "training/epochs/1.png", "training/epochs/2.png"):
            found = shown[f"reports/{dataset}/{image}"]
            assert {one["type"] for one in found} == {"image"}
            revisions = {revision for one in found for revision in one["revisions"]}
            assert revisions == {"HEAD", "workspace"}
            assert all(Path(one["url"]).is_file() for one in found)


def test_an_experiment_goes_from_one_clone_to_another(shared, tmp_path):
    original, bare = shared
    maker = clone(bare, tmp_path / "maker")
    # Nothing of the other data set, as in a clone where the pipeline has never run.
    maker.run("dvc", "pull", "--with-deps", "report@mnist", "play@mnist")
    assert not (maker.folder / "reports/faces").exists()
    options = ["-n", "another-seed", "-S", "mnist.evaluate.seed=8", "report@mnist", "play@mnist"]
    maker.run("dvc", "exp", "run", *options)
    maker.run("dvc", "pull")
    assert "another-seed" not in maker.run("dvc", "exp", "list", "origin").stdout
    pushed = maker.run("dvc", "exp", "push", "origin", "another-seed").stdout
    assert "Pushed experiment another-seed to Git remote 'origin'." in pushed
    made = results(maker, "mnist", "faces")
    assert made != results(original, "mnist", "faces")
    colleague = clone(bare, tmp_path / "colleague")
    assert "another-seed" in colleague.run("dvc", "exp", "list", "origin").stdout
    colleague.run("dvc", "exp", "pull", "origin", "another-seed")
    colleague.run("dvc", "exp", "apply", "another-seed")
    assert results(colleague, "mnist", "faces") == made
    assert colleague.params["mnist"]["evaluate"]["seed"] == 8
    ran = colleague.run("dvc", "repro").stdout
    assert "up to date" in ran
    assert "Running stage" not in ran


def draw(project: Project, *model: str) -> bytes:
    """A grid, drawn with the model of the project or another."""
    grid = project.folder / "drawn.png"
    options = ["--model", *model] if model else []
    project.run("python", "-m", "stages", "generate", "mnist", *options, "--output", str(grid))
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
    (source,) = yaml.safe_load((elsewhere.folder / "generator.dvc").read_text())["deps"]
    head = original.run("git", "rev-parse", "HEAD").stdout.strip()
    assert source["path"] == FINAL.as_posix()
    assert source["repo"] == {"url": str(bare), "rev_lock": head}
    # Whoever has the small .dvc file has the generator.
    shutil.rmtree(elsewhere.folder / "generator")
    shutil.rmtree(elsewhere.folder / ".dvc/cache")
    elsewhere.run("dvc", "pull", "generator.dvc")
    assert tree(elsewhere.folder / "generator") == tree(original.folder / FINAL)


def test_a_program_reads_model_params_and_metrics_by_the_api(shared, tmp_path):
    original, bare = shared
    copy = tmp_path / "generator.safetensors"
    shown = Project(tmp_path).run("python", "-c", _READ, str(bare), FINAL.as_posix(), str(copy))
    found = json.loads(shown.stdout.splitlines()[-1])
    assert copy.read_bytes() == (original.folder / FINAL / copy.name).read_bytes()
    assert found["about"] == (original.folder / FINAL / "checkpoint.json").read_text()
    assert Path(found["url"]).read_bytes() == copy.read_bytes()
    assert found["params"] == original.params["mnist"]["train"]["learning_rate"]
    train = json.loads((original.folder / "metrics/mnist/train.json").read_text())
    assert found["verdict"] == train["verdict"]
