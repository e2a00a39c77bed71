"""How much the memory of a process grows over many steps of each loop of the pipeline.

    python -m benchmarks.memory LOOP [STEPS [SECONDS]]

LOOP is one of train, judge, critic, evaluate, pynative. The first four are the loops of the stages,
with tiny networks, so that 100,000 steps (the default) end in minutes. A step of `evaluate` is one
batch through the generator, the discriminator and the judge's network. `pynative` is for
comparison: the usual loop of a MindSpore script, whose step is not compiled.

With SECONDS it ends after that time at the latest. The first tenth of the steps is not counted:
there the steps compile, and buffers are made. The growth is that of a straight line through the
readings of the resident memory in the rest.
"""

import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from stages.gan import losses, params
from stages.gan.common import paths, runtime
from stages.gan.data.prepared import Split
from stages.gan.evaluation.judge import classifier
from stages.gan.trained.sampling import generate, logits
from stages.gan.training import assembly, preparation
from stages.gan.training.watch import watch
from stages.tools.recipe.recipes import Recipe

EVERY = 100  # steps between two readings
SHOWN = 10
_IMAGES = 400
_SHAPE = (1, 8, 8)
_TINY = {
    "mnist.train.generator.widths": [8, 12],
    "mnist.train.discriminator.widths": [12, 8],
    "mnist.train.batch_size": 8,
    "mnist.train.max_steps": None,
    "mnist.train.on_failure": "warn",
}


def _settings() -> params.Dataset:
    """The params of mnist with tiny networks."""
    content = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    applied = Recipe("tiny", "mnist", "", _TINY).applied(content)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        file.write_text(yaml.safe_dump(applied), encoding="utf-8")
        return params.load(file, "mnist")


def _data() -> Split:
    draw = np.random.default_rng(0)
    images = draw.uniform(-1, 1, (_IMAGES, *_SHAPE)).astype(np.float16)
    return Split(images, draw.standard_normal((_IMAGES, 6)).astype(np.float32), None)


def train() -> Iterator[None]:
    """The steps of the train stage, watched; after each epoch 25 images are drawn."""
    settings, data = _settings(), _data()
    players = assembly.assemble(settings, data, 10**6)
    codes = np.random.default_rng(1).standard_normal((25, 6)).astype(np.float32)
    watching = watch.begun(settings.train, data, players, codes)

    def look(step: int, row: np.ndarray) -> None:
        watching.look(step, row)

    plan = preparation.plan_of("mnist", settings.train, len(data))
    per_epoch = plan.steps_per_epoch(len(data))
    for epoch in itertools.count():
        one = replace(plan, epochs=1, first_epoch=epoch + 1, first_step=epoch * per_epoch + 1)
        for finished in players.train(data, replace(one, on_step=look)):
            watching.history.add_epoch(finished)
        players.refresh()
        generate(players.shown, codes)
        yield from itertools.repeat(None, per_epoch)


def judge() -> Iterator[None]:
    """The training steps of a judge with 10 classes."""
    network = classifier.build(_SHAPE, [4, 8], 8, 10)
    training = classifier.Training(network, classifier.cross_entropy, 1e-3)
    training.begin(10**6)
    images = _data().images.astype(np.float32)
    labels = np.arange(_IMAGES, dtype=np.int32) % 10
    for epoch in itertools.count():
        for rows in classifier.order(_IMAGES, 8, 0, epoch):
            training.step(images[rows], labels[rows])
            yield


def critic() -> Iterator[None]:
    """The training steps of a critic; after each epoch it is applied to the images set aside."""
    network = classifier.build(_SHAPE, [4, 8], 8, 1)
    training = classifier.Training(network, losses.build("bce_with_logits").term, 1e-3)
    training.begin(10**6)
    look = classifier.Look(network)
    images = _data().images.astype(np.float32)
    targets = (np.arange(_IMAGES)[:, None] % 2).astype(np.float32)
    for epoch in itertools.count():
        for rows in classifier.order(_IMAGES, 8, 0, epoch):
            training.step(images[rows], targets[rows])
            yield
        look(images[:50])


def evaluate() -> Iterator[None]:
    """Batches of 8 through all three networks, which are not compiled there."""
    players = assembly.assemble(_settings(), _data(), 10**6)
    look = classifier.Look(classifier.build(_SHAPE, [4, 8], 8, 10))
    codes = np.random.default_rng(1).standard_normal((8, 6)).astype(np.float32)
    while True:
        images = generate(players.generator, codes)
        logits(players.discriminator, images)
        look(images)
        yield


def pynative() -> Iterator[None]:
    """The usual loop of a MindSpore script: value_and_grad, then the optimizer, not compiled."""
    import mindspore as ms
    from mindspore import Tensor, nn, ops

    network = nn.SequentialCell(nn.Dense(64, 12), nn.ReLU(), nn.Dense(12, 1))
    optimizer = nn.Adam(network.trainable_params(), learning_rate=1e-3)
    images = _data().images.astype(np.float32).reshape(_IMAGES, -1)

    def objective(x: Any) -> Any:
        return ops.mean(network(x) ** 2)

    gradient = ms.value_and_grad(objective, None, optimizer.parameters)
    for index in itertools.count():
        value, gradients = gradient(Tensor(images[index % 50 * 8 :][:8]))
        optimizer(gradients)
        value.asnumpy()
        yield


LOOPS: dict[str, Callable[[], Iterator[None]]] = {
    loop.__name__: loop for loop in (train, judge, critic, evaluate, pynative)
}


def main() -> None:
    """Run one loop; print each reading, then the growth."""
    name = sys.argv[1] if sys.argv[1:] else ""
    if name not in LOOPS:
        raise SystemExit(f"loop {name!r}: choose one of {', '.join(LOOPS)}")
    total = int(sys.argv[2]) if sys.argv[2:] else 100_000
    seconds = float(sys.argv[3]) if sys.argv[3:] else float("inf")
    runtime.bound_threads()
    process = psutil.Process()
    readings = []
    began = time.perf_counter()
    for step, _ in enumerate(LOOPS[name](), 1):
        over = step == total or time.perf_counter() - began > seconds
        if step % EVERY == 0 or over:
            readings.append((step, process.memory_info().rss / 1e6))
        if over:
            break
    counted = np.array([reading for reading in readings if reading[0] >= step / 10])
    for index in np.unique(np.linspace(0, len(counted) - 1, SHOWN).astype(int)):
        print(f"{counted[index, 0]:>8,.0f} steps  {counted[index, 1]:7.1f} MB")
    slope = np.polyfit(counted[:, 0], counted[:, 1], 1)[0]
    print(
        f"{name}: {slope * 1000:.4f} KB a step, so {slope * 100_000:.1f} MB in 100,000 steps; "
        f"measured over {step:,} steps in {time.perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
