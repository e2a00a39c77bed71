"""Private clones of the project: each runs one experiment, apart from the workspace.

A clone has the project's tracked files as they are now, and shares its git objects, DVC's cache and
the folder of unfinished runs. `dvc exp run` works there as in a workspace. Then git fetches the
experiment into the project. Tried with DVC 3.67: `dvc exp run --temp` runs in a copy, too, but it
may end between the training and the project, and it fails at some paths (see `limits`).
"""

import configparser
import functools
import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from stages.command.workspace import PROJECT
from stages.gan.common.errors import UserError
from stages.gan.common.files import remove
from stages.gan.common.language import VARIABLE, _, spoken
from stages.gan.common.processes import is_alive
from stages.tools.dvc.cache import Cache
from stages.tools.dvc.commands import ATTACHED, dvc
from stages.tools.dvc.git import git
from stages.tools.dvc.revisions import WORKSPACE, Revision

FOLDER = Path(".dvc/tmp/sweep")
# Git's remote that a sweep and its workers on other machines share.
REMOTE = "origin"
# The line of an experiment's commit message that has its key.
_KEY = "Sweep-key"


@dataclass(frozen=True)
class Experiment:
    """What runs in a clone. All values are plain, so that it can be sent to another machine.

    Parameters
    ----------
    name : str
        The name that it gets.
    baseline : str
        The commit on which it is based.
    files : str
        The commit with the files that it runs with: the baseline, or one with uncommitted edits.
    options : sequence of str
        Options of `dvc exp run` that set its params.
    target : str
        The stage that is made, with all before it.
    message : str
        The first line of its commit's message.
    key : str
        A hash of all that its result depends on; the name of its clone.
    """

    name: str
    baseline: str
    files: str
    options: tuple[str, ...]
    target: str
    message: str
    key: str

    @property
    def reference(self) -> str:
        """The name of git's reference to it when it has finished."""
        return f"{_place(self.baseline)}{self.name}"

    @property
    def other_name(self) -> str:
        """The name that it gets at git's remote if another experiment has its own name there."""
        return f"{self.name}-{self.key[:8]}"


