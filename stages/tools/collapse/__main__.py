"""Run the lecture's failing training; with --fixed, also run it repaired, side by side.

It works in reports/collapse/<dataset>, and does not change the project's own results.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _, speaking, translated
from stages.gan.common.yaml_files import read_mapping
from stages.gan.params import choices
from stages.gan.training.watch import sentences
from stages.tools.collapse import page as comparison
from stages.tools.collapse.child_process import run_module
from stages.tools.recipe import recipes

# All params that decide how the run ends, but for networks and batch size. They replace those of
# params.yaml.
RECIPE: dict[str, Any] = {
    "epochs": 200,
    "max_steps": None,
    "latents": "attached",
    "discriminator_learning_rate": None,
    "schedule": {
        "kind": "constant", "warm_up_steps": 0, "decay": 0.5, "every": 1000, "final": 0.0
    },
    "optimizer": "adam",
    "beta1": 0.5,
    "beta2": 0.999,
    "weight_decay": 0.0,
    "momentum": 0.0,
    "discriminator_steps": 1,
    "instance_noise": 0.0,
    "augmentation": [],
    "r1": 0.0,
    "ema": 0.0,
    "average_snapshots": 0,
    "loss_options": {
        "reduction": "mean", "weight": 1.0, "pos_weight": 1.0, "label_smoothing": 0.0,
        "gradient_penalty": 10.0,
    },
    "seed": 1,
    "init_from": None,
    "lecture_log": True,
    "on_failure": "stop",
}  # fmt: skip
# A learning rate fifty times the recipe's: D's logits leave float32's range in the first steps.
FAILING = {"learning_rate": 0.01, "loss": "bce"}
RUNS = {
    comparison.FAILING: FAILING,
    comparison.ON_LOGITS: {**FAILING, "loss": "bce_with_logits"},
    comparison.RECOMMENDED: {"learning_rate": 0.0002, "loss": "bce_with_logits"},
}


def main() -> None:
    """Parse the command line, train, and write the page."""
    parser = argument_parser()
    parser.add_argument("dataset", nargs="?", default="mnist", help=_("a key of `datasets`"))
    parser.add_argument(
        "--fixed", action="store_true", help=_("run all three, and write their page")
    )
    parser.add_argument("--source", help=_("a source of data instead of the bundled data"))
    parser.add_argument("--steps", type=int, help=_("the steps of each of the three runs"))
    arguments = parser.parse_args()
    dataset = arguments.dataset
    settings = params.load(paths.PARAMS, dataset)
    source = arguments.source or settings.download.sources[-1]
    if not arguments.source and not source.startswith("bundled:"):
        raise UserError(
            _("{dataset} has no bundled data: name a source with --source").format(dataset=dataset)
        )
    if Path(source).exists():
        source = str(Path(source).resolve())
    folder = paths.collapse(dataset)
    if not arguments.fixed:
        failing = prepare(folder / "alone", dataset, source, FAILING)
        say(
            _("{dataset}: trains in {folder}; the paths below are relative to it").format(
                dataset=dataset, folder=failing
            )
        )
        stage(failing, "download", dataset)
        stage(failing, "preprocess", dataset)
        code = stage(failing, "train", dataset, check=False)
        page = failing / paths.failure(dataset)
        if not page.exists():
            raise UserError(
                _(
                    "{dataset} did not fail as the lecture's run does: the networks in "
                    "{params} differ from the lecture's"
                ).format(dataset=dataset, params=paths.PARAMS)
            )
        say(f"{dataset}: {page}")
        sys.exit(code)
    steps = arguments.steps or choices.network(settings.kind.network).collapse_steps
    finished: list[comparison.Run] = []
    for index, (name, changes) in enumerate(RUNS.items()):
        set_here = ", ".join(f"{key}={value}" for key, value in changes.items())
        say(f"{dataset}: {translated(name)}: {set_here}")
        # A failure does not stop the run: the lecture's run continued too.
        all_changes = {**changes, "max_steps": steps, "on_failure": "warn"}
        project = prepare(folder / f"run-{index + 1}", dataset, source, all_changes)
        if index == 0:
            stage(project, "download", dataset)
            stage(project, "preprocess", dataset)
        else:
            prepared = paths.prepared(dataset)
            shutil.copytree(folder / "run-1" / prepared, project / prepared)
        stage(project, "train", dataset)
        finished.append(comparison.read(project, dataset, name, changes))
    target = folder / "index.html"
    with whole_file(target) as scratch:
        with speaking(settings.language):
            text = comparison.page_of(translated(settings.report.title), finished)
        scratch.write_text(text, encoding="utf-8", newline="\n")
    for run in finished:
        told = sentences.verdict(run.verdict)
        say(f"{dataset}: {translated(run.name)}: {told['name']}, {told['seen']}")
    say(f"{dataset}: {target}")


def prepare(folder: Path, dataset: str, source: str, changes: dict[str, Any]) -> Path:
    """Make a new folder in which the stages run with changed params; an old one is removed."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    # The lecture's networks and batch size, for the data sets that it has.
    recipe = recipes.load(recipes.LECTURE).of(dataset)
    content = recipe.applied(read_mapping(paths.PARAMS))
    content[dataset]["download"]["sources"] = [source]
    content[dataset]["train"].update({**RECIPE, **changes})
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with whole_file(folder / paths.PARAMS) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")
    return folder


def stage(folder: Path, name: str, dataset: str, check: bool = True) -> int:
    """Run one stage in a folder. With `check`, its failure ends this command too."""
    code = run_module(folder, f"stages.{name}", dataset)
    if check and code:
        sys.exit(code)
    return code


if __name__ == "__main__":
    guarded(main)
