"""How fast a training step is: ours, the lecture's, and PyTorch's, in one interleaved run.

    make bench              three runs, about 25 minutes
    make bench QUICK=1      one short run, about 5 minutes
    make bench ONLY=company that part alone: beside busy processes, two trainings at once

Writes results.json and speed.png beside this folder; docs/performance.md explains them.
"""

import os

# As it is before MindSpore is imported, which puts its own libraries into LD_LIBRARY_PATH:
# PyTorch, started with that, takes twice as long.
ENVIRONMENT = dict(os.environ)
