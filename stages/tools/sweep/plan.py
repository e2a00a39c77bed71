"""Plans the experiments of a sweep, and finds those that exist already."""

import functools
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.yaml_files import NO_YAML, as_yaml, flat
from stages.tools.compare.runs import OF_NO_EFFECT
from stages.tools.dvc import revisions
from stages.tools.dvc.commands import DVC
from stages.tools.dvc.revisions import Revision
from stages.tools.recipe import recipes
from stages.tools.sweep.definitions import SEED, Sweep, place


@dataclass(frozen=True)
class Planned:
    """An experiment that a sweep needs.

    Parameters
    ----------
    name : str
        The name that it gets.
    content : the content of its params.yaml
    changes : dotted names of params.yaml to values that differ from the workspace
    about : str
        The setting, as it is printed.
    outcome : the validated params that can change the result
    """

    name: str
    content: Mapping[str, Any]
    changes: Mapping[str, Any]
    about: str
    outcome: Mapping[str, Any]

    @property
    def options(self) -> list[str]:
        """The options of `dvc exp run` that set its params."""
        return [f"--set-param={name}={as_yaml(value)}" for name, value in self.changes.items()]


def plan(
    sweep: Sweep, dataset: str, content: Mapping[str, Any], own: Mapping[str, Any]
) -> list[Planned]:
    """The experiments that a sweep needs for a data set: one for each setting and seed.

    All settings come with the first seed, then all with the next one. So a sweep that is stopped
    early still has runs of each setting.

    Parameters
    ----------
    sweep : Sweep
    dataset : str
    content : the content of the workspace's params.yaml
    own : dotted names of params.yaml to values that the user sets for all experiments

    Raises
    ------
    UserError
        If params.yaml has no such param, or a value is out of range.
    """
    before = flat(content)
    # A failing run is an answer too, so it should train on and get a row.
    common = {f"{dataset}.train.on_failure": "warn", **own}
    planned = []
    for label, setting, seed in _runs(sweep):
        name = f"{sweep.name}-{label}"
        if seed is not None:
            name, setting = f"{name}-seed{seed}", {**setting, SEED: seed}
        named = {place(dataset, key): value for key, value in setting.items()}
        twice = sorted(named.keys() & own.keys())
        if twice:
            raise UserError(
                _("sweep {name} varies {twice} itself: leave out its -S").format(
                    name=sweep.name, twice=twice[0]
                )
            )
        changed = recipes.applied(
            content, {**common, **named}, _("sweep {name}").format(name=sweep.name)
        )
        after = flat(changed)
        changes = {key: value for key, value in after.items() if before.get(key) != value}
        about = ", ".join(f"{key}={as_yaml(value)}" for key, value in setting.items())
        planned.append(Planned(name, changed, changes, about, outcome(changed, dataset)))
    return planned


def _runs(sweep: Sweep) -> Iterator[tuple[str, Mapping[str, Any], int | None]]:
    for seed in sweep.seeds or (None,):
        for label, setting in sweep.settings.items():
            yield label, setting, seed


def outcome(content: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """The validated params that can change the result: dotted names to values.

    Raises
    ------
    UserError
        If the params are not valid.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / paths.PARAMS
        text = yaml.safe_dump(dict(content), allow_unicode=True)
        file.write_text(text, encoding="utf-8", newline="\n")
        try:
            settings = params.load(file, dataset)
        except UserError as error:
            raise UserError(str(error).replace(str(file), str(paths.PARAMS))) from None
    rows = flat(settings.model_dump(mode="json"))
    return {name: value for name, value in rows.items() if name not in OF_NO_EFFECT}


def overrides(given: Sequence[str]) -> dict[str, Any]:
    """Read KEY=VALUE options of the command line; each value is YAML.

    Raises
    ------
    UserError
        If an option is not KEY=VALUE.

    Examples
    --------
    >>> overrides(["mnist.train.epochs=3", "mnist.train.max_steps=null"])
    {'mnist.train.epochs': 3, 'mnist.train.max_steps': None}
    """
    found: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        try:
            if not name or not sign:
                raise ValueError
            found[name] = yaml.safe_load(value)
        except NO_YAML:
            raise UserError(
                _("-S {quote} should be KEY=VALUE").format(quote=shlex.quote(text))
            ) from None
        if isinstance(found[name], str):
            try:  # YAML 1.1 reads 1e-4 as a string, but it is meant as a number
                found[name] = float(found[name])
            except ValueError:
                continue
    return found


def matches(revision: Revision, planned: Planned, dataset: str) -> bool:
    """Whether a commit has exactly these params, and the same code as the working folder."""
    found = _outcome_of(str(revision.commit), dataset)
    return found == planned.outcome and revisions.is_same_code(str(revision.commit))


@functools.cache  # a commit never changes, and each planned run is compared with all experiments
def _outcome_of(commit: str, dataset: str) -> Mapping[str, Any] | None:
    try:
        content = yaml.safe_load(Revision(commit, commit).content(paths.PARAMS) or b"")
        return outcome(content, dataset) if isinstance(content, dict) else None
    except (UserError, *NO_YAML):
        return None


def finished(planned: Planned, dataset: str, head: str) -> str | None:
    """The name of a finished experiment on the commit `head` with these params, if any."""
    for each in revisions.experiments():
        revision = Revision(each.name, each.commit, True)
        if (
            each.baseline == head
            and matches(revision, planned, dataset)
            and _is_whole(revision, dataset)
        ):
            return each.name
    return None


def is_in_workspace(planned: Planned, dataset: str) -> bool:
    """Whether the workspace holds the results of these params, and is up to date."""
    content = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    if outcome(content, dataset) != planned.outcome:
        return False
    # DVC's command takes a second, but it runs only if the params are the workspace's.
    status = subprocess.run(
        [*DVC, "status", "--json", "--with-deps", f"evaluate@{dataset}"], capture_output=True
    )
    return status.returncode == 0 and status.stdout.strip() == b"{}"


def _is_whole(revision: Revision, dataset: str) -> bool:
    """Whether its dvc.lock has the evaluation of exactly the networks that were trained."""
    lock = revision.lock()
    evaluated = (lock.get(f"evaluate@{dataset}") or {}).get("deps") or []
    models = paths.models(dataset)
    trained = revision.out(f"train@{dataset}", models)
    return trained is not None and {"path": models.as_posix(), "md5": trained} in [
        {"path": each.get("path"), "md5": each.get("md5")} for each in evaluated
    ]
