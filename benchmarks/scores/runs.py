"""Runs, each in a folder of its own, of stages on params of their own."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.gan.common import paths
from stages.gan.common.yaml_files import read_mapping
from stages.tools.collapse.child_process import run_module
from stages.tools.recipe import recipes

ROOT = Path(__file__).parents[2]
PYTORCH = "pytorch"
_DATA = "data"


@dataclass(frozen=True)
class Run:
    """One training, and its scores; `home` is the folder of all runs."""

    home: Path
    dataset: str
    recipe: str
    length: str
    seed: int

    @classmethod
    def named(cls, home: Path, name: str) -> "Run":
        """The run of a name such as mnist:lecture:50:1."""
        try:
            dataset, recipe, length, seed = name.split(":")
            run = cls(home, dataset, recipe, length, int(seed))
            int(length.removesuffix("s"))
        except ValueError:
            raise SystemExit(f"{name}: valid is DATASET:RECIPE:LENGTH:SEED") from None
        return run

    @property
    def name(self) -> str:
        """As it is given."""
        return f"{self.dataset}:{self.recipe}:{self.length}:{self.seed}"

    @property
    def is_twin(self) -> bool:
        """Whether PyTorch trains it."""
        return self.recipe == PYTORCH or self.recipe.startswith(f"{PYTORCH}-")

    @property
    def spoken_length(self) -> str:
        """With its unit."""
        steps = self.length.removesuffix("s")
        return f"{steps} steps" if steps != self.length else f"{steps} epochs"

    @property
    def folder(self) -> Path:
        """Where it happens."""
        return self.home / self.name.replace(":", "-")

    @property
    def is_finished(self) -> bool:
        """Whether it has its scores."""
        return (self.folder / paths.metrics(self.dataset) / paths.SCORES).exists()

    def params(self) -> dict[str, Any]:
        """Those of params.yaml, with the recipe's changes, the length and the seed."""
        name = (
            recipes.LECTURE if self.recipe == PYTORCH else self.recipe.removeprefix(f"{PYTORCH}-")
        )
        recipe = recipes.load(name, ROOT / recipes.FOLDER)
        if self.dataset not in recipe.datasets:
            raise SystemExit(f"recipe {name} is one of {', '.join(recipe.datasets)}")
        recipe = recipe.of(self.dataset)
        # All runs of a data set share its data and its judge.
        own = (f"datasets.{self.dataset}.network", f"{self.dataset}.train.")
        if others := [key for key in recipe.changes if not key.startswith(own)]:
            raise SystemExit(f"recipe {name} changes {others[0]}: no score is like it")
        content = recipe.applied(read_mapping(ROOT / paths.PARAMS))
        steps = self.length.removesuffix("s")
        length = (
            {"epochs": int(steps), "max_steps": None}
            if steps == self.length
            else {"epochs": 100_000, "max_steps": int(steps)}
        )
        content[self.dataset]["train"].update(length, seed=self.seed, on_failure="warn")
        return content

    def finish(self, sources: dict[str, str]) -> None:
        """Do what is not done yet."""
        content = self.params()
        stored = self.folder / paths.PARAMS
        if stored.exists() and read_mapping(stored) != content:
            raise SystemExit(f"{self.folder} has other params than this run: remove it first")
        if self.is_finished:
            return
        data = self._data(sources)
        self.folder.mkdir(parents=True, exist_ok=True)
        link = self.folder / _DATA
        if not link.is_symlink():
            link.symlink_to(data, target_is_directory=True)
        stored.write_text(yaml.safe_dump(content, sort_keys=False))
        if not (self.folder / paths.models(self.dataset) / "final").exists():
            module = "benchmarks.scores.twin" if self.is_twin else "stages.train"
            began = time.monotonic()
            call(self.folder, module, self.dataset)
            print(f"{self.name}: trained in {time.monotonic() - began:.0f} s", flush=True)
        call(self.folder, "stages.evaluate", self.dataset)

    def _data(self, sources: dict[str, str]) -> Path:
        """The folder `data` in which the data set is prepared and judged."""
        project = self.home / f"{self.dataset}-data"
        data = project / _DATA
        if not (project / paths.judge(self.dataset)).exists():
            project.mkdir(parents=True, exist_ok=True)
            content = read_mapping(ROOT / paths.PARAMS)
            if source := sources.get(self.dataset):
                if Path(source).exists():
                    source = str(Path(source).resolve())
                content[self.dataset]["download"]["sources"] = [source]
            (project / paths.PARAMS).write_text(yaml.safe_dump(content, sort_keys=False))
            for stage in ("download", "preprocess", "judge"):
                call(project, f"stages.{stage}", self.dataset)
        return data


def call(folder: Path, module: str, dataset: str) -> None:
    """Run a module in a folder; its failure ends this run too."""
    if code := run_module(folder, module, dataset):
        raise SystemExit(code)


def finished(home: Path) -> list[Run]:
    """All runs in a folder that have their scores."""
    found = []
    for folder in sorted(home.iterdir()):
        if folder.name.endswith("-data") or not (folder / paths.PARAMS).exists():
            continue
        dataset, rest = folder.name.split("-", 1)
        recipe, length, seed = rest.rsplit("-", 2)
        run = Run(home, dataset, recipe, length, int(seed))
        if run.is_finished:
            found.append(run)
    return found
