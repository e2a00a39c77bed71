"""Which gap sees which: runs that are healthy, young, saturated, swinging, or have one mode.

    python -m benchmarks.game PREPARED OUTPUT [RUN ...]     measure these runs, or all
    python -m benchmarks.game --page OUTPUT docs            from what was measured: table, picture

PREPARED is a folder of prepared digits (data/mnist/prepared). Each run trains the lecture's
networks with some params changed. What was measured goes to OUTPUT/<run>.json: the gaps with errors
and floors, the eigenvalues of the game's Jacobian, and the verdict of the watch. OUTPUT/<run>.npz
has the way: the history, and all weights in 64 random directions after every tenth step. The page
is docs/equilibrium.json and docs/equilibrium.png, and a table on the terminal.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn

import stages.command  # noqa: F401  (lets MindSpore wait without spinning)
from benchmarks import verdicts
from stages.gan import networks
from stages.gan.common import runtime
from stages.gan.common.files import whole_file, write_json
from stages.gan.data import prepared
from stages.gan.evaluation.game import boards, gaps, jacobian, rules
from stages.gan.evaluation.game.responses import Budget, OfDiscriminator, Player
from stages.gan.losses.equilibrium import point
from stages.gan.pages.charts.plain_matplotlib import plain
from stages.gan.pages.charts.png import encoded
from stages.gan.params import Train
from stages.gan.trained import grids
from stages.gan.trained.checkpoints import put, values
from stages.gan.trained.sampling import generate
from stages.gan.training import assembly, preparation
from stages.gan.training.assembly import Assembly
from stages.gan.training.history import History
from stages.gan.training.loop import train
from stages.gan.training.step import measures
from stages.gan.training.watch import diagnosis

SEED = 7
STEPS = 300
SETTINGS = gaps.Settings(Budget(STEPS, 64, 0.0005), perturbation=0.01, proximity=0.1, seed=SEED)
# Other prices of D's way, and other budgets, that are tried too.
PROXIMITIES = (0.01, 0.03)
BUDGETS = (100, 600)
DIRECTIONS = 64
# The moves of ten steps whose directions are compared: so many moves apart.
APART = (1, 2, 3, 4, 5, 6)


def only_ones(data: prepared.Split) -> prepared.Split:
    """The digits 1 alone."""
    assert data.labels is not None
    rows = np.flatnonzero(data.labels[:] == 1)
    return prepared.Split(data.images[rows], data.latents[rows], data.labels[rows])


@dataclass(frozen=True)
class Run:
    """What is changed of the lecture's recipe.

    With `answered`, D learns on all digits after the training, against the fixed G, for so many
    steps: G stays where it is, and D is the best answer to it.
    """

    steps: int
    changes: dict[str, Any] = field(default_factory=dict)
    data: Callable[[prepared.Split], prepared.Split] = verdicts.keep
    answered: int = 0
    budgets: tuple[int, ...] = ()


RUNS = {
    "new networks": Run(1),
    "young": Run(100),
    "healthy": Run(1000, budgets=BUDGETS),
    "healthy, later": Run(3000),
    "D twice as fast": Run(1000, {"discriminator_learning_rate": 0.0004}),
    "saturated": Run(300, {"learning_rate": 0.01, "loss": "bce"}),
    "cycling": Run(1000, {"learning_rate": 0.01, "loss": "bce_with_logits"}),
    "one mode": Run(700, data=only_ones, answered=600),
}


class Way:
    """The weights of both networks on the way, in a few random directions."""

    def __init__(self, players: Assembly) -> None:
        self._parts = [
            [p for p in network.trainable_params()]
            for network in (players.generator, players.discriminator)
        ]
        draw = np.random.default_rng(SEED)
        self._directions = [
            draw.standard_normal((DIRECTIONS, sum(p.size for p in part)), dtype=np.float32)
            / np.float32(np.sqrt(DIRECTIONS))
            for part in self._parts
        ]
        self.steps: list[int] = []
        self.points: list[np.ndarray] = []

    def look(self, step: int) -> None:
        """Remember where both are now."""
        flat = [np.concatenate([p.asnumpy().ravel() for p in part]) for part in self._parts]
        self.steps.append(step)
        self.points.append(np.stack([d @ w for d, w in zip(self._directions, flat, strict=True)]))


def trained(run: Run, data: prepared.Split, output: Path) -> tuple[Assembly, Train, Any]:
    """Train as the run says; the players, the settings, and what was seen on the way."""
    changed = verdicts.settings_of(verdicts.Run(None, run.steps, changes=run.changes), output)
    settings = changed.train
    data = run.data(data)
    plan = preparation.plan_of("mnist", settings, len(data))
    players = assembly.assemble(changed, data, plan.total_steps(len(data)))
    diagnosed = diagnosis.of_run(settings, data, players.generator)
    codes = data.latents[:25].astype(np.float32)
    meter = measures.DiversityMeter(players.generator, codes)
    history, way = History(), Way(players)

    def on_step(step: int, row: Any) -> None:
        players.after_step(step)
        row[-1] = meter.look(step)
        history.add_step(step, row)
        if step % 10 == 0 or step == 1:
            way.look(step)

    for _ in train(players.step, data, replace(plan, on_step=on_step), players.discriminator_step):
        pass
    verdict = diagnosed.conclusion(history)
    players.refresh()
    return players, settings, (history, way, verdict)


def copies_of(players: Assembly, discriminator: dict[str, Any] | None = None) -> gaps.Copies:
    """Gives new copies of the trained pair."""
    ours = values(players.shown.get_parameters())
    theirs = discriminator or values(players.discriminator.get_parameters())

    def build() -> tuple[nn.Cell, nn.Cell]:
        pair = networks.build(players.description)
        for network, stored in zip(pair, (ours, theirs), strict=True):
            put(stored, network.get_parameters())
            network.set_train(False)
        return pair

    return build


def answered(copies: gaps.Copies, losses: gaps.Rules, board: boards.Board, steps: int) -> Any:
    """The weights of D after so many steps against the fixed G."""
    budget = Budget(steps, 64, 0.0005)
    generator, discriminator = copies()
    player = Player(discriminator, "answer", budget)
    response = OfDiscriminator(player, losses.found, losses.measured, budget)
    response.search(board, generator, player.weights(), np.random.default_rng(SEED))
    return player.weights()


def measure(name: str, folder: Path, output: Path) -> Iterator[dict[str, Any]]:
    """Train, and measure the pair: first as is shipped, then with other prices and budgets."""
    run = RUNS[name]
    known, held_out = (prepared.load(folder, split) for split in prepared.SPLITS)
    began = time.monotonic()
    players, settings, (history, way, verdict) = trained(run, known, output)
    print(f"{name}: trained in {time.monotonic() - began:.0f} s, {verdict.name}", flush=True)
    losses = gaps.Rules(rules.found_by(settings), rules.measured(settings))
    sets = known.images, held_out.images
    board = boards.of_pair(*sets, players.description.latent_size, len(held_out), SEED)
    copies = copies_of(players)
    if run.answered:
        copies = copies_of(players, answered(copies, losses, board, run.answered))
    began = time.monotonic()
    found = gaps.measure(copies, losses, board, SETTINGS)
    at = point(losses.measured)
    equal = boards.of_equilibrium(*sets, len(held_out), SEED)
    floors = gaps.floor(copies, losses, equal, at.logit if at else 0.0, SETTINGS)
    print(f"{name}: gaps in {time.monotonic() - began:.0f} s", flush=True)
    grids.grid(generate(copies()[0], board.scoring.codes[:25])).save(output / f"{slug(name)}.png")
    np.savez(
        output / f"{slug(name)}.npz",
        history=history.measures,
        steps=np.array(way.steps),
        points=np.array(way.points),
    )
    result = {
        "run": {"steps": run.steps, "changes": run.changes, "data": run.data.__name__},
        "verdict": verdict.name,
        "losses": {
            key: float(column.mean())
            for key, column in zip(measures.MEASURES[:4], history.measures[-50:, :4].T, strict=True)
        },
        "gaps": {key: found[key].against(floors[key]).to_json() for key in gaps.NAMES},
        **jacobian.turning(*copies(), losses.found, board, np.random.default_rng(SEED)),
        "way": turns(np.array(way.points)),
    }
    yield result
    best = gaps.highest(copies, losses, board, copies()[0], SETTINGS)[0]
    for price in PROXIMITIES:
        near = gaps.nearest(copies, losses, board, replace(SETTINGS, proximity=price))
        result.setdefault("proximal_by_price", {})[str(price)] = float(np.mean(best - near))
    yield result
    for steps in run.budgets:
        budget = Budget(steps, SETTINGS.budget.batch_size, SETTINGS.budget.learning_rate)
        again = gaps.measure(copies, losses, board, replace(SETTINGS, budget=budget))
        result.setdefault("by_steps", {})[str(steps)] = {
            key: each.value for key, each in again.items()
        }
        yield result


def turns(points: np.ndarray) -> dict[str, list[float]]:
    """How alike the directions of two moves are, by how far they are apart, in the second half.

    A move is that of ten steps. Moves of a pair that turns point back after half a turn, and are
    alike again after a whole one. `points` is (looks, 2, DIRECTIONS), G's and D's.
    """
    found = {}
    for name, way in zip(("generator", "discriminator"), points.swapaxes(0, 1), strict=True):
        moves = np.diff(way[len(way) // 2 :], axis=0)
        lengths = np.linalg.norm(moves, axis=1, keepdims=True)
        if len(moves) <= 2 * max(APART) or not lengths.all():
            continue
        units = moves / lengths
        found[name] = [float((units[:-k] * units[k:]).sum(axis=1).mean()) for k in APART]
    return found


def slug(name: str) -> str:
    """The name of a run's files."""
    return name.replace(",", "").replace(" ", "-")


