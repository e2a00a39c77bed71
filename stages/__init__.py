"""The stages of the pipeline, and the commands around them.

Ctrl-C during MindSpore's import may end in a fatal error of Python. So the signals that ask a
command to end are blocked while it imports its modules; `command` lets them in afterwards.
"""

import signal
import sys

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

if any(
    option == "-m" and f"{name}.".startswith(f"{__name__}.")
    for option, name in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
):
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
