"""What a notebook does: it finds the project, writes answers, and runs commands."""

import os
import sys

import pytest

from stages.gan.common.errors import UserError
from stages.tools.course import session
from tests.helpers.project import ROOT


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A notebook's session, begun in a folder of a copy of the course."""
    project = tmp_path / "project"
    (project / "course").mkdir(parents=True)
    (project / "course/3-losses").symlink_to(ROOT / "course/3-losses")
    (project / "dvc.yaml").touch()
    monkeypatch.setenv("GAN_LANGUAGE", "en")
    monkeypatch.chdir(project / "course")
    begun = session.begin(3, "zh")
    assert os.getcwd() == str(project)
    assert os.environ["GAN_LANGUAGE"] == begun.language == "zh"
    return begun


@pytest.mark.parametrize(
    ("language", "said"), [("en", "is in no copy of the project"), ("zh", "不在本项目中")]
)
def test_elsewhere_it_says_where_the_notebook_belongs(tmp_path, monkeypatch, language, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_LANGUAGE", "en")  # so that it is put back
    with pytest.raises(UserError, match=said):
        session.begin(3, language)


def test_an_answer_is_written_and_checked_at_once(course, capsys):
    course.answer("what_1386_proves", "b")
    course.answer("smoothed_p", 0.5)
    course.answer("jsd_of_half", ...)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "what_1386_proves：正确"
    assert lines[1].startswith("smoothed_p：还不对。这是不做平滑")
    assert lines[2] == "jsd_of_half：未作答"
    assert course.part.answers.read_text() == "what_1386_proves: b\nsmoothed_p: 0.5\n"


def test_a_name_that_is_no_task_is_refused(course):
    with pytest.raises(UserError, match="实验 3 没有任务 'jsd'"):
        course.answer("jsd", 1)


def test_a_command_shows_its_output_and_an_exit_code_that_was_not_expected(course, capsys):
    code = f'{sys.executable} -c "print(5); raise SystemExit(3)"'
    assert course.run(code, ok=(3,)) == "5\n"
    assert capsys.readouterr().out == "5\n"
    with pytest.raises(RuntimeError, match="退出码 3"):
        course.run(code)


def test_a_command_writes_what_the_notebook_reads_on_every_system(course, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "gbk")  # as on a Chinese Windows
    assert course.run(f"{sys.executable} -c 'print(chr(0x6570))'") == "数\n"
