"""All of the lecture's questions on MNIST in one table and one picture, for docs/experiments.md.

    python -m benchmarks.questions table     # print the finished ones as Markdown
    python -m benchmarks.questions picture FILE      # and their generated digits, side by side

Run in the project's folder after `make sweep` for each question, at the commit whose params are the
baseline. A value that is the baseline's own has the baseline's row.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from PIL import Image, ImageDraw

from stages.gan.common import paths
from stages.gan.common.yaml_files import as_yaml, flat
from stages.tools.compare.runs import OF_NO_EFFECT
from stages.tools.dvc.revisions import Revision
from stages.tools.sweep import definitions as sweeps

# In the order of docs/experiments.md.
NAMES = ("learning_rate", "batch_size", "latent_size", "beta1", "loss", "widths", "activation")
COLUMNS = ("setting", "verdict", "D", "away", "G", "away", "D right", "diversity")


def baseline() -> dict[str, Any]:
    """The params of the commit, dotted names to values, below mnist."""
    return flat(yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["mnist"])


def changes(setting: dict[str, Any]) -> dict[str, Any]:
    """Those of a setting that differ from the baseline."""
    base = baseline()
    return {key: value for key, value in setting.items() if base[key] != value}


def questions() -> dict[str, list[dict[str, Any]]]:
    """What is asked, and the settings that answer it: the sweeps of the lecture's questions."""
    return {
        each.about: [dict(setting) for setting in each.settings.values()]
        for each in map(sweeps.load, NAMES)
    }


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


def answer(setting: dict[str, Any], found: dict[str, dict[str, Any]]) -> str | None:
    """The revision of the experiment with just these changes."""
    wanted = changes(setting)
    if not wanted:
        return "HEAD"
    base = baseline()
    for revision, data in found.items():
        params = flat(data["params"]["params.yaml"]["data"]["mnist"])
        changed = {key for key in base if params.get(key) != base[key]} - set(OF_NO_EFFECT)
        if {key: params[key] for key in changed} == wanted:
            return revision
    return None


def table() -> None:
    """Print a table for each question."""
    found = experiments()
    for question, settings in questions().items():
        print(f"\n### {question}\n\n| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
        for setting in settings:
            revision = answer(setting, found)
            name = ", ".join(as_yaml(value) for value in setting.values())
            if revision is None:
                print(f"| {name} | (not finished) |" + " |" * (len(COLUMNS) - 2))
                continue
            metrics = found[revision]["metrics"]
            train = metrics["metrics/mnist/train.json"]["data"]
            held_out = metrics["metrics/mnist/scores.json"]["data"]
            d, g = held_out["bce"]["discriminator"], held_out["bce"]["generator"]
            diversity = train["diversity"] / train["real_diversity"]
            cells = [
                name,
                train["verdict"],
                f"{d['value']:.3f}",
                f"{d['distance']:.3f}",
                f"{g['value']:.3f}",
                f"{g['distance']:.3f}",
                f"{held_out['accuracy']:.1%}",
                f"{diversity:.2f}",
            ]
            print(f"| {' | '.join(cells)} |")


def picture(target: Path) -> None:
    """Paste the generated digits of all settings into one picture, a row a question."""
    found = experiments()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for settings in questions().values():
            row = []
            for setting in settings:
                revision = answer(setting, found)
                if revision:
                    file = Path(folder) / f"{len(rows)}-{len(row)}.png"
                    source = "reports/mnist/evaluation/generated.png"
                    command = ["dvc", "get", ".", source, "--rev", revision, "-o", str(file), "-q"]
                    subprocess.run(command, check=True)
                    name = ", ".join(as_yaml(value) for value in setting.values())
                    row.append((name, Image.open(file).convert("L")))
            rows.append(row)
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
