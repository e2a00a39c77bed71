"""The workflow for GitHub: as far as it can be checked without GitHub."""

import re
import shutil
import subprocess

import pytest
import yaml

from tests.helpers.project import ROOT, Project, commit

FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


def runs(file):
    """Every command line of a workflow, without comments."""
    jobs = yaml.safe_load(file.read_text())["jobs"]
    for job in jobs.values():
        for step in job["steps"]:
            for line in step.get("run", "").splitlines():
                if not line.strip().startswith("#"):
                    yield line.strip()


@pytest.fixture(scope="module")
def commands():
    return [line for file in FILES for line in runs(file)]


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not installed")
def test_actionlint_finds_nothing():
    assert FILES
    done = subprocess.run(
        ["actionlint", "-no-color", *map(str, FILES)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_each_make_target_exists(commands):
    named = [word for line in commands for word in re.findall(r"^make (\w+)", line)]
    assert {"lint", "test", "setup", "remotes"} <= set(named)
    for target in named:
        done = subprocess.run(
            ["make", "-n", target, "PYTHON=python3"], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr


def test_each_stage_param_and_picture_exists(commands, reproduced):
    text = "\n".join(commands)
    lock = yaml.safe_load((reproduced.folder / "dvc.lock").read_text())["stages"]
    stages = re.findall(r"\b\w+@\w+", text)
    assert stages
    assert set(stages) <= lock.keys()
    for place in re.findall(r"-S '?([\w.]+)=", text):
        value = reproduced.params
        for key in place.split("."):
            value = value[key]
    pictures = re.findall(r"\]\(\./([^)]+)\)", text)
    assert pictures
    for picture in pictures:
        assert (reproduced.folder / picture).is_file()
    for source in re.findall(r"bundled:\w+", text):
        assert source in (ROOT / "params.yaml").read_text()


def test_all_supported_versions_of_python_are_tested():
    (file,) = FILES
    content = yaml.safe_load(file.read_text())
    assert content["jobs"]["test"]["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12"]
    # `on` is a truth value to YAML 1.1.
    assert content[True].keys() == {"push", "pull_request"}


def test_windows_and_macos_may_fail_and_need_no_make():
    (file,) = FILES
    job = yaml.safe_load(file.read_text())["jobs"]["elsewhere"]
    assert job["continue-on-error"] is True
    assert job["strategy"]["matrix"]["system"] == ["windows-latest", "macos-latest"]
    steps = [step["run"] for step in job["steps"] if "run" in step]
    assert not [step for step in steps if step.startswith("make")]
    page = (ROOT / "docs" / "systems.md").read_text(encoding="utf-8")
    for step in steps[:4]:  # what the page tells people to do
        assert step in page


def test_it_says_that_it_has_not_been_run_there():
    for file in (*FILES, ROOT / "docs" / "sharing.md"):
        assert re.search(r"not (been )?run on GitHub", file.read_text(), re.IGNORECASE)


@pytest.mark.slow
@pytest.mark.pipeline
def test_its_comparison_runs(reproduced, tmp_path):
    """What is compared, but for the training: nothing has changed, so nothing runs."""
    (file,) = FILES
    steps = yaml.safe_load(file.read_text())["jobs"]["compare"]["steps"]
    (script,) = (step["run"] for step in steps if "dvc params diff" in step.get("run", ""))
    script = script.replace(". .venv/bin/activate", "true")
    copy = tmp_path / "copy"
    shutil.copytree(reproduced.folder, copy, symlinks=True)
    project = Project(copy)
    params = project.params
    params["mnist"]["evaluate"]["seed"] = 8
    project.write_params(params)
    commit(project, "another seed")
    project.run("bash", "-e", "-c", script, BASE="HEAD~1")
    assert "mnist.evaluate.seed" in (copy / "params.md").read_text()
    assert "metrics/mnist/evaluate.json" in (copy / "metrics.md").read_text()
