"""How fast a training step is: ours, the lecture's, and PyTorch's, in one interleaved run.

    make bench              three runs, about 25 minutes
    make bench QUICK=1      one short run, under 4 minutes

Writes results.json and speed.png beside this folder; docs/performance.md explains them.
"""
