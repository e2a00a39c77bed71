"""Runs one of DVC's commands; it ends when the process that started it has ended.

    python -m stages.tools.dvc.attached NUMBER COMMAND [ARGUMENT ...]

NUMBER is that of the process that started it. Otherwise DVC would run on unseen, and another DVC
would be started beside it. A stage notices that its DVC is gone, saves and ends.

Private module of DVC: `dvc.cli` has its main function; `python -m dvc` calls it, too.
"""

import gc
import os
import signal
import sys
import threading
import time
from contextlib import suppress

import psutil

from stages import ENDING
from stages.gan.common.processes import is_alive

_PAUSE = 0.25


def main() -> int:
    """Run the command; the exit code is DVC's."""
    number, *arguments = sys.argv[1:]
    if hasattr(signal, "pthread_sigmask"):  # not on Windows, where nothing was blocked
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    end_with(int(number))
    from dvc.cli import main as dvc

    gc.freeze()  # see the package's own file
    gc.enable()
    return dvc(arguments)


def end_with(number: int) -> None:
    """From now on, end this process at once when its parent with this number has ended."""
    try:
        parent = psutil.Process(number)
    except psutil.NoSuchProcess:
        os._exit(1)
    if starter() != number:  # the parent has ended, and another process has its number
        os._exit(1)

    def watch() -> None:
        while is_alive(parent):
            time.sleep(_PAUSE)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end-with-parent").start()


def starter() -> int:
    """The number of the process that started this one; 0 if it is not known any more."""
    if os.name != "nt":
        return os.getppid()
    own = psutil.Process()
    with suppress(psutil.Error):  # Windows may not tell of another user's process
        # The `python` of a virtual environment there starts the real one with the same arguments.
        words = own.cmdline()[1:]
        return next((each.pid for each in own.parents() if each.cmdline()[1:] != words), 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
