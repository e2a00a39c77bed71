"""Reads params, metrics and pictures of experiments, branches, commits and the workspace.

Git holds the params and metrics of every revision. Pictures may be in DVC's cache. Nothing is
checked out.
"""

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, to_terminal
from stages.gan.common.yaml_files import NO_YAML
from stages.tools.dvc.cache import Cache
from stages.tools.dvc.git import complain_if_refused, git
from stages.tools.dvc.pipeline import LOCK

WORKSPACE = "workspace"
_EXPERIMENTS = "refs/exps"
# The line of an experiment's commit message that names the machine on which it was made.
MADE_ON = "Made-on"


@dataclass(frozen=True)
class Experiment:
    """A finished experiment of DVC: its name, its commit, and the commit on which it is based."""

    name: str
    commit: str
    baseline: str


@dataclass(frozen=True)
class Revision:
    """A revision and the name that the user gave; without a commit it is the workspace."""

    name: str
    commit: str | None
    is_experiment: bool = False

    def content(self, path: Path) -> bytes | None:
        """The content of a file that git tracks; None if the revision has no such file."""
        if self.commit is None:
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None
        # Relative to this folder, which may lie inside the repository.
        shown = git("show", f"{self.commit}:./{path.as_posix()}")
        return shown.stdout if shown.returncode == 0 else None

    def lock(self) -> dict[str, Any]:
        """The stages in its dvc.lock, by name; empty if the file is missing or damaged."""
        try:
            stages = yaml.safe_load(self.content(LOCK) or b"")["stages"]
        except (*NO_YAML, TypeError):
            return {}
        return stages if isinstance(stages, dict) else {}

    def out(self, stage: str, path: Path) -> str | None:
        """The md5 of an out in its dvc.lock, if any."""
        outs = (self.lock().get(stage) or {}).get("outs") or []
        return next((out.get("md5") for out in outs if out.get("path") == path.as_posix()), None)

    def made_on(self) -> str:
        """The machine on which a sweep made this experiment; "" if its commit does not say."""
        if self.commit is None:
            return ""
        wanted = f"--format=%(trailers:key={MADE_ON},valueonly)"
        return git("show", "-s", wanted, self.commit).stdout.decode(errors="replace").strip()

    def picture(self, stage: str, file: Path, cache: Cache | None) -> bytes | None:
        """A file within a stage's folder of outs; None if it is not on this machine."""
        if self.commit is None:
            return self.content(file)
        name = self.out(stage, file.parent)
        if cache is None or name is None:
            return None
        listed = (cache.files(name) or {}).get(file.name)
        return cache.object(listed).read_bytes() if listed and cache.is_sound(listed) else None


def experiments() -> list[Experiment]:
    """All finished experiments, by name."""
    listed = git("for-each-ref", "--format=%(objectname) %(refname)", _EXPERIMENTS)
    found = []
    for line in listed.stdout.decode().splitlines():
        commit, _, name = line.partition(" ")
        parts = name.removeprefix(f"{_EXPERIMENTS}/").split("/")
        # refs/exps/<2 digits>/<38 digits>/<name>; DVC uses other refs for itself.
        if len(parts) == 3 and len(parts[0] + parts[1]) in (40, 64):
            found.append(Experiment(parts[2], commit, parts[0] + parts[1]))
    return sorted(found, key=lambda each: (each.name, each.commit))


def head() -> str:
    """The last commit.

    Raises
    ------
    UserError
        If there is no commit, or git does not work here.
    """
    commit = _commit("HEAD")
    if commit is None:
        complain_if_refused()
        raise UserError(_("there is no commit here: run this in the project's git repository"))
    return commit


@to_terminal()
def find(name: str) -> Revision:
    """Find a revision by name: the workspace, an experiment, or any name that git knows.

    If experiments on several commits share the name, it means the experiment on the last commit.

    Raises
    ------
    UserError
        If there is no such revision, or more than one, or git does not work here.
    """
    if name == WORKSPACE:
        return Revision(name, None)
    known = experiments()
    named = [each for each in known if each.name == name]
    if len(named) > 1:
        here = [each for each in named if each.baseline == _commit("HEAD")]
        if len(here) != 1:
            commits = ", ".join(each.commit[:10] for each in named)
            raise UserError(
                _("{name!r} names several experiments: choose from {commits}").format(
                    name=name, commits=commits
                )
            )
        named = here
    if named:
        return Revision(name, named[0].commit, True)
    commit = _commit(name)
    if commit is None:
        complain_if_refused()
        raise UserError(
            _("no revision {name!r}{nearest}").format(
                name=name, nearest=_nearest(name, [each.name for each in known])
            )
        )
    return Revision(name, commit, any(each.commit == commit for each in known))


def free_name(name: str, others: Iterable[str] = ()) -> str:
    """The name, with a number added if an experiment, or one of `others`, has it already."""
    taken = {each.name for each in experiments()}.union(others)
    numbered = (f"{name}-{number}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if free not in taken)


def is_same_code(commit: str) -> bool:
    """Whether the working folder has the same code and pipeline as a commit."""
    return git("diff", "--quiet", commit, "--", "stages", "dvc.yaml").returncode == 0


def _nearest(name: str, named: Iterable[str]) -> str:
    """The end of the message about an unknown name: the most similar or the valid names."""
    listed = git("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags")
    others = [WORKSPACE, "HEAD", *listed.stdout.decode().split()]
    names = list(dict.fromkeys([*named, *others]))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return _(", did you mean {names}?").format(names=_(" or ").join(close))
    shown = ", ".join(names[:10])
    more = ", ..." if len(names) > 10 else ""
    return _(" (valid: {names}, or any commit)").format(names=shown + more)


def _commit(name: str) -> str | None:
    """The full hash of the commit that git finds by a name."""
    if name.startswith("-"):
        return None
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return found.stdout.decode().strip() if found.returncode == 0 else None
