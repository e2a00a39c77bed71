"""Sharing through each kind of remote, with real servers: the commands of docs/sharing.md."""

import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest

from tests.helpers.data import tree
from tests.helpers.processes import server as servers
from tests.helpers.processes.kill import results
from tests.helpers.project import Project, commit

pytestmark = pytest.mark.pipeline

SERVERS = {
    "folder": servers.folder,
    "ssh": servers.ssh,
    "s3": servers.s3,
    "webdav": servers.webdav,
}
# What DVC says to somebody with a wrong key or password, as docs/sharing.md has it.
REFUSALS = {
    "ssh": "Permission denied for user",
    "s3": "An error occurred (403) when calling the HeadObject operation: Forbidden",
    "webdav": "received 401 (Not Authorized)",
}
UP_TO_DATE = "Data and pipelines are up to date."
NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def copy_of(project: Project, folder: Path) -> Project:
    """The project with its cache and results, to be pushed from."""
    shutil.copytree(project.folder, folder, symlinks=True)
    (folder / ".dvc/config.local").unlink(missing_ok=True)  # of other tests
    return Project(folder)


def share(project: Project, remote: servers.Remote) -> None:
    """Name a remote in the project's settings, which are in git, and push to it."""
    project.run("dvc", "remote", "add", "-d", "shared", remote.url)
    commit(project, "where the results are")
    tell(project, remote.secrets)
    project.run("dvc", "push", **NO_PROXY, **remote.environment)


def clone(original: Project, folder: Path) -> Project:
    """A git clone by somebody who has been told the same secrets."""
    original.run("git", "clone", "-q", str(original.folder), str(folder))
    secrets = original.folder / ".dvc/config.local"
    if secrets.exists():
        shutil.copy(secrets, folder / ".dvc")
    return Project(folder)


def tell(project: Project, secrets: Mapping[str, str]) -> None:
    """What is not in git."""
    for name, value in secrets.items():
        project.run("dvc", "remote", "modify", "--local", "shared", name, value)


def expect_the_same(copy: Project, original: Project, output: str) -> None:
    """Nothing has run, git sees no change, and each file is the same byte for byte."""
    assert "Running stage" not in output
    copied = results(copy, "mnist", "faces")
    assert copied == results(original, "mnist", "faces")
    assert {Path(path).suffix for path in copied} >= {".png", ".gif", ".safetensors", ".html"}
    assert copy.run("git", "status", "--porcelain").stdout == ""


def expect_a_clone_to_need_no_run(original: Project, folder: Path, remote: servers.Remote) -> None:
    """`dvc pull` and `dvc repro`, and `dvc repro --pull` alone, in new clones."""
    environment = {**NO_PROXY, **remote.environment}
    pulled = clone(original, folder / "pulled")
    pulled.run("dvc", "pull", **environment)
    again = pulled.run("dvc", "repro", **environment).stdout
    assert UP_TO_DATE in again
    expect_the_same(pulled, original, again)
    at_once = clone(original, folder / "at-once")
    output = at_once.run("dvc", "repro", "--pull", **environment).stdout
    expect_the_same(at_once, original, output)


def expect_a_stranger_to_be_refused(
    original: Project, folder: Path, remote: servers.Remote, message: str
) -> None:
    """A wrong key or password ends in an error that says so, and nothing is pulled."""
    stranger = clone(original, folder)
    told = {name: value for name, value in remote.wrong.items() if remote.secrets[name] != value}
    tell(stranger, told)
    ended = stranger.run("dvc", "pull", check=False, **NO_PROXY, **remote.environment)
    assert ended.returncode != 0
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (stranger.folder / "models").exists()


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind != "folder")) for kind in SERVERS],
)
def test_a_clone_gets_the_same_bytes_and_nothing_runs(kind, reproduced, tmp_path):
    place = tmp_path / "server"
    place.mkdir()
    with SERVERS[kind](place) as remote:
        original = copy_of(reproduced, tmp_path / "original")
        share(original, remote)
        expect_a_clone_to_need_no_run(original, tmp_path, remote)
        if kind in REFUSALS:
            expect_a_stranger_to_be_refused(original, tmp_path / "stranger", remote, REFUSALS[kind])


@pytest.mark.slow
def test_a_pushed_folder_can_be_read_through_any_web_server(reproduced, tmp_path):
    original = copy_of(reproduced, tmp_path / "original")
    pushed = tmp_path / "pushed"
    original.run("dvc", "remote", "add", "--local", "folder", str(pushed))
    original.run("dvc", "push", "-r", "folder")
    before = tree(pushed)
    with servers.http_over(pushed) as remote:
        original.run("dvc", "remote", "add", "-d", "shared", remote.url)
        commit(original, "where the results are")
        expect_a_clone_to_need_no_run(original, tmp_path, remote)
        (original.folder / "new").write_text("new")
        original.run("dvc", "add", "new")
        ended = original.run("dvc", "push", "new", check=False, **NO_PROXY)
    assert ended.returncode != 0
    assert tree(pushed) == before


@pytest.mark.slow
def test_without_a_remote_dvc_says_how_to_name_one(reproduced, tmp_path):
    copy = clone(copy_of(reproduced, tmp_path / "original"), tmp_path / "clone")
    pulled = copy.run("dvc", "pull", check=False)
    assert pulled.returncode != 0
    assert "No remote provided and no default remote set." in pulled.stderr
    pushed = copy.run("dvc", "push", check=False)
    assert pushed.returncode != 0
    assert "dvc remote add -d <remote name> <remote url>" in pushed.stderr


# `dvc` on a machine where a package is not installed.
_WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
sys.argv = ["dvc", *sys.argv[2:]]
from dvc.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ssh", "s3", "webdav"])
def test_without_its_package_dvc_names_it(kind, reproduced, tmp_path):
    copy = clone(copy_of(reproduced, tmp_path / "original"), tmp_path / "clone")
    copy.run("dvc", "remote", "add", "-d", "shared", f"{kind}://somewhere/storage")
    ended = copy.run("python", "-c", _WITHOUT, f"dvc_{kind}", "pull", check=False)
    assert ended.returncode != 0
    assert f"{kind} is supported, but requires 'dvc-{kind}' to be installed" in ended.stderr


def test_the_extras_install_these_packages():
    wanted = metadata.requires("gan-equilibrium")
    for kind in ("ssh", "s3", "webdav"):
        assert any(
            requirement.startswith(f"dvc-{kind}") and f'extra == "{kind}"' in requirement
            for requirement in wanted
        )
