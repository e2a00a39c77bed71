"""The stages of the pipeline, and the commands around them.

A command that is asked to end while its modules are still being imported hears of it when it has
begun: MindSpore's import, cut off by Ctrl-C, may end in a fatal error of Python. See `command`,
which lets the signals in.
"""

import signal
import sys

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

if any(
    option == "-m" and f"{name}.".startswith(f"{__name__}.")
    for option, name in zip(sys.orig_argv, sys.orig_argv[1:], strict=False)
):
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