def measured(output: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The runs that were measured, in the order of RUNS."""
    for name in RUNS:
        file = output / f"{slug(name)}.json"
        if file.exists():
            yield name, json.loads(file.read_text(encoding="utf-8"))


GAPS = {
    "discriminator_gain": "D's gain",
    "duality_gap": "duality gap",
    "perturbed_gap": "perturbed gap",
    "proximal_gap": "proximal gap",
}


_TURNS = ("share of rotation", "leading eigenvalue", "the one that turns most", "D's moves apart")


def table(found: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row for each run."""
    lines = [
        "| run | verdict | " + " | ".join([*GAPS.values(), *_TURNS]) + " |",
        "|" + "---|" * (len(GAPS) + len(_TURNS) + 2),
    ]
    for name, each in found.items():
        cells = [name, each["verdict"]]
        for key in GAPS:
            score = each["gaps"][key]
            cells.append(f"{score['value']:.2f} ± {score['error']:.2f}")
        turned = each["rotation"]
        cells.append(f"{turned['value']:.2f} ± {turned['error']:.2f}")
        turns_most = max(each["eigenvalues"], key=lambda pair: abs(pair[1]) / np.hypot(*pair))
        for real, imaginary in (each["eigenvalues"][0], turns_most):
            cells.append(f"{real:.3g} ± {abs(imaginary):.2g}i" if imaginary else f"{real:.3g}")
        cells.append(", ".join(f"{each:.2f}" for each in each["way"].get("discriminator", [])))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(found: dict[str, dict[str, Any]], file: Path) -> None:
    """Bars of each gap, a row for each run."""
    with plain():
        from matplotlib.figure import Figure
    figure = Figure(figsize=(9.0, 0.5 + 0.42 * len(found)), dpi=100, layout="constrained")
    names = list(found)
    for index, (key, title) in enumerate(GAPS.items()):
        axes = figure.add_subplot(1, len(GAPS), index + 1)
        scores = [found[name]["gaps"][key] for name in names]
        axes.barh(
            names,
            [score["value"] for score in scores],
            xerr=[2 * score["error"] for score in scores],
            color=f"C{index}",
            height=0.6,
        )
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.set_xscale("symlog", linthresh=1.0)
        axes.axvline(0.0, color="0.4", linewidth=0.8)
        axes.tick_params(labelsize=8, labelleft=index == 0)
    with whole_file(file) as scratch:
        scratch.write_bytes(encoded(figure))


def page(output: Path, docs: Path) -> None:
    """Write equilibrium.json and equilibrium.png, and print the table."""
    found = dict(measured(output))
    write_json(docs / "equilibrium.json", found)
    picture(found, docs / "equilibrium.png")
    print(table(found))


def main() -> None:
    """Measure runs, or write the page."""
    if sys.argv[1] == "--page":
        page(*map(Path, sys.argv[2:4]))
        return
    runtime.bound_threads()
    folder, output = map(Path, sys.argv[1:3])
    output.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:] or RUNS:
        for result in measure(name, folder, output):
            write_json(output / f"{slug(name)}.json", result)


if __name__ == "__main__":
    main()
