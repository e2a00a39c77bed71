"""What a worker reports; its end with who started it is tested in test_jobs.py."""

import pytest

from stages.gan.common.errors import UserError
from stages.gan.training.processes import worker
from stages.gan.training.processes.stops import Stopped


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv(worker.FOLDER, str(tmp_path))
    return tmp_path


def test_a_good_end_is_told(job):
    assert worker.report_of(job, 1) is None
    with worker.reporting(1):
        assert worker.report_of(job, 1) is None
    assert worker.report_of(job, 1) == ("", 0)
    assert worker.report_of(job, 0) is None


def test_an_error_is_told_with_its_exit_code(job):
    with pytest.raises(Stopped), worker.reporting(0):
        raise Stopped("stopped\nand saved", 15)
    assert worker.report_of(job, 0) == ("stopped and saved", 143)
    with pytest.raises(UserError), worker.reporting(2):
        raise UserError("no such file")
    assert worker.report_of(job, 2) == ("no such file", 1)


def test_a_fault_of_the_program_is_not_told_but_shown(job):
    with pytest.raises(ZeroDivisionError), worker.reporting(0):
        raise ZeroDivisionError
    assert worker.report_of(job, 0) is None


def test_under_somebody_elses_msrun_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv(worker.FOLDER, raising=False)
    with worker.reporting(0):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_started_it_may_be_gone(job, monkeypatch):
    monkeypatch.setenv(worker.FOLDER, str(job / "gone"))
    with worker.reporting(0):
        pass
    assert not (job / "gone").exists()
