"""Writes what the bundles hold: a CSV, a page, and a comparison of the runs of each data set."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from stages.gan import pages
from stages.gan.common.files import whole_file
from stages.gan.common.language import ENGLISH, _, retold, speaking, spoken
from stages.gan.measures import headline
from stages.tools.compare import page as comparison
from stages.tools.course.checking import Checked
from stages.tools.course.collecting.bundles import CHANGED, Student
from stages.tools.course.outcomes import State
from stages.tools.course.parts import Part

CSV, PAGE = "students.csv", "index.html"
_FOLDER = Path(__file__).with_name("templates")
# The scores of the table; the comparison has all.
SCORES = ("quality.frechet_distance", "quality.coverage", "critic.jsd_lower_bound")
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def comparison_name(dataset: str) -> str:
    """The name of the page that compares the runs of a data set."""
    return f"compare-{dataset}.html"


def write(folder: Path, students: Sequence[Student], parts: Sequence[Part]) -> list[Path]:
    """Write the CSV and the pages into a folder, and give their paths.

    The pages are in the language now spoken. The CSV is in English, but for the texts of problems.

    Parameters
    ----------
    folder : Path
    students : sequence of Student, at least one
    parts : the parts of the course
    """
    labels = {one.name: _label(one.name, number + 1) for number, one in enumerate(students)}
    compared = {
        dataset: [
            replace(one.run, name=labels[one.name])
            for one in students
            if one.run is not None and one.dataset == dataset
        ]
        for dataset in sorted({s.dataset for s in students if s.run is not None})
    }
    written = [folder / PAGE, folder / CSV]
    for dataset, runs in compared.items():
        written.append(folder / comparison_name(dataset))
        title = _("{dataset}: the students' runs").format(dataset=dataset)
        _write(written[-1], comparison.page_of(title, dataset, runs, {}))
    with speaking(ENGLISH):
        _write_csv(folder / CSV, [row(student, parts) for student in students])
    content = {
        "parts": [(part.number, part.read_checks()["title"][spoken()]) for part in parts],
        "students": [_shown(one, parts, labels[one.name]) for one in students],
        "scores": SCORES,
        "comparisons": {dataset: comparison_name(dataset) for dataset in compared},
        "csv": CSV,
    }
    _write(folder / PAGE, pages.render(content, "students.html", _FOLDER))
    return written


def row(student: Student, parts: Sequence[Part]) -> dict[str, Any]:
    """A student's row of the CSV: names of columns to values."""
    done = {checked.part.number: checked for checked in student.parts}
    content: dict[str, Any] = {
        "student": student.name,
        "intact": "yes" if student.is_intact else "no",
        "problem": student.problem,
        "right": student.right,
        "tasks": sum(len(checked.outcomes) for checked in student.parts),
    }
    for part in parts:
        checked = done.get(part.number)
        content[f"part {part.number} right"] = checked.right if checked else ""
        content[f"part {part.number} by record"] = _by_record(checked) if checked else ""
        content[f"part {part.number} not right"] = " ".join(_open(checked)) if checked else ""
    content |= {"data set": student.dataset, "verdict": _verdict(student)}
    for name in SCORES:
        value, error = student.scores.get(name, ("", ""))
        content |= {name: value, f"{name} error": "" if error is None else error}
    return content | {"commit": student.commit}


def _label(name: str, number: int) -> str:
    """A student's name for drawings, whose font has no Chinese letters."""
    return name if name.isascii() else f"bundle {number}"


def _shown(student: Student, parts: Sequence[Part], label: str) -> dict[str, Any]:
    done = {checked.part.number: checked for checked in student.parts}
    return {
        "name": student.name,
        "label": label,
        "intact": student.is_intact,
        "problem": student.problem,
        "commit": retold(student.commit, CHANGED),
        "dataset": student.dataset,
        "verdict": _verdict(student),
        "scores": [_score(student, name) for name in SCORES],
        "parts": [_part(done.get(part.number)) for part in parts],
    }


def _part(checked: Checked | None) -> dict[str, Any]:
    if checked is None or not checked.is_begun:
        return {"text": "", "open": [], "whole": False, "by_record": 0}
    return {
        "text": _("{right} of {count}").format(right=checked.right, count=len(checked.outcomes)),
        "open": _open(checked),
        "whole": checked.right == len(checked.outcomes),
        "by_record": _by_record(checked),
    }


def _open(checked: Checked) -> list[str]:
    """The tasks that are not right."""
    return [name for name, one in checked.outcomes.items() if one.state is not State.RIGHT]


def _by_record(checked: Checked) -> int:
    """How many right tasks only the student's own record tells of."""
    return sum(checked.outcomes[name].state is State.RIGHT for name in checked.recorded)


def _verdict(student: Student) -> str:
    return headline.name(student.run.verdict, student.run.found) if student.run else ""


def _score(student: Student, name: str) -> str:
    if name not in student.scores:
        return ""
    value, error = student.scores[name]
    return f"{value:.4g}" if error is None else f"{value:.4g} ± {error:.1g}"


def _write(path: Path, text: str) -> None:
    with whole_file(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    # With a mark of UTF-8: without it spreadsheets misread Chinese names.
    with whole_file(path) as scratch, scratch.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
