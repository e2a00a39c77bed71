"""Reads tasks.yaml, which has the answers in plain, and makes checks.json, which hides them."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.yaml_files import read_mapping
from stages.tools.course.kinds import KINDS
from stages.tools.course.parts import Part


class Text(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid")
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Mistake(BaseModel):
    """A well-known wrong answer, and what whoever gives it should look at."""

    model_config = ConfigDict(extra="forbid")
    answer: Any
    look: Text


class Task(BaseModel):
    """One task. The fields of its kind are described in the kind's own module."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    kind: str
    look: Text
    right: Any = None
    within: float | None = Field(default=None, gt=0)
    mistakes: list[Mistake] = []
    wrong: list[Any] = []
    file: str | None = None
    key: str | None = None
    digest: str | None = None
    stage: str | None = None
    params: dict[str, Any] | None = None
    values: list[dict[str, Any]] | None = None
    settings: list[str] | None = None
    seeds: int | None = None
    failing: str | None = None
    verdict: str | None = None
    least: dict[str, float] | None = None
    ways: int | None = None


class Quick(BaseModel):
    """How a test runs the notebook in less time.

    Parameters
    ----------
    set : names of the cell that is tagged `parameters` to other values
    params : dotted names of params.yaml to other values
    unchecked : tasks whose right answer needs the notebook as it is
    skip : whether this test does not run the notebook
    """

    model_config = ConfigDict(extra="forbid")
    set: dict[str, Any] = {}
    params: dict[str, Any] = {}
    unchecked: list[str] = []
    skip: bool = False


class Tasks(BaseModel):
    """The content of tasks.yaml."""

    model_config = ConfigDict(extra="forbid")
    title: Text
    minutes: int = Field(gt=0)
    quick: Quick = Quick()
    # How the slow tests run it: by default as a student does.
    whole: Quick = Quick()
    tasks: list[Task] = Field(min_length=1)


def read(part: Part) -> Tasks:
    """The tasks of a part.

    Raises
    ------
    UserError
        If tasks.yaml is missing or wrong.
    """
    try:
        tasks = Tasks.model_validate(read_mapping(part.tasks))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{part.tasks}: {where}: {first['msg']}") from None
    names = [task.name for task in tasks.tasks]
    if len(set(names)) < len(names):
        raise UserError(_("{path}: two tasks have one name").format(path=part.tasks))
    if bad := sorted({task.kind for task in tasks.tasks} - KINDS.keys()):
        raise UserError(
            _("{path}: kind {kind!r}: choose one of {valid}").format(
                path=part.tasks, kind=bad[0], valid=", ".join(KINDS)
            )
        )
    return tasks


def checks_of(part: Part) -> dict[str, Any]:
    """The content of checks.json: what a check needs, without the answers.

    Raises
    ------
    UserError
        If a task lacks what its kind needs.
    """
    tasks = read(part)
    return {
        "title": tasks.title.model_dump(),
        "minutes": tasks.minutes,
        "tasks": [_sealed(part, task) for task in tasks.tasks],
    }


def _sealed(part: Part, task: Task) -> dict[str, Any]:
    salt = f"{part.folder.name}/{task.name}"
    given = task.model_dump(exclude_none=True)
    try:
        hidden = KINDS[task.kind].seal(given, salt)
    except (ValueError, KeyError) as error:
        raise UserError(f"{part.tasks}: {task.name}: {error}") from None
    return {"name": task.name, "kind": task.kind, "salt": salt, **hidden, "look": given["look"]}
