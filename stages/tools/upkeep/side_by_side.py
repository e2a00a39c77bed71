"""Begin a first run with the data sets side by side, each on its own cores; `dvc repro` ends it.

A training with small batches uses a second core badly. So one half of the cores trains on the last
data set. Meanwhile the other half does all the others, and then the judge of the last. Each half is
a `dvc repro` of its own, under DVC's own locks.

It does nothing unless two data sets have no results yet. Nor does it with too little memory, or if
results could have other bits: on a processor without AVX-512 a stage on one core may round
otherwise than on two, so there it needs four cores.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths, runtime
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.params import choices
from stages.tools.bundle import environment
from stages.tools.dvc.commands import ATTACHED
from stages.tools.sweep import workers
from stages.tools.sweep.runs import bound_to

_PARAMS = Path("params.yaml")
# The ends of a data set's pipeline; DVC runs what comes before.
_ENDS = ("report", "export", "play")
# Seconds for the stages to save, after Ctrl-C has reached them too.
_PATIENCE = 30.0


def main() -> None:
    """Run the command."""
    argument_parser().parse_args()
    datasets = [each for each in params.check_names(_PARAMS) if not paths.models(each).exists()]
    halves = both_halves(workers.cores())
    if len(datasets) > 1 and halves is not None and fit(datasets):
        Halves(*halves).run(datasets)


def both_halves(cores: list[int]) -> tuple[list[int], list[int]] | None:
    """The cores in two halves, or None if a half is too small to give the same bits.

    Parameters
    ----------
    cores : list of int
        Numbers of the cores that this process may use.
    """
    half = len(cores) // 2
    least = 1 if environment.vectors() == "avx512f" else runtime.THREADS
    if half < least or not hasattr(os, "sched_setaffinity"):
        return None
    return cores[:half], cores[half:]


def fit(datasets: list[str]) -> bool:
    """Whether two data sets at once have enough memory, and no training asks for more processes.

    Raises
    ------
    UserError
        If the params of one are wrong.
    """
    needed = []
    for dataset in datasets:
        content = params.load(_PARAMS, dataset)
        if content.train.distributed.workers > 1:
            return False
        needed.append(choices.network(content.kind.network).memory)
    return sum(sorted(needed)[-2:]) <= workers.memory()


class Halves:
    """Two halves of the cores, `first` and `second`, by their numbers."""

    def __init__(self, first: list[int], second: list[int]) -> None:
        self.first = first
        self.second = second
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ended = False
        self._lock = threading.Lock()

    def run(self, datasets: list[str]) -> None:
        """Train on the last data set; do the others, and its judge, meanwhile.

        Raises
        ------
        UserError
            If a stage has failed. The other half has gone on to its end.
        """
        *others, last = datasets
        say(
            _("cores {cores}: {last} is trained; cores {others}: {names}").format(
                cores=_listed(self.second),
                last=last,
                others=_listed(self.first),
                names=", ".join(others),
            )
        )
        begun, settled = threading.Event(), threading.Event()

        def listen(line: bytes) -> None:
            if f"Running stage 'train@{last}'".encode() in line:
                begun.set()
                settled.set()

        def train() -> bool:
            try:
                return self._repro(last, self.second, [f"train@{last}"], listen)
            finally:
                settled.set()

        def do_the_others() -> bool:
            done = all([self._repro(each, self.first, _targets(each)) for each in others])
            settled.wait()
            if not begun.is_set():  # its data could not be prepared
                return done
            # That stage alone: for others before it, DVC would want locks that the training holds.
            return self._repro(last, self.first, ["--single-item", f"judge@{last}"]) and done

        with ThreadPoolExecutor(2) as threads:
            try:
                tasks = [threads.submit(each) for each in (train, do_the_others)]
                succeeded = [each.result() for each in tasks]
            except BaseException as ended:
                self._end(_PATIENCE if isinstance(ended, KeyboardInterrupt) else 0.0)
                raise
        if not all(succeeded):
            raise UserError(_("a stage has failed; its message is above"))

    def _repro(
        self,
        dataset: str,
        cores: list[int],
        arguments: list[str],
        listen: Callable[[bytes], None] = lambda line: None,
    ) -> bool:
        """Run `dvc repro` on some cores; each line that it prints begins with the data set."""
        command = [*ATTACHED, str(os.getpid()), "--wait-for-lock", "repro", *arguments]
        with self._lock, bound_to(*cores):
            if self._ended:
                return False
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self._running.add(process)
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                listen(line)
                with self._lock:
                    sys.stdout.buffer.write(f"{dataset} | ".encode() + line)
                    sys.stdout.buffer.flush()
        code = process.wait()
        with self._lock:
            self._running.remove(process)
        return code == 0

    def _end(self, patience: float) -> None:
        """End both; their stages save first, so that they can resume.

        After Ctrl-C in a terminal they end by themselves. Else a stage notices that its DVC has
        ended.
        """
        with self._lock:
            self._ended = True
            running = list(self._running)
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
            process.kill()


def _targets(dataset: str) -> list[str]:
    return [f"{end}@{dataset}" for end in _ENDS]


def _listed(cores: list[int]) -> str:
    return ", ".join(map(str, cores))


if __name__ == "__main__":
    guarded(main)
