"""The stages of the pipeline, and the commands around them.

Ctrl-C during MindSpore's import may end in a fatal error of Python. So the signals that ask a
command to end are blocked while it imports its modules; `command` lets them in afterwards. Windows
blocks none: there they are noted.

Imports make hundreds of thousands of objects that stay, and the search for garbage among them is in
vain. So it is off meanwhile, and `command` turns it on again, as
`tools.dvc.attached` does.
"""

# The part of `signal` that is built in: a Ctrl-C during the import of the rest, which takes a
# thousandth of a second, would end in a traceback.
import _signal  # type: ignore[import-not-found]
import gc
import sys

# The third is of a terminal that is closed, the fourth the same on Windows.
ENDING = tuple(
    getattr(_signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(_signal, name)
)
# Those that came while modules were imported, where they cannot be blocked.
noted: list[int] = []


def note(number: int, _frame: object) -> None:
    """The handler of these signals meanwhile."""
    noted.append(number)


if any(
    option == "-m" and f"{name}.".startswith(f"{__name__}.")
    for option, name in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
):
    gc.disable()
    if hasattr(_signal, "pthread_sigmask"):
        _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
    else:
        for _number in ENDING:
            if _signal.getsignal(_number) is not _signal.SIG_IGN:
                _signal.signal(_number, note)
