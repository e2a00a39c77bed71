"""What a worker reports; its end with who started it is tested in test_jobs.py."""

import pytest

from stages import ranks
from stages.gan.errors import UserError
from stages.gan.stops import Stopped


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv(ranks.FOLDER, str(tmp_path))
    return tmp_path


def test_a_good_end_is_told(job):
    assert ranks.report_of(job, 1) is None
    with ranks.reporting(1):
        assert ranks.report_of(job, 1) is None
    assert ranks.report_of(job, 1) == ("", 0)
    assert ranks.report_of(job, 0) is None


def test_an_error_is_told_with_its_exit_code(job):
    with pytest.raises(Stopped), ranks.reporting(0):
        raise Stopped("stopped\nand saved", 15)
    assert ranks.report_of(job, 0) == ("stopped and saved", 143)
    with pytest.raises(UserError), ranks.reporting(2):
        raise UserError("no such file")
    assert ranks.report_of(job, 2) == ("no such file", 1)


def test_a_fault_of_the_program_is_not_told_but_shown(job):
    with pytest.raises(ZeroDivisionError), ranks.reporting(0):
        raise ZeroDivisionError
    assert ranks.report_of(job, 0) is None


def test_under_somebody_elses_msrun_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(ranks.FOLDER, raising=False)
    with ranks.reporting(0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_started_it_may_be_gone(job, monkeypatch):
    monkeypatch.setenv(ranks.FOLDER, str(job / "gone"))
    with ranks.reporting(0):
        pass
    assert not (job / "gone").exists()
