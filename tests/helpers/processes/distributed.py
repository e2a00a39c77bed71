"""Jobs of several processes, and what is left of them."""

import os
import subprocess
import sys
from pathlib import Path

import psutil

from stages.gan.common.processes import is_alive
from tests.helpers.processes.kill import wait_until
from tests.helpers.project import Project


def of_workers(project: Project, workers: int, **changes) -> Project:
    """Set how many workers train mnist, and what else is to change."""
    params = project.params
    params["mnist"]["train"]["distributed"]["workers"] = workers
    params["mnist"]["train"].update(changes)
    project.write_params(params)
    return project


class Running:
    """A command in a session of its own, and the processes that it starts."""

    def __init__(self, project: Project, *command: str) -> None:
        folder = str(Path(sys.executable).parent)
        self.output = project.folder.parent / f"{project.folder.name}-output.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                command,
                cwd=project.folder,
                env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.members: dict[str, psutil.Process] = {}

    def wait_for(self, text: str, seconds: float = 400) -> None:
        """Until that is printed; then the job's processes are known."""

        def is_printed() -> bool:
            ended = self.process.poll() is not None
            assert text in self.text or not ended, self.text
            return text in self.text

        wait_until(is_printed, lambda: self.text, seconds)
        for process in psutil.Process(self.process.pid).children(recursive=True):
            about = process.environ()
            if about.get("MS_ROLE") == "MS_WORKER":
                self.members[f"rank {about['RANK_ID']}"] = process
            elif about.get("MS_ROLE") == "MS_SCHED":
                self.members["scheduler"] = process
            elif "mindspore.parallel.cluster" in " ".join(process.cmdline()):
                self.members["msrun"] = process
            elif "stages.train" in process.cmdline():
                self.members["stage"] = process
        self.members.setdefault("stage", psutil.Process(self.process.pid))

    @property
    def text(self) -> str:
        return self.output.read_text()

    def end(self, seconds: float = 120) -> int:
        """Wait for the command, and then for all that it had started; its exit code."""
        code = self.process.wait(seconds)

        def left() -> list[str]:
            return [name for name, one in self.members.items() if is_alive(one)]

        wait_until(lambda: not left(), lambda: f"{left()} are still there")
        return code
