"""All of the lecture's questions on MNIST in tables and one picture, for docs/experiments.md.

    python -m benchmarks.questions table     # print the finished ones as Markdown
    python -m benchmarks.questions picture FILE      # and their generated digits, side by side

Run in the project's folder after `make sweep` for each question, at the commit whose params are the
baseline. A table has mean ± standard deviation over seeds, and what the test of
`python -m stages compare` says; the picture has the digits of each setting's first seed.
"""

import io
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from stages.gan.common import paths
from stages.gan.common.yaml_files import as_yaml, read_mapping
from stages.tools.compare import __main__ as compare
from stages.tools.compare import ranking, significance
from stages.tools.compare.groups import spread
from stages.tools.compare.runs import Run
from stages.tools.dvc import revisions
from stages.tools.dvc.revisions import Revision
from stages.tools.sweep import definitions as sweeps
from stages.tools.sweep import plan

# In the order of docs/experiments.md.
NAMES = ("learning_rate", "batch_size", "latent_size", "beta1", "loss", "widths", "activation")
DATASET = "mnist"
COLUMNS = ("setting", "verdict", "Frechet", "precision", "D", "away", "D right", "diversity")


@dataclass(frozen=True)
class Setting:
    """A setting of a sweep, the runs that finished, and the content of their scores.json."""

    name: str
    runs: Sequence[Run]
    scores: Sequence[Mapping[str, Any]]

    def each(self, value: Callable[[Mapping[str, Any]], float]) -> list[float]:
        """A value of the scores of each run."""
        return [value(scores) for scores in self.scores]


def settings_of(name: str) -> list[Setting]:
    """The settings of a sweep with their finished runs, as in its file."""
    cache, head = compare.find_cache(), revisions.head()
    sweep = sweeps.load(name)
    content = read_mapping(paths.PARAMS)
    found = []
    for label, setting in sweep.settings.items():
        planned = plan.plan(replace(sweep, settings={label: setting}), DATASET, content, {})
        names = [
            revisions.WORKSPACE
            if plan.is_in_workspace(each, DATASET)
            else plan.finished(each, DATASET, head)
            for each in planned
        ]
        there = [revisions.find(each) for each in names if each]
        file = paths.metrics(DATASET) / paths.SCORES
        found.append(
            Setting(
                ", ".join(as_yaml(value) for value in setting.values()),
                [compare.read(each, DATASET, cache) for each in there],
                [json.loads(each.content(file) or b"") for each in there],
            )
        )
    return found


def distances(name: str) -> dict[str, list[float]]:
    """D's distance from equilibrium in nats of each run: the settings of a sweep to their runs."""
    return {each.name: each.each(_distance) for each in settings_of(name) if each.runs}


def _distance(scores: Mapping[str, Any]) -> float:
    return float(scores["bce"]["discriminator"]["distance"])


def experiments() -> dict[str, dict[str, Any]]:
    """What finished: the revision to its params and metrics, the baseline under "HEAD"."""
    shown = subprocess.run(
        ["dvc", "exp", "show", "--json"], check=True, capture_output=True, text=True
    ).stdout
    found: dict[str, dict[str, Any]] = {}
    for commit in json.loads(shown):
        if commit["rev"] == "workspace":
            continue
        found["HEAD"] = commit["data"]
        for experiment in commit["experiments"] or []:
            last = experiment["revs"][-1]
            metrics = (last["data"] or {}).get("metrics") or {}
            # One that is still running, or failed, has none yet, or not all.
            if metrics and all("data" in content for content in metrics.values()):
                found[experiment["name"] or last["rev"]] = last["data"]
                _add_scores(last["rev"], metrics)
    return found


def _add_scores(commit: str, metrics: dict[str, Any]) -> None:
    """Add to an experiment's metrics what `evaluate` measured: it is in git, but no metric."""
    for path in [path for path in metrics if path.endswith("/evaluate.json")]:
        scores = Path(path).with_name(paths.SCORES)
        content = Revision(commit, commit).content(scores)
        if content is not None:
            metrics[scores.as_posix()] = {"data": json.loads(content)}


def table() -> None:
    """Print a table for each question, and which settings differ by more than chance."""
    for name in NAMES:
        print(f"\n### {sweeps.load(name).about}\n")
        print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        settings = settings_of(name)
        for setting in settings:
            print(f"| {' | '.join(_cells(setting))} |")
        frechet = [
            setting.each(lambda scores: scores["quality"]["frechet_distance"]["value"])
            for setting in settings
        ]
        logarithmic = ranking.is_logarithmic("frechet_distance", frechet)
        _print_answers("Frechet distance", settings, frechet, logarithmic)
        _print_answers(
            "D's distance", settings, [setting.each(_distance) for setting in settings], False
        )


def _cells(setting: Setting) -> list[str]:
    if not setting.runs:
        return [setting.name, "(not finished)", *[""] * (len(COLUMNS) - 2)]
    verdicts = [run.verdict for run in setting.runs]
    values = {
        "Frechet": (setting.each(lambda scores: scores["quality"]["frechet_distance"]["value"]), 1),
        "precision": (setting.each(lambda scores: scores["quality"]["precision"]["value"]), 2),
        "D": (setting.each(lambda scores: scores["bce"]["discriminator"]["value"]), 3),
        "away": (setting.each(_distance), 3),
        "D right": (setting.each(lambda scores: scores["accuracy"]), 2),
        "diversity": (
            [run.train["diversity"] / run.train["real_diversity"] for run in setting.runs],
            2,
        ),
    }
    counted = (f"{verdicts.count(each)} {each}" for each in dict.fromkeys(verdicts))
    return [setting.name, ", ".join(counted), *(_mean(*each) for each in values.values())]


def _mean(values: Sequence[float], digits: int) -> str:
    deviation = spread(values)
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if deviation is None else f"{mean} ± {deviation:.{digits}f}"


def _print_answers(
    what: str, settings: Sequence[Setting], samples: Sequence[Sequence[float]], logarithmic: bool
) -> None:
    for each in significance.compare(samples, logarithmic):
        names = f"{settings[each.left].name} and {settings[each.right].name}"
        p = "no answer" if each.p is None else f"p {each.p:.2g}"
        kind = "ratio" if logarithmic else "difference"
        print(f"- {what}, {names}: {kind} {each.difference:.3g}, {p}{', yes' * each.is_found}")


def picture(target: Path) -> None:
    """Paste the generated digits of all settings into one picture, a row a question."""
    rows = [
        [
            (setting.name, Image.open(io.BytesIO(setting.runs[0].picture)).convert("L"))
            for setting in settings_of(name)
            if setting.runs and setting.runs[0].picture
        ]
        for name in NAMES
    ]
    width, height = rows[0][0][1].size
    gap, text = 12, 16
    canvas = Image.new(
        "L",
        (max(map(len, rows)) * (width + gap), len(rows) * (height + gap + text)),
        255,
    )
    draw = ImageDraw.Draw(canvas)
    for down, row in enumerate(rows):
        for right, (name, grid) in enumerate(row):
            place = right * (width + gap), down * (height + gap + text)
            draw.text(place, name.replace("[", "").split("],")[0][:26], fill=0)
            canvas.paste(grid, (place[0], place[1] + text))
    canvas.save(target)


def main() -> None:
    """Do what the first argument says."""
    if sys.argv[1:2] == ["table"]:
        table()
    elif sys.argv[1:2] == ["picture"]:
        picture(Path(sys.argv[2]))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
