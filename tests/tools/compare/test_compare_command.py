"""The page that compares experiments, branches, commits and the workspace."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.helpers.project import Project, commit

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]

PAGE = "reports/compare/index.html"


def compare(project: Project, *arguments: str, check: bool = True):
    return project.run("python", "-m", "stages", "compare", *arguments, check=check)


@pytest.fixture(scope="module")
def with_experiment(reproduced, tmp_path_factory) -> Path:
    """With an experiment that changed how it is evaluated, which trains nothing anew."""
    project = Project(tmp_path_factory.mktemp("tried") / "project")
    shutil.copytree(reproduced.folder, project.folder, symlinks=True)
    # Before the experiment, whose own configuration DVC goes by when it fetches what it needs.
    project.run("dvc", "remote", "add", "-q", "-d", "shared", "../remote")
    commit(project, "a remote")
    project.run("dvc", "exp", "run", "-n", "other", "-S", "mnist.evaluate.seed=8", "report@mnist")
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")
    return project.folder


@pytest.fixture
def tried(with_experiment, tmp_path, monkeypatch) -> Project:
    """A copy of it, to be changed; the working directory."""
    folder = tmp_path / "copied"
    shutil.copytree(with_experiment, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return Project(folder)


def test_the_workspace_and_all_experiments_on_a_page_that_needs_nothing_else(tried):
    assert compare(tried).stdout == f"mnist: {PAGE}\n"
    page = (tried.folder / PAGE).read_text()
    assert page.index("<h3>workspace</h3>") < page.index("<h3>other</h3>")
    assert page.count('src="data:image/png') == 2 + 2
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)
    assert "evaluate.seed=7" in page
    assert "evaluate.seed=8" in page
    assert "dvc exp apply other" in page
    assert str(tried.folder) not in page
    metrics = json.loads((tried.folder / "metrics/mnist/scores.json").read_text())
    assert f"{metrics['bce']['generator']['value']:.4g}" in page
    assert metrics["judge"]["sha256"]  # the same for both
    assert "Several judges" not in page
    first = (tried.folder / PAGE).read_bytes()
    compare(tried)
    assert (tried.folder / PAGE).read_bytes() == first


def test_what_is_chosen_in_its_order_and_elsewhere(tried):
    compare(tried, "other", "HEAD", "other", "--dataset", "mnist", "--output", "two/page.html")
    page = (tried.folder / "two/page.html").read_text()
    assert re.findall("<h3>(.*)</h3>", page) == ["other", "HEAD"]
    assert not (tried.folder / PAGE).exists()
    compare(tried, "HEAD", "workspace", "--dataset", "faces")
    page = (tried.folder / PAGE).read_text()
    assert '<a href="#params-0-1">0</a>' in page


def test_a_picture_that_is_not_here_is_named_with_a_command_that_brings_it(tried):
    tried.run("dvc", "push", "-q")
    shared = tried.folder.parent / "shared.git"
    tried.run("git", "clone", "-q", "--bare", ".", str(shared))
    tried.run("dvc", "exp", "push", "-q", "-A", str(shared))
    clone = Project(tried.folder.parent / "clone")
    tried.run("git", "clone", "-q", str(shared), str(clone.folder))
    clone.run("dvc", "exp", "pull", "-q", "origin", "other")
    shutil.rmtree(clone.folder / ".dvc/cache")
    compare(clone, "other", "HEAD")
    page = (clone.folder / PAGE).read_text()
    assert page.count('src="data:image/png') == 2  # the curves, which are of what is in git
    for command in re.findall(r"The picture is not on this machine: (.*)</p>", page):
        clone.run(*command.split())
    compare(clone, "other", "HEAD")
    assert (clone.folder / PAGE).read_text().count('src="data:image/png') == 2 + 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["othr"], "no revision 'othr', did you mean other?"),
        (["--dataset", "mnits"], "no data set 'mnits', did you mean mnist?"),
        (["empty"], "params.yaml of empty has no data set 'mnist'"),
        (["bare"], "bare has no metrics/mnist/train.json"),
        (["broken"], "metrics/mnist/history.csv of broken is damaged"),
        (["cut"], "metrics/mnist/scores.json of cut is damaged"),
        (["short"], "metrics/mnist/train.json of short has no verdict"),
    ],
)
def test_mistakes_end_in_one_line_and_leave_no_page(tried, arguments, told):
    metrics = Path("metrics/mnist")
    changes = {
        "empty": {"params.yaml": "a: 1\n"},
        "bare": {metrics / "train.json": None},
        "broken": {metrics / "history.csv": "epoch,discriminator_loss\n1,x\n"},
        "cut": {metrics / "scores.json": "{"},
        "short": {metrics / "train.json": "{}"},
    }
    tag = arguments[-1]
    for file, text in changes.get(tag, {}).items():
        if text is None:
            Path(file).unlink()
        else:
            Path(file).write_text(text)
    if tag in changes:
        commit(tried, tag)
        tried.run("git", "tag", tag)
        tried.run("git", "reset", "-q", "--hard", "HEAD~1")
    result = compare(tried, *arguments, check=False)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {told}")
    assert not (tried.folder / PAGE).exists()
