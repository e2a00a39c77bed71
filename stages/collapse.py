"""Run the lecture's failing training; with --mended also the same run mended, side by side.

Nothing of the project's own results is touched: all of it happens in reports/collapse/<dataset>.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from stages.command import guarded, say
from stages.gan import comparison, params, paths
from stages.gan.errors import UserError
from stages.gan.files import whole_file

# A rate fifty times the recipe's throws D's logits out of float32's range in the first steps.
FAILING = {"learning_rate": 0.01, "loss": "bce"}
RUNS = {
    "the failing settings": FAILING,
    "the same, on logits": {**FAILING, "loss": "bce_with_logits"},
    "as recommended": {"learning_rate": 0.0002, "loss": "bce_with_logits"},
}
# Steps of each of the three runs: a minute or two of the MLP GAN, several of the DCGAN.
STEPS = {"mlp": 1000, "dcgan": 150}


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", nargs="?", default="mnist", help="a key of `datasets`")
    parser.add_argument("--mended", action="store_true", help="all three runs and their page")
    parser.add_argument("--source", help="use this source of data instead of the bundled one")
    parser.add_argument("--steps", type=int, help="of each of the three runs")
    arguments = parser.parse_args()
    dataset = arguments.dataset
    settings = params.load(paths.PARAMS, dataset)
    source = arguments.source or settings.download.sources[-1]
    if not arguments.source and not source.startswith("bundled:"):
        raise UserError(f"{dataset} has no bundled data: name a source with --source")
    if Path(source).exists():
        source = str(Path(source).resolve())
    folder = paths.collapse(dataset)
    if not arguments.mended:
        failing = prepare(folder / "alone", dataset, source, {**FAILING, "lecture_log": True})
        stage(failing, "download", dataset)
        stage(failing, "preprocess", dataset)
        code = stage(failing, "train", dataset, check=False)
        page = failing / paths.failure(dataset)
        if page.exists():
            say(f"{dataset}: {page}")
        sys.exit(code)
    steps = arguments.steps or STEPS[settings.kind.network]
    finished: list[comparison.Run] = []
    for index, (name, changes) in enumerate(RUNS.items()):
        say(f"{dataset}: {name}: {changes}")
        # To the end of all its steps, as the lecture's run went on.
        all_changes = {**changes, "max_steps": steps, "on_failure": "warn", "lecture_log": True}
        project = prepare(folder / f"run-{index + 1}", dataset, source, all_changes)
        if index == 0:
            stage(project, "download", dataset)
            stage(project, "preprocess", dataset)
        else:
            share(folder / "run-1" / "data", project / "data")
        stage(project, "train", dataset)
        finished.append(comparison.read(project, dataset, name, changes))
    target = folder / "index.html"
    with whole_file(target) as scratch:
        scratch.write_text(comparison.page_of(settings.report.title, finished), encoding="utf-8")
    for run in finished:
        say(f"{dataset}: {run.name}: {run.verdict['name']}, {run.verdict['seen']}")
    say(f"{dataset}: {target}")


def prepare(folder: Path, dataset: str, source: str, changes: dict[str, Any]) -> Path:
    """A folder in which the stages run on params of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    content = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    content[dataset]["download"]["sources"] = [source]
    content[dataset]["train"].update(changes)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with whole_file(folder / paths.PARAMS) as scratch:
        scratch.write_text(text, encoding="utf-8")
    return folder


def share(data: Path, target: Path) -> None:
    """Let a second folder use the data of the first."""
    target.unlink(missing_ok=True)
    target.symlink_to(data.resolve(), target_is_directory=True)


def stage(folder: Path, name: str, dataset: str, check: bool = True) -> int:
    """Run one stage in a folder; if it must not fail, its failure ends this run too."""
    root = str(Path(__file__).resolve().parent.parent)
    search = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH")) if part)
    code = subprocess.call(
        [sys.executable, "-m", f"stages.{name}", dataset],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search},
    )
    if check and code:
        sys.exit(code)
    return code


if __name__ == "__main__":
    guarded(main)
