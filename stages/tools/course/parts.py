"""Where the parts of the course lie, and what each of their files is."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.gan.common.errors import UserError
from stages.gan.common.files import read_json
from stages.gan.common.language import LANGUAGES as LANGUAGES
from stages.gan.common.language import _

FOLDER = Path("course")
ANSWERS = FOLDER / "answers"
_NAME = re.compile(r"([1-9])-[a-z]+(?:-[a-z]+)*")


@dataclass(frozen=True)
class Part:
    """One part of the course; `folder` is named by its number and its name, as in 1-script."""

    number: int
    folder: Path

    @property
    def source(self) -> Path:
        """Both editions in both languages, as jupytext's percent form."""
        return self.folder / "source.py"

    @property
    def tasks(self) -> Path:
        """The tasks with their answers, in plain."""
        return self.folder / "tasks.yaml"

    @property
    def checks(self) -> Path:
        """The tasks with their answers as salted hashes, built from `tasks`."""
        return self.folder / "checks.json"

    @property
    def answers(self) -> Path:
        """The student's answers."""
        return ANSWERS / f"{self.number}.yaml"

    @property
    def record(self) -> Path:
        """What the last check on the student's machine found."""
        return ANSWERS / f"{self.number}.checked.json"

    def notebook(self, edition: str, language: str) -> Path:
        """The notebook of an edition (student or teacher) in a language (en or zh)."""
        return self.folder / f"{edition}.{language}.ipynb"

    def read_checks(self) -> dict[str, Any]:
        """The content of checks.json.

        Raises
        ------
        UserError
            If it is missing or damaged.
        """
        return read_json(self.checks, "title", "minutes", "tasks")


def every() -> list[Part]:
    """All parts, in their order.

    Raises
    ------
    UserError
        If there is no part here.
    """
    found = [
        Part(int(match[1]), path)
        for path in FOLDER.glob("*")
        if (match := _NAME.fullmatch(path.name)) and path.is_dir()
    ]
    if not found:
        raise UserError(
            _("{folder} has no part of the course: run this from the project's folder").format(
                folder=FOLDER
            )
        )
    return sorted(found, key=lambda part: part.number)


def find(number: int) -> Part:
    """The part with a number.

    Raises
    ------
    UserError
        If there is none.
    """
    parts = {part.number: part for part in every()}
    if number not in parts:
        raise UserError(
            _("the course has no part {number}: choose one of {valid}").format(
                number=number, valid=_listed(parts)
            )
        )
    return parts[number]


def answer_files() -> list[Path]:
    """The files of answers, of records, and of tables of sweeps that there are, of all parts."""
    patterns = ("[1-9].yaml", "[1-9].checked.json", "[1-9]-*.csv")
    return sorted(path for pattern in patterns for path in ANSWERS.glob(pattern))


def as_json(content: Any) -> str:
    """JSON as the built files have it: the same content always gives the same text."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _listed(parts: dict[int, Part]) -> str:
    return ", ".join(map(str, parts))
