import shutil
from pathlib import Path

import pytest

from stages.tools.dvc import pipeline, revisions
from stages.tools.dvc.cache import Cache
from stages.tools.dvc.revisions import WORKSPACE, Revision, find
from tests.helpers.data import message_of
from tests.helpers.project import Project, commit

pytestmark = pytest.mark.pipeline

STAGE = "evaluate@mnist"
PICTURE = Path("reports/mnist/evaluation/generated.png")


def as_experiment(project: Project, name: str, baseline: str = "HEAD", value: str = "HEAD") -> str:
    """Give a commit the name that DVC gives a finished experiment."""
    base = project.run("git", "rev-parse", baseline).stdout.strip()
    one = project.run("git", "rev-parse", value).stdout.strip()
    project.run("git", "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", one)
    return one


def test_the_workspace_is_what_lies_there(copied):
    here = find(WORKSPACE)
    assert here == Revision(WORKSPACE, None)
    assert here.content(Path("params.yaml")) == (copied.folder / "params.yaml").read_bytes()
    assert here.content(Path("nothing")) is None
    assert here.picture(STAGE, PICTURE, None) == PICTURE.read_bytes()


def test_a_commit_is_read_without_a_checkout(copied):
    before = copied.params
    changed = copied.params
    changed["mnist"]["train"]["seed"] = 5
    copied.write_params(changed)
    commit(copied, "changed")
    copied.write_params(before)
    assert b"seed: 5" in find("HEAD").content(Path("params.yaml"))
    assert find("HEAD~1").content(Path("params.yaml")) == Path("params.yaml").read_bytes()
    assert find("HEAD").content(Path("nothing")) is None
    cache = Cache(pipeline.read().cache)
    assert find("HEAD").picture(STAGE, PICTURE, cache) == PICTURE.read_bytes()


def test_a_picture_that_is_not_in_the_cache_or_damaged_is_none(copied):
    cache = Cache(pipeline.read().cache)
    name = find("HEAD").out(STAGE, PICTURE.parent)
    copy = cache.object(cache.files(name)[PICTURE.name])
    copy.chmod(0o644)
    content = copy.read_bytes()
    copy.write_bytes(content[:-1])
    assert find("HEAD").picture(STAGE, PICTURE, cache) is None
    copy.unlink()
    assert find("HEAD").picture(STAGE, PICTURE, cache) is None
    assert find("HEAD").picture(STAGE, PICTURE, None) is None
    assert find("HEAD").picture("evaluate@nothing", PICTURE, cache) is None


def test_experiments_are_found_by_name_and_the_one_on_this_commit_first(copied):
    first = as_experiment(copied, "mine")
    assert [each.name for each in revisions.experiments()] == ["mine"]
    assert find("mine") == Revision("mine", first, True)
    (copied.folder / "note").write_text("x")
    commit(copied, "another")
    second = as_experiment(copied, "mine")
    assert find("mine").commit == second
    (copied.folder / "note").write_text("y")
    commit(copied, "a third")
    text = message_of(find, "mine")
    assert first[:10] in text
    assert second[:10] in text
    assert find(first).commit == first
    assert find(first).is_experiment


def test_what_there_is_not_is_told_with_what_is_like_it(copied):
    as_experiment(copied, "learning_rate-0.01")
    assert message_of(find, "learning_rate-0.1") == (
        "no revision 'learning_rate-0.1', did you mean learning_rate-0.01?"
    )
    text = message_of(find, "zzzzzzzz")
    assert "valid: learning_rate-0.01, workspace, HEAD" in text
    assert "no revision '--all'" in message_of(find, "--all")
    assert "no revision ''" in message_of(find, "")


def test_a_name_that_an_experiment_or_another_has_gets_a_number(copied):
    as_experiment(copied, "whole")
    assert revisions.free_name("whole") == "whole-2"
    assert revisions.free_name("whole", ["whole-2"]) == "whole-3"
    assert revisions.free_name("other") == "other"


def test_code_is_the_same_until_it_is_edited(copied):
    head = revisions.head()
    assert revisions.is_same_code(head)
    params = copied.params
    params["mnist"]["train"]["seed"] = 5
    copied.write_params(params)
    assert revisions.is_same_code(head)
    with (copied.folder / "stages/train.py").open("a") as file:
        file.write("# changed\n")
    assert not revisions.is_same_code(head)


def test_a_lock_that_is_no_yaml_holds_nothing(copied):
    shutil.copy("params.yaml", "dvc.lock")
    assert find(WORKSPACE).lock() == {}
    Path("dvc.lock").write_text("stages: [\n")
    assert find(WORKSPACE).lock() == {}
    Path("dvc.lock").unlink()
    assert find(WORKSPACE).out(STAGE, PICTURE.parent) is None


def test_a_folder_without_commits_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in message_of(revisions.head)
    Project(tmp_path).run("git", "init", "-q")
    assert "there is no commit" in message_of(revisions.head)


def test_in_another_users_clone_gits_reason_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Project(tmp_path).run("git", "init", "-q")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for call in (revisions.head, lambda: find("one")):
        assert f"safe.directory {tmp_path}" in message_of(call)
