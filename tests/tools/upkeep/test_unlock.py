import json

import pytest

from tests.helpers.project import Project


@pytest.fixture
def unlock(tmp_path):
    """Runs the command in a folder of DVC's."""
    (tmp_path / ".dvc/tmp").mkdir(parents=True)

    def run():
        return Project(tmp_path).run("python", "-m", "stages", "unlock", check=False)

    return run


@pytest.mark.parametrize("content", ["", '{"write": {', "[]", "\0\0"])
def test_what_was_cut_off_is_removed_and_told(unlock, tmp_path, content):
    file = tmp_path / ".dvc/tmp/rwlock"
    file.write_text(content)
    result = unlock()
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("removed .dvc/tmp/rwlock: a killed DVC process had left")
    assert not file.exists()
    assert unlock().stdout == ""


def test_a_sound_one_stays(unlock, tmp_path):
    file = tmp_path / ".dvc/tmp/rwlock"
    file.write_text(json.dumps({"write": {}, "read": {}}))
    assert (unlock().returncode, unlock().stdout) == (0, "")
    assert file.exists()


def test_dvc_refuses_it_and_goes_on_after_it(copied):
    file = copied.folder / ".dvc/tmp/rwlock"
    file.write_text("")
    params = copied.params
    params["mnist"]["report"]["title"] = "Another"
    copied.write_params(params)
    refused = copied.run("dvc", "repro", "report@mnist", check=False)
    assert refused.returncode
    assert "Unable to read RWLock-file" in refused.stderr
    copied.run("python", "-m", "stages", "unlock")
    copied.run("dvc", "repro", "report@mnist")
