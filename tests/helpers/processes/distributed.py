"""Jobs of several processes, and what is left of them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from stages.gan.common.processes import is_alive
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
        end = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < end, self.text
            assert self.process.poll() is None, self.text
            time.sleep(0.05)
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
        end = time.monotonic() + 60
        while left := [name for name, one in self.members.items() if is_alive(one)]:
            assert time.monotonic() < end, f"{left} are still there"
            time.sleep(0.05)
        return code
