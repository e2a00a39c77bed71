"""What a notebook of the course imports: it finds the project, and writes and checks answers."""

import os
import shlex
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from stages.gan.common import runtime
from stages.gan.common.errors import UserError
from stages.gan.common.language import VARIABLE, _
from stages.tools.course import checking, parts
from stages.tools.course.parts import Part
from stages.tools.course.places import Project


class Session:
    """One notebook at work on a part of the course, in a language."""

    def __init__(self, part: Part, language: str) -> None:
        self.part, self.language = part, language

    def answer(self, name: str, value: object = None) -> None:
        """Write an answer into the student's file, check it, and print what was found.

        A task that needs no answer is checked without a value. `...`, which stands where the
        student's code should be, is no answer.

        Raises
        ------
        UserError
            If the part has no such task.
        """
        tasks = {task["name"]: task for task in self.part.read_checks()["tasks"]}
        if name not in tasks:
            raise UserError(
                _("part {number} has no task {task!r}: {valid}").format(
                    number=self.part.number, task=name, valid=", ".join(tasks)
                )
            )
        if value is not ... and value is not None:
            checking.write_answer(self.part, name, plain(value))
        answers = {} if value is ... else checking.read_answers(self.part, Project())
        outcome = checking.check_task(tasks[name], answers, Project())
        print(outcome.line(name))

    def run(self, command: str, ok: Collection[int] = (0,)) -> str:
        """Run a command in the project's folder, and show what it prints as it comes.

        Returns
        -------
        str
            All that it printed.

        Raises
        ------
        RuntimeError
            If it ends with an exit code that is not in `ok`.
        """
        found = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        printed = []
        with subprocess.Popen(
            shlex.split(command),
            # Windows would take the encoding of its own language.
            env={**os.environ, "PATH": found, "PYTHONIOENCODING": "utf-8:backslashreplace"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="")
                printed.append(line)
        if process.returncode not in ok:
            raise RuntimeError(
                _("`{command}` ended with exit code {code}").format(
                    command=command, code=process.returncode
                )
            )
        return "".join(printed)


def begin(number: int, language: str) -> Session:
    """Enter the project's folder from the notebook's, and begin a part in a language.

    Raises
    ------
    UserError
        If the notebook does not lie in a copy of the project.
    """
    os.environ[VARIABLE] = language  # of this process and of the commands that it runs
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / parts.FOLDER).is_dir():
            os.chdir(folder)
            # As the commands do, before MindSpore is imported: it shows only errors, and its
            # main thread sleeps while others compute.
            os.environ.setdefault("GLOG_v", "3")
            runtime.wait_without_spinning()
            runtime.compile_anew()
            return Session(parts.find(number), language)
    raise UserError(
        _("{folder} is in no copy of the project: open the notebook where it was").format(
            folder=here
        )
    )


def plain(value: object) -> object:
    """A value as YAML has it: NumPy's and MindSpore's numbers become Python's.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.float32(0.5)), plain(np.array(["A", "C"])), plain(("A", "C")), plain(Path("a"))
    (0.5, ['A', 'C'], ['A', 'C'], 'a')
    """
    if hasattr(value, "asnumpy"):
        value = value.asnumpy()
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple | set):
        return [plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str) else str(value)
