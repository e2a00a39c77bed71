"""The experiments that a sweep wants, and which of them there are already."""

import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.yaml_files import NO_YAML, as_yaml, flat
from stages.tools.compare.page import OF_NO_EFFECT
from stages.tools.dvc import queue, revisions
from stages.tools.dvc.revisions import Revision
from stages.tools.recipe import recipes
from stages.tools.sweep.questions import Sweep, place


@dataclass(frozen=True)
class Wanted:
    """An experiment that a sweep wants.

    Parameters
    ----------
    name : str
        The name to give it.
    content : what its params.yaml holds
    changes : dotted names of params.yaml to values: in what it differs from the workspace
    about : str
        The setting, as it is told.
    outcome : the validated params that can change what comes out
    """

    name: str
    content: Mapping[str, Any]
    changes: Mapping[str, Any]
    about: str
    outcome: Mapping[str, Any]

    @property
    def options(self) -> list[str]:
        """The options of `dvc exp run` that make it."""
        return [f"--set-param={name}={as_yaml(value)}" for name, value in self.changes.items()]


def plan(
    sweep: Sweep, dataset: str, content: Mapping[str, Any], own: Mapping[str, Any]
) -> list[Wanted]:
    """What a sweep wants of a data set.

    Parameters
    ----------
    sweep : Sweep
    dataset : str
    content : what the workspace's params.yaml holds
    own : dotted names of params.yaml to values that the user has changed for all

    Raises
    ------
    UserError
        If params.yaml has no such param, or a value is out of range.
    """
    before = flat(content)
    # A run that fails is an answer, too, and should get a row.
    common = {f"{dataset}.train.on_failure": "warn", **own}
    wanted = []
    for label, setting in sweep.settings.items():
        name = f"{sweep.name}-{label}"
        named = {place(dataset, key): value for key, value in setting.items()}
        twice = sorted(named.keys() & own.keys())
        if twice:
            raise UserError(f"{twice[0]} is what sweep {sweep.name} varies: leave out its -S")
        changed = recipes.applied(content, {**common, **named}, f"sweep {sweep.name}")
        after = flat(changed)
        changes = {key: value for key, value in after.items() if before.get(key) != value}
        about = ", ".join(f"{key}={as_yaml(value)}" for key, value in setting.items())
        wanted.append(Wanted(name, changed, changes, about, outcome(changed, dataset)))
    return wanted


def outcome(content: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """The validated params that can change what comes out, dotted names to values.

    Raises
    ------
    UserError
        If they are not valid.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / paths.PARAMS
        file.write_text(yaml.safe_dump(dict(content), allow_unicode=True), encoding="utf-8")
        try:
            settings = params.load(file, dataset)
        except UserError as error:
            raise UserError(str(error).replace(str(file), str(paths.PARAMS))) from None
    rows = flat(settings.model_dump(mode="json"))
    return {name: value for name, value in rows.items() if name not in OF_NO_EFFECT}


def overrides(given: Sequence[str]) -> dict[str, Any]:
    """KEY=VALUE of the command line, each value as in YAML.

    Raises
    ------
    UserError
        If one is something else.

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
            raise UserError(f"-S {shlex.quote(text)} should be KEY=VALUE") from None
        if isinstance(found[name], str):
            try:  # 1e-4 is a word in YAML 1.1, and a number for everybody else
                found[name] = float(found[name])
            except ValueError:
                continue
    return found


def is_it(revision: Revision, wanted: Wanted, dataset: str) -> bool:
    """Whether a commit has just these params, and the code that is in the working folder."""
    try:
        content = yaml.safe_load(revision.content(paths.PARAMS) or b"")
        found = outcome(content, dataset) if isinstance(content, dict) else None
    except (UserError, *NO_YAML):
        return False
    return found == wanted.outcome and revisions.is_same_code(str(revision.commit))


def finished(wanted: Wanted, dataset: str, head: str) -> str | None:
    """The name of an experiment on that commit which has what is wanted, if there is one."""
    for each in revisions.experiments():
        revision = Revision(each.name, each.commit, True)
        if (
            each.baseline == head
            and is_it(revision, wanted, dataset)
            and _is_whole(revision, dataset)
        ):
            return each.name
    return None


def waiting(
    wanted: Wanted, dataset: str, head: str, entries: Sequence[queue.Entry]
) -> queue.Entry | None:
    """An entry of the queue, not done yet, that has what is wanted, if there is one."""
    for entry in entries:
        if (
            entry.state != queue.DONE
            and entry.baseline == head
            and is_it(Revision(entry.name, entry.revision), wanted, dataset)
        ):
            return entry
    return None


def is_in_workspace(wanted: Wanted, dataset: str) -> bool:
    """Whether the workspace holds the results of what is wanted, and all is up to date."""
    content = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    if outcome(content, dataset) != wanted.outcome:
        return False
    # By DVC's command: it takes a second, but only for one that has the workspace's params.
    status = subprocess.run(
        [*queue.DVC, "status", "--json", "--with-deps", f"evaluate@{dataset}"], capture_output=True
    )
    return status.returncode == 0 and status.stdout.strip() == b"{}"


def free_name(name: str, entries: Sequence[queue.Entry]) -> str:
    """The name, with a number if an experiment or an entry of the queue has it already."""
    taken = {each.name for each in revisions.experiments()}
    taken |= {each for entry in entries for each in (entry.name, entry.result) if each}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def _is_whole(revision: Revision, dataset: str) -> bool:
    """Whether its dvc.lock has the evaluation of just the networks that were trained."""
    lock = revision.lock()
    evaluated = (lock.get(f"evaluate@{dataset}") or {}).get("deps") or []
    models = paths.models(dataset)
    trained = revision.out(f"train@{dataset}", models)
    return trained is not None and {"path": models.as_posix(), "md5": trained} in [
        {"path": each.get("path"), "md5": each.get("md5")} for each in evaluated
    ]
