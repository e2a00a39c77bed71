"""What goes into a bundle, and what is refused; the file itself is tested in test_bundle.py."""

import json
from pathlib import Path

import pytest
import yaml

from stages.gan.common import paths
from stages.tools.bundle import contents, environment, pack
from tests.helpers.damage import flip
from tests.helpers.data import message_of

pytestmark = pytest.mark.pipeline

AGAIN = "run `dvc repro report@mnist play@mnist` first"


def test_it_holds_the_run_but_for_its_data(copied):
    gathered = pack.gather("mnist")
    expected = {"params.yaml", "dvc.yaml", "dvc.lock", "LICENSE", "environment.json"}
    pictures = paths.training_pictures, paths.evaluation_pictures
    for folder in (paths.models, paths.export, paths.metrics, *pictures):
        expected |= {f.as_posix() for f in folder("mnist").rglob("*") if f.is_file()}
    expected |= {page("mnist").as_posix() for page in (paths.report, paths.play)}
    assert gathered.files.keys() == expected
    for name in expected - {"environment.json"}:
        assert gathered.measured[name] == contents.measure(Path(name).read_bytes())
    assert not any("faces" in name for name in expected)


def test_the_commit_is_named_and_whether_anything_differs_from_it(copied):
    def git():
        gathered = pack.gather("mnist")
        return json.loads(gathered.files[environment.NAME])["git"], gathered.notes

    head = copied.run("git", "rev-parse", "HEAD").stdout.strip()
    assert git() == ({"commit": head, "clean": True}, ())
    Path("notes.txt").touch()  # nothing of the project's
    assert git()[0]["clean"]
    Path("stages/more.py").touch()
    found, (note,) = git()
    assert found == {"commit": head, "clean": False}
    assert note == "some changes are not in a git commit yet; the bundle says so"
    Path("stages/more.py").unlink()
    Path(".gitignore").write_text("more\n")
    assert not git()[0]["clean"]


def test_without_git_no_commit_is_named(copied, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    gathered = pack.gather("mnist")
    assert json.loads(gathered.files[environment.NAME])["git"] is None
    assert "the bundle names no git commit: git was not found" in gathered.notes


def test_in_another_users_clone_gits_reason_is_named(copied, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    (note,) = pack.gather("mnist").notes
    assert note.startswith("the bundle names no git commit: detected dubious ownership")
    assert f"safe.directory {copied.folder}" in note


def test_data_need_not_be_there(copied):
    for place in (paths.raw, paths.prepared, paths.judge):
        for file in place("mnist").rglob("*"):
            file.unlink()
        place("mnist").rmdir()
    assert pack.gather("mnist").files


def test_the_other_data_set_does_not_matter(copied):
    paths.report("faces").unlink()
    params = copied.params
    params["faces"]["train"]["seed"] = 9
    copied.write_params(params)
    assert pack.gather("mnist").files
    assert "reports/faces/index.html is missing" in message_of(pack.gather, "faces")


def test_damaged_missing_and_extra_files_are_refused(copied):
    file = paths.models("mnist") / "final/generator.safetensors"
    flip(file, 300)
    text = message_of(pack.gather, "mnist")
    assert text == (
        f"{file} is damaged, so it is not packed: "
        "`python -m stages verify mnist` names the command that repairs it"
    )
    paths.report("mnist").unlink()
    assert f"{file} is damaged (and 1 more), so" in message_of(pack.gather, "mnist")
    flip(file, 300)
    assert "index.html is missing, so" in message_of(pack.gather, "mnist")
    copied.run("dvc", "checkout", "-q", str(paths.report("mnist")))
    (paths.models("mnist") / "more").touch()
    assert f"{paths.models('mnist')}/more is extra, so" in message_of(pack.gather, "mnist")


def test_a_damaged_copy_of_dvcs_is_not_what_is_packed(copied):
    (listing,) = {
        Path(".dvc/cache/files/md5", out["md5"][:2], out["md5"][2:])
        for out in _outs(copied, "train@mnist")
        if out["path"] == str(paths.training_pictures("mnist") / paths.EPOCHS)
    }
    flip(listing, 3)
    assert pack.gather("mnist").files


def _outs(project, stage):
    return yaml.safe_load((project.folder / "dvc.lock").read_text())["stages"][stage]["outs"]


def test_results_of_other_params_are_refused(copied):
    params = copied.params
    params["mnist"]["download"]["retries"] = 7
    copied.write_params(params)
    text = message_of(pack.gather, "mnist")
    assert text.startswith("the results do not belong to the params and code here: ")
    assert "params.yaml (mnist.download" in text
    assert text.endswith(AGAIN)


@pytest.mark.parametrize(
    ("name", "dependency"),
    [
        ("stages/download.py", "stages/download.py"),
        ("stages/gan/losses/__init__.py", "stages/gan/losses"),
    ],
)
def test_results_of_other_code_are_refused(copied, name, dependency):
    file = Path(name)
    file.write_text(file.read_text() + "# a remark\n")
    end = f"here: {dependency} changed since they were made; {AGAIN}"
    assert message_of(pack.gather, "mnist").endswith(end)


def test_a_run_that_is_half_done_is_refused(copied):
    lock = Path("dvc.lock")
    content = yaml.safe_load(lock.read_text())
    del content["stages"]["report@mnist"]
    lock.write_text(yaml.safe_dump(content))
    text = message_of(pack.gather, "mnist")
    assert text == f"dvc.lock has no hash of {paths.report('mnist')}: {AGAIN}"
    assert pack.gather("faces").files


def test_what_has_never_run_is_refused(copied):
    Path("dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    text = message_of(pack.gather, "mnist")
    assert text.startswith("dvc.lock has no hash of ")
    assert text.endswith(AGAIN)
    Path("dvc.lock").unlink()
    assert message_of(pack.gather, "mnist").startswith("dvc.lock is not here")


def test_what_changes_while_it_is_read_is_refused(copied, monkeypatch):
    page = paths.report("mnist")
    measure = contents.measure

    def meanwhile(source):
        if source == page:
            flip(page, 5)
        return measure(source)

    monkeypatch.setattr(contents, "measure", meanwhile)
    text = message_of(pack.gather, "mnist")
    assert text == "mnist changed while it was packed: run the same command again"


def test_folders_and_secrets_of_the_user_are_pointed_out(copied):
    params = copied.params
    params["faces"]["download"]["sources"] = ["/home/me/faces", "https://me:secret@host/f.zip"]
    copied.write_params(params)
    notes = [note for note in pack.gather("mnist").notes if "params.yaml" in note]
    assert len(notes) == 2
    assert "'/home/me/faces' of faces" in notes[0]
