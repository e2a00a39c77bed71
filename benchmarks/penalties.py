"""What the penalties R1 and R2 cost and do, exactly and by differences, with the loss rpgan.

    python -m benchmarks.penalties DATA OUTPUT [--steps 3000] [--network mlp] [--gamma 1.0]

DATA is a data set's folder with prepared data and a judge (data/mnist). Every run trains small
networks on the same images and codes. The runs take turns, in blocks of steps, so that the machine
is as busy for one as for the other. Prints a table in Markdown:

    ms a step        median over blocks of the mean time of a step
    D, G             both losses, means over the last 300 steps; ln 2 each at equilibrium
    |grad D|^2       at held-out real and at generated images, exactly, at the end
    Frechet, recall  by the judge, of the moving average's images

and writes OUTPUT/<run>.npy, each step's losses and answers, and OUTPUT/curve.png, the losses of the
run with both penalties.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from numpy.typing import NDArray

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from benchmarks import lecture
from stages.gan import networks, params
from stages.gan.common.compiled import jit, put
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.common.tensors import as_tensor
from stages.gan.data import prepared
from stages.gan.evaluation import scoring
from stages.gan.pages.charts import png
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly, preparation
from stages.gan.training.loop import inputs
from stages.gan.training.step import penalties

BLOCK = 50
LAST = 300
IMAGES = 2000
PROBED = 500
# Both networks are small: a table within minutes.
WIDTHS = {"mlp": ([128, 256, 512], [256, 128]), "dcgan": ([64, 32], [32, 64])}


def runs(gamma: float) -> dict[str, dict[str, Any]]:
    """The changes of each run."""
    both = {"r1": gamma, "r2": gamma}
    return {
        "none": {},
        "R1, exact": {"r1": gamma},
        "R1 + R2, exact": both,
        "R1 + R2, difference, sigma 0.01": {**both, "penalty.kind": "difference"},
        "R1 + R2, difference, sigma 0.1": {
            **both,
            "penalty.kind": "difference",
            "penalty.sigma": 0.1,
        },
        "R1 + R2, exact, burn-in": {**both, "burn_in.penalty": 0.1, "burn_in.beta2": 0.99},
        "none, extragradient": {"extragradient": "past"},
        "none, lookahead": {"lookahead.every": 5},
    }


@dataclass
class Run:
    """One run on its way."""

    players: assembly.Assembly
    turns: Iterator[None]
    measures: list[list[float]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def settings_of(dataset: str, network: str, changes: dict[str, Any], steps: int) -> params.Dataset:
    """The lecture's params with small networks, rpgan and the run's changes."""
    of_g, of_d = WIDTHS[network]
    small = {
        "generator.widths": of_g, "discriminator.widths": of_d, "discriminator.batch_norm": False,
        "loss": "rpgan", "batch_size": 64, "learning_rate": 0.0005, "latents": "fresh", "ema": 0.99,
        "beta2": 0.9 if "burn_in.beta2" in changes else 0.999, "max_steps": steps,
    }  # fmt: skip
    return lecture.settings(dataset, {**small, **changes}, network)


def begin(settings: params.Dataset, data: prepared.Split, dataset: str) -> Run:
    """A run before its first step."""
    plan = preparation.plan_of(dataset, settings.train, len(data))
    total = plan.total_steps(len(data))
    players = assembly.assemble(settings, data, total, watched=False)
    order = np.concatenate(
        [stream(1, "order", epoch).permutation(len(data)) for epoch in range(settings.train.epochs)]
    )

    def turns() -> Iterator[None]:
        for step in range(1, total + 1):
            rows = order[(step - 1) * plan.batch_size : step * plan.batch_size]
            codes = latent_codes(stream(1, "fresh latents", step), len(rows), data.latents.shape[1])
            ((given, named),) = inputs(data, rows, codes, plan, step, total)
            named.pop("due", None)
            began = time.perf_counter()
            run.measures.append([value.asnumpy().item() for value in players.step(*given, **named)])
            players.after_step(step)
            run.times.append(time.perf_counter() - began)
            yield

    run = Run(players, turns())
    return run


def slopes(run: Run) -> Callable[[NDArray[np.float32]], float]:
    """The mean of |grad D|^2 at images, by a copy of D that differentiates twice."""
    description = run.players.description
    _, copy = networks.build(description, twice_differentiable=True)
    for own, theirs in zip(
        copy.get_parameters(), run.players.discriminator.get_parameters(), strict=True
    ):
        put(own, theirs.asnumpy())
    norms = penalties.squared_gradient_norms(copy)

    def call(images):
        return norms(images)

    compiled = jit(call, copy)
    return lambda images: float(compiled(as_tensor(images)).asnumpy().mean())


def main() -> None:
    """Train all runs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--network", choices=sorted(WIDTHS), default="mlp")
    parser.add_argument("--gamma", type=float, default=1.0)
    parser.add_argument("--only", nargs="*", default=[], help="names of runs; all if none")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    dataset = arguments.data.name
    known, held_out = (
        prepared.load(arguments.data / "prepared", split) for split in ("train", "test")
    )
    begun = {
        name: begin(
            settings_of(dataset, arguments.network, changes, arguments.steps), known, dataset
        )
        for name, changes in runs(arguments.gamma).items()
        if not arguments.only or name in arguments.only
    }
    for _block in range(0, arguments.steps, BLOCK):
        for run in begun.values():
            for _step in range(BLOCK):
                next(run.turns, None)
    codes = latent_codes(stream(2, "evaluation latents"), IMAGES, known.latents.shape[1])
    real = held_out.batch(np.arange(PROBED))
    print("| penalty | ms a step | D | G | D(x) | at real | at generated | Frechet | recall |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, run in begun.items():
        measured = np.array(run.measures)
        np.save(arguments.output / f"{name}.npy", measured.astype(np.float32))
        # The first block has the compilation.
        blocks = np.array(run.times[BLOCK:]).reshape(-1, BLOCK).mean(axis=1)
        d_loss, g_loss, answer, _ = measured[-LAST:].mean(axis=0)
        length = slopes(run)
        run.players.refresh()
        shown = generate(run.players.shown, codes)
        own = generate(run.players.generator, codes[:PROBED])
        settings = lecture.settings(dataset).evaluate.model_copy(update={"samples": IMAGES})
        found = scoring.quality(known, held_out, arguments.data / "judge", shown, settings)
        print(
            f"| {name} | {1000 * np.median(blocks):.2f} | {d_loss:.3f} | {g_loss:.3f} "
            f"| {answer:.3f} | {length(real):.3g} | {length(own):.3g} "
            f"| {found['frechet_distance']['value']:.2f} | {found['recall']['value']:.3f} |",
            flush=True,
        )
    last = next(reversed(begun.values()))
    rows = np.array(last.measures)
    width = max(1, len(rows) // 150)
    means = rows[: len(rows) // width * width].reshape(-1, width, rows.shape[1]).mean(axis=1)
    picture = png.curves(
        [width * (index + 1) for index in range(len(means))],
        {"D": means[:, 0].tolist(), "G": means[:, 1].tolist()},
        {"ln 2, both at equilibrium": float(np.log(2.0))},
        "step",
        "loss (rpgan)",
    )
    (arguments.output / "curve.png").write_bytes(picture)


if __name__ == "__main__":
    ms.set_seed(1)
    main()
