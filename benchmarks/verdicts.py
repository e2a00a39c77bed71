"""What the diagnosis says of runs that are healthy and of runs that are broken on purpose.

    python -m benchmarks.verdicts MNIST FACES OUTPUT [RUN ...]

MNIST and FACES are folders of prepared data (data/mnist/prepared). Each run's verdict goes as a
row of a Markdown table to the terminal, its history to OUTPUT/<run>.npy and its digits or faces
to OUTPUT/<run>.png. A run ends when it is told to have failed, as with on_failure: stop.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor, ops
from numpy.typing import NDArray

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from benchmarks import lecture
from stages.gan import params
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.trained import grids
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly, preparation
from stages.gan.training.assembly import Assembly
from stages.gan.training.watch import watch
from stages.gan.training.watch.verdicts import Verdict


def keep(data: prepared.Split) -> prepared.Split:
    """The data as they are."""
    return data


def not_normalised(data: prepared.Split) -> prepared.Split:
    """Images as 8-bit levels, 0 to 255."""
    return replace(data, images=(data.images[:].astype(np.float32) + 1) * 127.5)


def scaled_to_half(data: prepared.Split) -> prepared.Split:
    """Images in [0, 1] against a generator that draws in [-1, 1], as in MindSpore's tutorial."""
    return replace(data, images=((data.images[:].astype(np.float32) + 1) / 2).astype(np.float16))


def one_image(data: prepared.Split) -> prepared.Split:
    """The first image so many times."""
    return replace(data, images=np.repeat(data.images[:1], len(data), axis=0))


def nothing(players: Assembly, step: int) -> None:
    """Leave the run alone."""


def inject_nan(players: Assembly, step: int) -> None:
    """After step 100 a weight of G is no number."""
    if step == 100:
        _spoil(players.generator.trainable_params()[0])


def inject_hidden_nan(players: Assembly, step: int) -> None:
    """After step 100 a weight of D's first layer is no number; a ReLU behind it hides that."""
    if step == 100:
        _spoil(players.discriminator.trainable_params()[0])


def inject_nan_statistic(players: Assembly, step: int) -> None:
    """After step 100 a running variance of G's batch norm is no number; training never reads it."""
    if step == 100:
        found = [p for p in players.generator.get_parameters() if not p.requires_grad]
        _spoil(found[-1])


def _spoil(weight: Parameter) -> None:
    values = weight.asnumpy().copy()
    values.flat[0] = np.nan
    ops.assign(weight, Tensor(values))


@dataclass(frozen=True)
class Run:
    """What is changed of a data set's params, its data, or on the way; and for how long.

    `healthy` is None of a run that is to find out.
    """

    healthy: bool | None
    steps: int = 1000
    dataset: str = "mnist"
    changes: dict[str, Any] = field(default_factory=dict)
    data: Callable[[prepared.Split], prepared.Split] = keep
    on_step: Callable[[Assembly, int], None] = nothing


# What could drive the DCGAN where the lecture's run went.
_TRIED_ON_FACES: dict[str, dict[str, Any]] = {
    "rate 0.01": {"changes": {"learning_rate": 0.01}},
    "rate 0.005": {"changes": {"learning_rate": 0.005}},
    "rate 0.002": {"changes": {"learning_rate": 0.002}},
    "rate 0.001": {"changes": {"learning_rate": 0.001}},
    "rate 0.01 of D alone": {"changes": {"discriminator_learning_rate": 0.01}},
    "rate 0.01 of G alone": {
        "changes": {"learning_rate": 0.01, "discriminator_learning_rate": 0.0002}
    },
    "rate 0.01 on logits": {"changes": {"learning_rate": 0.01, "loss": "bce_with_logits"}},
    "rate 0.01, D without batch norm": {
        "changes": {"learning_rate": 0.01, "discriminator.batch_norm": False}
    },
    "D without batch norm": {"changes": {"discriminator.batch_norm": False}},
    "momentum 0.9": {"changes": {"beta1": 0.9}},
    "images in [0, 1]": {"data": scaled_to_half},
    "images not normalised": {"data": not_normalised},
}

