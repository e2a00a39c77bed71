"""Entries of DVC's queue, and what their stages have printed."""

from dataclasses import replace
from pathlib import Path

from stages.tools.dvc import queue
from stages.tools.dvc.queue import Entry

COMMAND = "python -m stages.train mnist"
KILLED = f"""Running stage 'train@mnist':
> {COMMAND}
epoch 3: loss d 1.2 g 0.7\r
ERROR: failed to reproduce 'train@mnist': failed to run: {COMMAND}, exited with {{}}
"""
TOLD = f"""> {COMMAND}
verdict: discriminator won
verdict: diverged
error: mnist: training was stopped at step 60, because it cannot recover
{KILLED.format(1)}"""
DVC_ENDED = "epoch 3: loss\nerror: stopped by SIGTERM after step 9, and saved\n"


def entry(log: Path, **changes) -> Entry:
    """An entry that runs, or ran."""
    made = Entry("mine", "a" * 40, "b" * 40, queue.RUNNING, None, log, None, None)
    return replace(made, **changes)
