"""The stages of the pipeline, and the commands around them.

Ctrl-C during MindSpore's import may end in a fatal error of Python. So the signals that ask a
command to end are blocked while it imports its modules; `command` lets them in afterwards.
"""

# The part of `signal` that is built in: a Ctrl-C during the import of the rest, which takes a
# thousandth of a second, would end in a traceback.
import _signal  # type: ignore[import-not-found]
import sys

ENDING = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP)

if any(
    option == "-m" and f"{name}.".startswith(f"{__name__}.")
    for option, name in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
):
    _signal.pthread_sigmask(_signal.SIG_BLOCK, ENDING)