RUNS = {
    "the recipe": Run(True),
    "least squares": Run(True, changes={"loss": "mse"}),
    "on logits": Run(True, changes={"loss": "bce_with_logits"}),
    "hinge": Run(True, changes={"loss": "hinge"}),
    "wgan_gp, 5 steps of D": Run(
        True, steps=500, changes={"loss": "wgan_gp", "discriminator_steps": 5}
    ),
    "rpgan": Run(True, changes={"loss": "rpgan"}),
    "rpgan, R1 and R2": Run(True, steps=800, changes={"loss": "rpgan", "r1": 1.0, "r2": 1.0}),
    "R1": Run(True, steps=800, changes={"r1": 1.0}),
    "spectral norm": Run(True, changes={"discriminator.spectral_norm": True}),
    "EMA, cosine, noise": Run(
        True, changes={"ema": 0.99, "schedule.kind": "cosine", "instance_noise": 0.1}
    ),
    "D twice as fast": Run(True, changes={"discriminator_learning_rate": 0.0004}),
    "SGD": Run(True, changes={"optimizer": "sgd", "learning_rate": 0.05}),
    "smoothed labels": Run(True, changes={"loss_options.label_smoothing": 0.1}),
    "the DCGAN's recipe": Run(True, steps=300, dataset="faces"),
    "the same with rpgan": Run(None, steps=300, dataset="faces", changes={"loss": "rpgan"}),
    "rate 50 times too large": Run(False, changes={"learning_rate": 0.01}),
    "the same on logits": Run(False, changes={"learning_rate": 0.01, "loss": "bce_with_logits"}),
    "images not normalised": Run(False, data=not_normalised),
    "images in [0, 1]": Run(False, data=scaled_to_half),
    "D far too strong": Run(
        False,
        changes={
            "learning_rate": 0.00001,
            "discriminator_learning_rate": 0.002,
            "discriminator_steps": 5,
        },
    ),
    "D far too strong, rpgan": Run(
        False,
        changes={
            "loss": "rpgan",
            "learning_rate": 0.00001,
            "discriminator_learning_rate": 0.002,
            "discriminator_steps": 5,
        },
    ),
    "G without nonlinearity": Run(False, changes={"generator.activation": "none"}),
    "one image": Run(False, data=one_image),
    "NaN after step 100": Run(False, on_step=inject_nan),
    "NaN in D behind a ReLU": Run(
        False, changes={"discriminator.activation": "relu"}, on_step=inject_hidden_nan
    ),
    "NaN in batch norm's statistics": Run(False, on_step=inject_nan_statistic),
    **{
        f"DCGAN, {name}": Run(None, steps=100, dataset="faces", **changes)
        for name, changes in _TRIED_ON_FACES.items()
    },
}


class Failed(Exception):
    """Carries the fatal verdict out of the loop."""


def settings_of(run: Run) -> params.Dataset:
    """The lecture's params with the run's changes."""
    return lecture.settings(run.dataset, {"max_steps": run.steps, **run.changes})


@dataclass(frozen=True)
class Trained:
    """A run at its end: its networks, its watch and what that concluded.

    `codes` are the fixed latent codes (25, latent_size), and `seconds` a step's mean duration.
    """

    settings: params.Dataset
    players: Assembly
    codes: NDArray[np.float32]
    watching: watch.Watch
    verdict: Verdict
    seconds: float


def train(
    settings: params.Dataset,
    dataset: str,
    data: prepared.Split,
    on_step: Callable[[Assembly, int], None] = nothing,
    stops: bool = True,
) -> Trained:
    """Train watched, as the stage does; with `stops` up to the first verdict of a failure."""
    plan = preparation.plan_of(dataset, settings.train, len(data))
    players = assembly.assemble(settings, data, plan.total_steps(len(data)))
    draw = stream(settings.train.grid_seed, "fixed latents")
    codes = latent_codes(draw, grids.COUNT, data.latents.shape[1])
    watching = watch.begun(settings.train, data, players, codes)

    def look(step: int, row: NDArray[np.float32]) -> None:
        verdict = watching.look(step, row)
        if verdict and stops:
            raise Failed(verdict)
        on_step(players, step)

    began = time.monotonic()
    try:
        for _ in players.train(data, replace(plan, on_step=look)):
            pass
        verdict = watching.conclusion()
    except Failed as failure:
        verdict = failure.args[0]
    seconds = (time.monotonic() - began) / len(watching.history.measures)
    players.refresh()
    return Trained(settings, players, codes, watching, verdict, seconds)


def diagnose(name: str, run: Run, data: prepared.Split, output: Path) -> Verdict:
    """Train as the run says, and keep its history and its last pictures; its verdict."""
    made = train(settings_of(run), run.dataset, run.data(data), run.on_step)
    file = name.replace(" ", "-").replace(",", "")
    np.save(output / f"{file}.npy", made.watching.history.measures)
    grids.grid(generate(made.players.shown, made.codes)).save(output / f"{file}.png")
    return made.verdict


def main() -> None:
    """Print the table."""
    folders = {"mnist": Path(sys.argv[1]), "faces": Path(sys.argv[2])}
    output = Path(sys.argv[3])
    output.mkdir(parents=True, exist_ok=True)
    print(
        "| run | | verdict | told at step | since | stopped | seen |\n|---|---|---|---|---|---|---|"
    )
    for name in sys.argv[4:] or RUNS:
        run = RUNS[name]
        data = prepared.load(folders[run.dataset], "train")
        verdict = diagnose(name, run, data, output)
        cells = (
            name,
            {True: "healthy", False: "broken", None: "tried"}[run.healthy],
            verdict.name,
            verdict.step,
            verdict.since,
            "yes" if verdict.fatal else "no",
            verdict.seen,
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
