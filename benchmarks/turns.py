"""Processes that take turns, so that a slow moment of the machine meets all of them."""

import json
import signal
import subprocess
from collections.abc import Mapping


class Child:
    """A process that runs steps when asked to, and is stopped while others work.

    Stopped by the system: threads that wait by spinning (MindSpore's, OpenMP's) would otherwise
    slow the others down, by up to a half.

    Parameters
    ----------
    name : str
    command : list of str
        Of a program that writes a JSON line with `first_step` when it is ready, and for each
        number that it reads one with the `times` of so many steps, in seconds.
    environment : mapping
    """

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.times: list[float] = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self.first_step = self._answer()["first_step"]
        self.process.send_signal(signal.SIGSTOP)

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with exit code {self.process.wait()}")
        return json.loads(line)

    def run(self, steps: int) -> list[float]:
        """Run so many steps; their wall times in seconds."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        times = self._answer()["times"]
        self.process.send_signal(signal.SIGSTOP)
        return times

    def end(self) -> None:
        """Let the process go."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()
