"""Writes the built files of a part: its hidden answers and its notebooks."""

from collections.abc import Mapping
from pathlib import Path

import nbformat

from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _
from stages.tools.course import parts
from stages.tools.course.building import editions, tasks
from stages.tools.course.parts import Part
from stages.tools.dvc.git import git


def contents(part: Part, with_teacher: bool = False) -> Mapping[Path, str]:
    """The built files of a part, and their text.

    Parameters
    ----------
    part : Part
    with_teacher : bool
        Whether to build the teacher's notebooks, too. They are not kept in git.
    """
    made = editions.EDITIONS if with_teacher else (editions.STUDENT,)
    notebooks = {
        part.notebook(edition, language): editions.text_of(
            editions.notebook_of(part, edition, language)
        )
        for edition in made
        for language in parts.LANGUAGES
    }
    return {part.checks: parts.as_json(tasks.checks_of(part)), **notebooks}


def write(part: Part, with_teacher: bool = False, force: bool = False) -> list[Path]:
    """Write the built files of a part, and give their paths.

    Raises
    ------
    UserError
        If a notebook has been run or edited, and `force` is false: it may be somebody's work.
    """
    made = contents(part, with_teacher)
    for path in made:
        if not force and (was_run(path) or was_edited(path, made[path])):
            raise UserError(
                _(
                    "{path} has been run or edited, and that would be lost: copy it, or add --force"
                ).format(path=path)
            )
    for path, text in made.items():
        with whole_file(path) as scratch:
            scratch.write_text(text, encoding="utf-8", newline="\n")
    return list(made)


def was_run(path: Path) -> bool:
    """Whether a file is a notebook with a cell that has been run."""
    if path.suffix != ".ipynb" or not path.exists():
        return False
    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, ValueError, AttributeError):
        return True  # damaged: whose work it is cannot be seen
    return any(cell.get("execution_count") or cell.get("outputs") for cell in cells)


def was_edited(path: Path, built: str) -> bool:
    """Whether a notebook holds what is neither in git's last commit nor what would be built."""
    if path.suffix != ".ipynb" or not path.exists():
        return False
    if path.read_text(encoding="utf-8", errors="replace") == built:
        return False
    listed = git("ls-files", "--error-unmatch", "--", str(path))
    return (
        listed.returncode == 0 and git("diff", "--quiet", "HEAD", "--", str(path)).returncode != 0
    )
