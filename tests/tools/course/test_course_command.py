"""The command as students and teachers run it."""

import shutil
import sys
import warnings

import pytest

from stages.tools.course import __main__ as course
from tests.helpers.bundle import pack
from tests.helpers.project import ROOT


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with part 3 of the course: exit code, lines, errors."""
    warnings.simplefilter("error")
    (tmp_path / "course").mkdir()
    shutil.copytree(ROOT / "course/3-losses", tmp_path / "course/3-losses")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_LANGUAGE", "en")

    def of(*arguments):
        monkeypatch.setattr(sys, "argv", ["course", *map(str, arguments)])
        code = 0
        try:
            course.guarded(course.main)
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out.splitlines(), printed.err.splitlines()

    return of


def answers(folder, text):
    (folder / "course/answers").mkdir(exist_ok=True)
    (folder / "course/answers/3.yaml").write_text(text)


def test_it_lists_the_parts(run):
    code, lines, _ = run()
    assert code == 0
    assert lines == [
        "3  Losses and their equilibrium: 0 of 8 tasks, about 25 minutes, "
        "course/3-losses/student.en.ipynb"
    ]


def test_a_check_names_each_task_and_ends_with_1_until_all_are_right(run, tmp_path):
    answers(tmp_path, "smoothed_p: 0.45\njsd_of_half: 9\nmore: 1\n")
    code, lines, errors = run("check", 3)
    assert (code, errors) == (1, [])
    assert "3 smoothed_p: right" in lines
    assert "3 loss_at_40: not answered" in lines
    told = "3 jsd_of_half: not yet right. It may be off by 0.001 at most. Put L_D"
    assert any(line.startswith(told) for line in lines)
    assert "note: course/answers/3.yaml has 'more', which is no task" in lines
    assert lines[-1] == "1 of 8 tasks are right"
    assert (tmp_path / "course/answers/3.checked.json").exists()


def test_a_check_speaks_the_language_of_the_terminal(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GAN_LANGUAGE", "zh")
    answers(tmp_path, "smoothed_p: two words\nwhat_1386_proves: 7\n")
    _, lines, errors = run("check", 3)
    assert errors == []
    assert "3 loss_at_40：未作答" in lines
    assert any(
        line.startswith("3 smoothed_p：还不对。'two words'：这里应填一个数。") for line in lines
    )
    assert lines[-1] == "8 个任务中做对 0 个"
    assert run()[1][0].startswith("3  ")
    assert run()[1][0].endswith("course/3-losses/student.zh.ipynb")


def test_all_right_ends_with_0(run, tmp_path):
    answers(
        tmp_path,
        "{confident_sum: 0.2107, loss_at_40: 40, equilibrium_sum: 1.3863, equilibrium_of_g: 0.6931,"
        " smoothed_p: 0.45, first_logit_of_one: 17, jsd_of_half: 0.4431, what_1386_proves: B}",
    )
    assert run("check")[:2][0] == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["check"], "error: there are no answers in course/answers"),
        (["check", 8], "error: the course has no part 8: choose one of 3"),
        (["collect", "nowhere"], "error: nowhere is no folder"),
        (["collect", "course"], "error: course has no bundle"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, arguments, error):
    code, _, errors = run(*arguments)
    assert code == 1
    assert len(errors) == 1
    assert errors[0].startswith(error)


def test_it_builds_and_does_not_overwrite_a_notebook_that_was_run(run, tmp_path):
    assert run("build", 3)[0] == 0
    notebook = tmp_path / "course/3-losses/student.en.ipynb"
    shipped = (ROOT / "course/3-losses/student.en.ipynb").read_text(encoding="utf-8")
    assert notebook.read_text(encoding="utf-8") == shipped
    work = shipped.replace('"execution_count": null', '"execution_count": 1', 1)
    notebook.write_text(work, encoding="utf-8")
    code, _, errors = run("build", 3)
    assert code == 1
    assert "student.en.ipynb has been run or edited, and that would be lost" in errors[0]
    assert notebook.read_text(encoding="utf-8") == work
    assert run("build", "--force", "--teacher")[0] == 0
    assert notebook.read_text(encoding="utf-8") == shipped
    assert (tmp_path / "course/3-losses/teacher.zh.ipynb").exists()


def test_it_collects_bundles_and_names_the_broken_one(run, tmp_path):
    folder = tmp_path / "bundles"
    folder.mkdir()
    pack(folder / "li.zip", {"course/answers/3.yaml": b"smoothed_p: 0.45\n"})
    (folder / "wang.zip").write_bytes(b"no archive")
    code, lines, errors = run("collect", folder)
    assert (code, errors) == (0, [])
    assert lines[0].startswith("li: intact, 1 of 8 tasks; ")
    assert lines[1].startswith("wang: NOT INTACT, 0 of 0 tasks; ")
    assert lines[2:] == ["reports/course/index.html", "reports/course/students.csv"]
    assert (tmp_path / lines[2]).exists()


def test_the_page_speaks_the_language_of_the_params_and_the_csv_english(run, tmp_path):
    settings = tmp_path / "params.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("language: en", "language: zh", 1), encoding="utf-8")
    folder = tmp_path / "bundles"
    folder.mkdir()
    pack(folder / "li.zip", {"course/answers/3.yaml": b"smoothed_p: 0.45\n"})
    code, lines, _ = run("collect", folder)
    assert code == 0
    assert lines[0].startswith("li: intact, 1 of 8 tasks; ")
    page = (tmp_path / "reports/course/index.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page
    assert "共 1 个作业包。" in page
    assert "1 / 8" in page
    table = (tmp_path / "reports/course/students.csv").read_text(encoding="utf-8-sig")
    assert table.splitlines()[0].startswith("student,intact,problem,right,tasks,part 3 right")
    assert table.splitlines()[1].startswith("li,yes,")
