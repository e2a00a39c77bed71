"""Params and data of a training run that is over in a moment."""

import numpy as np

from stages.gan.data.prepared import Split
from stages.gan.params import Dataset
from stages.gan.trained.checkpoints import Checkpoint
from stages.gan.training import assembly, preparation
from stages.gan.training.watch.quick_score import QuickScore, set_aside
from tests.helpers.data import load_params


def split(count: int = 40, size: int = 8) -> Split:
    draw = np.random.default_rng(0)
    images = draw.uniform(-1, 1, (count, 1, size, size)).astype(np.float16)
    return Split(images, draw.standard_normal((count, 6)).astype(np.float32), None)


SMALL = {"mnist__train__generator__widths": [8, 12], "mnist__train__discriminator__widths": [12, 8]}


def small(tmp_path, **changes):
    named = {f"mnist__train__{name}": value for name, value in changes.items()}
    return load_params(tmp_path, "mnist", **SMALL, mnist__train__batch_size=8, **named)


def set_up(params: Dataset, start: Checkpoint | None = None) -> preparation.Setup:
    """What `preparation.prepare` would give for these params and the data of `split`."""
    data, quick = split(), None
    if params.train.quick_score:
        data, aside = set_aside(data, params.train.quick_score, params.train.seed)
        quick = QuickScore(aside, 6, params.train.seed)
    plan = preparation.plan_of("mnist", params.train, len(data), start)
    total = plan.total_steps(len(data))
    last_step = plan.first_step - 1 + total
    return preparation.Setup(
        dataset="mnist",
        params=params,
        data=data,
        start=start,
        plan=plan,
        total=total,
        last_step=last_step,
        players=assembly.assemble(params, data, last_step, start),
        quick=quick,
        codes=np.random.default_rng(3).standard_normal((25, 6)).astype(np.float32),
        fingerprint="0" * 64,
    )
