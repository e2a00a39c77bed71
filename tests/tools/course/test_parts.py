"""Every part of the course: built from its source, and each task with right and wrong answers."""

import os
import re
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError

from stages.gan.common.errors import UserError
from stages.tools.course import checking, parts
from stages.tools.course.building import build, editions, tasks
from stages.tools.course.kinds import KINDS
from stages.tools.course.outcomes import State
from stages.tools.course.places import Project
from tests.helpers.processes.notebooks import run_notebook, student_project
from tests.helpers.project import ROOT

SECTIONS = {
    "en": ["Introduction", "Aims", "What to know", "Environment", "Steps", "Summary"],
    "zh": ["实验介绍", "实验目的", "预备知识", "实验环境", "实验步骤", "实验小结"],
}


def every() -> list[parts.Part]:
    """All parts, by paths that hold in every working directory."""
    return [
        parts.Part(int(path.name[0]), path) for path in sorted((ROOT / "course").glob("[1-9]-*"))
    ]


PARTS = every()


def name(part: parts.Part) -> str:
    """The name of a test's case."""
    return part.folder.name


each_part = pytest.mark.parametrize("part", PARTS, ids=name)
HIDDEN = ("choice", "exact", "number")


@pytest.fixture
def in_project(monkeypatch):
    """The working directory is the project's folder, as for every command."""
    monkeypatch.chdir(ROOT)


def test_parts_are_found_by_their_numbers(in_project):
    assert [part.number for part in parts.every()] == list(range(1, len(PARTS) + 1))
    assert parts.find(1).folder == Path("course/1-script")
    with pytest.raises(UserError, match=r"no part 99: choose one of 1"):
        parts.find(99)


def test_elsewhere_there_is_no_course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="run this from the project's folder"):
        parts.every()


@each_part
def test_what_is_built_equals_its_source(part):
    for path, text in build.contents(part).items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: python -m stages course build"


@each_part
@pytest.mark.parametrize("language", parts.LANGUAGES)
def test_each_edition_has_the_sections_of_an_experiment(part, language):
    notebook = editions.notebook_of(part, editions.STUDENT, language)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS[language]


def uncommented(code: str) -> str:
    """The code without comments."""
    return re.sub(r"\s*# .*", "", code)


@each_part
def test_both_languages_have_the_same_code_and_as_many_tasks(part):
    notebooks = [editions.notebook_of(part, editions.TEACHER, each) for each in parts.LANGUAGES]
    codes = [
        [uncommented(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
        for notebook in notebooks
    ]
    assert len(codes[0]) == len(codes[1])
    assert codes[0][0].replace('"en")', '"zh")') == codes[1][0]
    assert codes[0][1:] == codes[1][1:]
    chinese = [cell.source for cell in notebooks[1].cells if cell.cell_type == "code"]
    comments = set(re.findall(r"# .*", "\n".join(chinese))) - {"# fmt: skip"}
    assert [each for each in comments if re.search("[A-Za-z]{2,} [a-z]{2,}", each)] == []
    texts = ["\n".join(cell.source for cell in notebook.cells) for notebook in notebooks]
    english = re.findall(r"^### Task (\d+)", texts[0], re.MULTILINE)
    assert english == re.findall(r"^### 任务 (\d+)", texts[1], re.MULTILINE)
    assert english == [str(number + 1) for number in range(len(english))]
    assert 3 <= len(english) <= 7


@each_part
def test_a_students_notebook_shows_no_answer(part):
    for language in parts.LANGUAGES:
        text = part.notebook("student", language).read_text(encoding="utf-8")
        assert "SOLUTION" not in text
        for task in tasks.read(part).tasks:
            assert f'course.answer(\\"{task.name}\\"' in text


@each_part
def test_right_answers_are_right_and_wrong_ones_get_their_hint(part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entries = {entry["name"]: entry for entry in part.read_checks()["tasks"]}
    for task in tasks.read(part).tasks:
        if task.kind not in HIDDEN:
            continue

        def outcome(answer, task=task):
            return checking.check_task(entries[task.name], {task.name: answer}, Project())

        assert outcome(task.right).state is State.RIGHT, task.name
        assert outcome(None).state is State.MISSING
        for mistake in task.mistakes:
            found = outcome(mistake.answer)
            assert found.state is State.WRONG, (task.name, mistake.answer)
            assert found.look == mistake.look.model_dump()
        assert task.wrong, f"{task.name} has no wrong answers"
        for answer in task.wrong:
            found = outcome(answer)
            assert found.state is State.WRONG, (task.name, answer)
            assert found.look == task.look.model_dump()


@each_part
def test_kinds_that_look_at_results_need_results(part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for entry in part.read_checks()["tasks"]:
        if entry["kind"] in ("own", "found"):
            found = checking.check_task(entry, {entry["name"]: "0"}, Project())
            assert found.state is State.WRONG
            assert found.look
        assert entry["kind"] in KINDS


def run_whole(part, folder, quick):
    """Run the teacher's notebook, and check that what it answers is right."""
    project = student_project(folder, quick.params)
    notebook = run_notebook(project, part, changes=quick.set)
    before = os.getcwd()
    os.chdir(project.folder)
    try:
        checked = checking.check_part(parts.find(part.number), Project())
    finally:
        os.chdir(before)
    wrong = {
        name: outcome
        for name, outcome in checked.outcomes.items()
        if outcome.state is not State.RIGHT and name not in quick.unchecked
    }
    assert wrong == {}
    return notebook


QUICK = [part for part in PARTS if not tasks.read(part).quick.skip]
# The others, and those that the quick test runs with other numbers.
SLOW = [
    part
    for part in PARTS
    if (part not in QUICK or tasks.read(part).quick.set) and not tasks.read(part).whole.skip
]


def test_each_notebook_is_run():
    assert {part.number for part in [*QUICK, *SLOW]} == {part.number for part in PARTS}


@pytest.mark.pipeline
@pytest.mark.parametrize("part", QUICK, ids=name)
def test_the_teachers_notebook_runs_and_its_answers_are_right(part, tmp_path):
    run_whole(part, tmp_path / "project", tasks.read(part).quick)


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.parametrize("part", SLOW, ids=name)
def test_the_whole_notebook_runs_and_all_its_answers_are_right(part, tmp_path):
    run_whole(part, tmp_path / "project", tasks.read(part).whole)


@pytest.mark.pipeline
def test_a_students_notebook_runs_to_the_first_place_that_needs_the_student(tmp_path):
    project = student_project(tmp_path / "project", {})
    losses = next(part for part in PARTS if part.folder.name == "3-losses")
    with pytest.raises(CellExecutionError, match="TypeError"):
        run_notebook(project, losses, editions.STUDENT, "zh")
    assert not (project.folder / losses.answers).exists()
