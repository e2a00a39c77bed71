"""What DVC and the stages of an experiment have printed when it ended."""

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
