"""Matplotlib as it is by itself: no setting of a user changes a byte of a picture."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = {"MPLBACKEND": "Agg", "MATPLOTLIBRC": os.devnull}


@contextmanager
def plain() -> Iterator[None]:
    """Import matplotlib in this block: with its own defaults, and with the backend Agg.

    Matplotlib reads settings at its import: from a file matplotlibrc in the working folder, else
    from the file of MATPLOTLIBRC, else from one in the home folder. MPLBACKEND names the backend.
    The import fails if there is no such backend, as with that of a notebook.
    """
    before = {name: os.environ.get(name) for name in _OURS}
    # An empty file of settings: one in the home folder may be broken. One in the working folder is
    # read nevertheless, so its values are replaced.
    os.environ.update(_OURS)
    try:
        import matplotlib

        matplotlib.rcParams.update(matplotlib.rcParamsDefault)
        matplotlib.use("Agg")
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