def key(baseline: str, files: str, target: str, params: Mapping[str, Any]) -> str:
    """A hash of the commit, the files, the target and the params of an experiment."""
    tree = _git("rev-parse", f"{files}^{{tree}}")
    content = json.dumps([baseline, tree, target, dict(params)], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def files_now() -> str:
    """A commit that has the project's tracked files as they are: the last one, if none is edited.

    No branch and no stash names it, and nothing in the workspace changes.
    """
    head = _git("rev-parse", "HEAD")
    # Where files were only touched, `git stash create` fails without a word.
    git("update-index", "-q", "--refresh")
    if git("diff-index", "--quiet", "HEAD").returncode == 0:
        return head
    return _git("stash", "create") or head


def send_files(experiments: Sequence[Experiment]) -> None:
    """Send the files of experiments to git's remote, each under a name of its own."""
    names = [f"+{each.files}:{_sent(each)}" for each in experiments]
    _git("push", "-q", REMOTE, *names)


def fetch_files(experiment: Experiment) -> None:
    """Fetch the files of an experiment, and its baseline, from git's remote."""
    _git("fetch", "-q", "--no-tags", REMOTE, _sent(experiment))


def forget_files(experiments: Sequence[Experiment]) -> None:
    """Remove the files of experiments that have ended from git's remote."""
    listed = _git("ls-remote", REMOTE, "refs/sweep/*")
    if names := [_sent(each) for each in experiments if _sent(each) in listed]:
        _git("push", "-q", REMOTE, *(f":{name}" for name in names))


def unmade(stages: Sequence[str]) -> list[str]:
    """Those of some stages whose outs are not in DVC's cache, so that each clone makes its own."""
    lock = Revision(WORKSPACE, None).lock()
    cache = Cache(Path(_cache(Path.cwd()), "files/md5"))

    def is_here(out: Mapping[str, str]) -> bool:
        # Git has the outs that DVC does not keep.
        return cache.object(out.get("md5", "")).is_file() or Path(out.get("path", "")).is_file()

    return [
        name
        for name in stages
        if not (outs := lock.get(name, {}).get("outs", [])) or not all(map(is_here, outs))
    ]


def sent_name(experiment: Experiment) -> str:
    """The name of the finished experiment at git's remote; "" if the remote does not have it.

    Two sweeps may give one name to different experiments, so the key counts.
    """
    return next(
        (name for name, its_key in _sent_keys(experiment).items() if its_key == experiment.key), ""
    )


def sent_names(baseline: str) -> list[str]:
    """The names of the finished experiments on a commit that git's remote has."""
    listed = _git("ls-remote", REMOTE, f"{_place(baseline)}*").splitlines()
    return [line.rpartition("/")[2] for line in listed]


def fetch_finished(baseline: str) -> None:
    """Fetch the finished experiments on a commit whose names are free here from git's remote."""
    place = _place(baseline)
    here = set(_git("for-each-ref", "--format=%(refname)", place).split())
    names = [f"{place}{name}" for name in sent_names(baseline) if f"{place}{name}" not in here]
    if names:
        _git("fetch", "-q", "--no-tags", REMOTE, *(f"{name}:{name}" for name in names))


def _place(baseline: str) -> str:
    """Where DVC has git keep the experiments on a commit."""
    return f"refs/exps/{baseline[:2]}/{baseline[2:]}/"


def _sent(experiment: Experiment) -> str:
    return f"refs/sweep/{experiment.key}"


def _sent_keys(experiment: Experiment) -> dict[str, str]:
    """The key of each experiment that has a name of this one at git's remote; "" without a key."""
    place = _place(experiment.baseline)
    names = {f"{place}{name}": name for name in (experiment.name, experiment.other_name)}
    found = {}
    for line in _git("ls-remote", REMOTE, *names).splitlines():
        commit, _tab, reference = line.partition("\t")
        if reference in names:
            _fetch_objects(REMOTE, reference)
            wanted = f"--format=%(trailers:key={_KEY},valueonly)"
            found[names[reference]] = _git("show", "-s", wanted, commit)
    return found


def _fetch_objects(source: str, reference: str) -> None:
    """Fetch a commit with all that it needs; no reference names it here."""
    _git("fetch", "-q", "--no-tags", "--no-write-fetch-head", source, reference)


class Clone:
    """The private clone of one experiment, below this folder, which is the project's."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.folder = (FOLDER / "clones" / experiment.key).absolute()
        self.log = FOLDER / f"{experiment.name}.log"
        # The project may lie in a folder of its repository.
        self._project = self.folder / _git("rev-parse", "--show-prefix")

    def make(self) -> None:
        """Make the clone anew."""
        self.remove()
        self.folder.mkdir(parents=True)
        self._git("init", "-q")
        shared = Path(_git("rev-parse", "--git-path", "objects")).absolute()
        information = self.folder / ".git/objects/info"
        information.mkdir(exist_ok=True)
        (information / "alternates").write_bytes(os.fsencode(shared) + b"\n")
        self._git("update-ref", "--no-deref", "HEAD", self.experiment.baseline)
        self._git("read-tree", "--reset", "-u", self.experiment.files)
        self._write_settings()

    def start(self, made: str, *options: str) -> subprocess.Popen[bytes]:
        """Start the experiment; what it prints goes to `log`.

        Parameters
        ----------
        made : str
            A line of its commit's message, such as "Made-on: ...".
        options : str
            Further options of `dvc exp run`.
        """
        run = self.experiment
        message = f"{run.message}\n\n{made}\n{_KEY}: {run.key}"
        command = ["exp", "run", "--name", run.name, "--message", message, *run.options]
        with self.log.open("wb") as output:
            return subprocess.Popen(
                [*ATTACHED, str(os.getpid()), *command, *options, run.target],
                cwd=self._project,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_identity(), **self._environment()},
                # So that Ctrl-C does not reach it.
                start_new_session=True,
            )

    @property
    def is_finished(self) -> bool:
        """Whether the clone has the finished experiment."""
        reference = self.experiment.reference
        if not (self.folder / ".git").is_dir():
            return False
        return self._run("rev-parse", "--verify", "--quiet", reference).returncode == 0

    def collect(self) -> None:
        """Bring the finished experiment into the project."""
        reference = self.experiment.reference
        _git("fetch", "-q", "--no-tags", os.path.relpath(self.folder), f"{reference}:{reference}")

    def push(self) -> str:
        """Send the finished experiment to the remotes of git and DVC: the data first.

        So an experiment that git's remote knows is whole. The project gets no name for it, because
        it may have another experiment of this name.

        Returns
        -------
        str
            Its name at git's remote: another one if its own is taken there.
        """
        run = self.experiment
        dvc("push", "--with-deps", run.target, folder=self._project)
        if name := sent_name(run):
            return name
        name = run.other_name if run.name in _sent_keys(run) else run.name
        commit = self._git("rev-parse", run.reference)
        # Pushed from the project, which has the remote's settings.
        _fetch_objects(os.path.relpath(self.folder), run.reference)
        # Not `dvc exp push`: DVC has an SSH of its own, which does not know all of git's settings.
        _git("push", "-q", REMOTE, f"{commit}:{_place(run.baseline)}{name}")
        return name

    def processes(self) -> list[psutil.Process]:
        """All living processes that work in the clone, no matter who started them."""
        return working_in(self.folder)

    def file(self, path: Path) -> Path:
        """Where a file of the project is in the clone."""
        return self._project / path

    def remove(self) -> None:
        """Remove the clone."""
        remove(self.folder)

    def _environment(self) -> dict[str, str]:
        return {
            # Stages find unfinished runs, and files that only the project has, in the project.
            PROJECT: str(Path.cwd()),
            "DVC_SITE_CACHE_DIR": str(self.folder / ".git/dvc"),
            # The log speaks the language of the sweep that shows its lines. It is UTF-8 wherever it
            # is written: Windows would take the encoding of its own language.
            VARIABLE: spoken(),
            "PYTHONIOENCODING": "utf-8:backslashreplace",
        }

    def _write_settings(self) -> None:
        """Give the clone the project's own settings of DVC, and its cache."""
        folder = self._project / ".dvc"
        if not folder.is_dir():
            raise UserError(
                _("the last commit has no folder .dvc: run `git add .dvc`, and commit it")
            )
        settings = configparser.ConfigParser(interpolation=None)
        settings.read(".dvc/config.local", encoding="utf-8")
        if not settings.has_section("cache"):
            settings.add_section("cache")
        # Quoted: DVC's reader takes what comes after a # for a comment.
        settings.set("cache", "dir", f'"{_cache(Path.cwd())}"')
        with (folder / "config.local").open("w", encoding="utf-8", newline="\n") as file:
            settings.write(file)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return git("-C", str(self.folder), *arguments)

    def _git(self, *arguments: str) -> str:
        return _git("-C", str(self.folder), *arguments)


@functools.cache
def _cache(project: Path) -> str:
    """The path of a project's cache; DVC takes a second to say it."""
    return dvc("cache", "dir", folder=project).strip()


def _git(*arguments: str) -> str:
    ended = git(*arguments)
    if ended.returncode:
        said = " ".join(ended.stderr.decode(errors="replace").split())
        raise UserError(
            _("git {command} failed: {reason}").format(command=" ".join(arguments[:4]), reason=said)
        )
    return os.fsdecode(ended.stdout).strip()


def _identity() -> dict[str, str]:
    """Who makes the experiment's commit: who would commit in the project."""
    found: dict[str, str] = {}
    for key, part in (("user.name", "NAME"), ("user.email", "EMAIL")):
        if value := os.fsdecode(git("config", key).stdout).strip():
            found |= {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER")}
    return {**found, **{name: os.environ[name] for name in found if name in os.environ}}


def working_in(folder: Path) -> list[psutil.Process]:
    """All living processes whose working directory is a folder, or lies in it."""
    found = []
    # Not psutil's `process_iter`: it remembers processes, and skips a new process that has the
    # number of one that has ended.
    for number in psutil.pids():
        try:
            process = psutil.Process(number)
            place = Path(process.cwd())
            if folder in (place, *place.parents) and is_alive(process):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found
