"""Gathers the files of a bundle, and checks that they are what dvc.lock says."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.command.recorded import name_of
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, translated
from stages.gan.common.yaml_files import read_mapping
from stages.gan.data.raw.sources import public_name
from stages.tools.bundle import contents, environment
from stages.tools.course import parts as course
from stages.tools.dvc import pipeline as locked
from stages.tools.dvc.git import git, refusal
from stages.tools.dvc.pipeline import Item, Stage
from stages.tools.verify.damage import Findings, Kind, check, some

_DESCRIPTIONS = (paths.PARAMS, Path("dvc.yaml"), locked.LOCK, Path("LICENSE"))


@dataclass(frozen=True)
class Gathered:
    """The content of a bundle: name to file or bytes, and name to measured size and hashes.

    `notes` are lines for the user.
    """

    files: Mapping[str, Path | bytes]
    measured: Mapping[str, contents.Measured]
    notes: tuple[str, ...]


def gather(dataset: str) -> Gathered:
    """Gather all results of a run except the data: params, metrics, pictures, pages, models, ...

    Answers to tasks of the course are among them.

    Raises
    ------
    UserError
        If a file is missing, damaged, or not what dvc.lock says.
    """
    texts = (*_DESCRIPTIONS, *course.answer_files())
    described = {path.as_posix(): path.read_bytes() for path in texts if path.is_file()}
    pipeline = locked.read()
    stages = [stage for stage in pipeline.stages if stage.dataset == dataset]
    data = {place(dataset).as_posix() for place in (paths.raw, paths.prepared, paths.judge)}
    outs = [out for stage in stages for out in stage.outs if out.path not in data]
    _complain(dataset, stages, outs, check(pipeline, stages, but_for=data))
    about = {**environment.describe(), "git": _commit()}
    files: dict[str, Path | bytes] = {**described, environment.NAME: _json(about)}
    parts = {out: pipeline.files(out.path) for out in outs}
    for part in parts.values():
        files |= {path.as_posix(): path for path in part.values()}
    measured = {name: contents.measure(source) for name, source in files.items()}
    # Compares the packed files themselves: a `dvc repro` may have begun since the check.
    same = all(
        name_of({inner: measured[path.as_posix()].md5 for inner, path in part.items()}) == out.md5
        for out, part in parts.items()
    )
    if not same or any(Path(name).read_bytes() != content for name, content in described.items()):
        raise UserError(
            _("{dataset} changed while it was packed: run the same command again").format(
                dataset=dataset
            )
        )
    return Gathered(files, measured, tuple(_notes(about["git"])))


def _complain(dataset: str, stages: Iterable[Stage], outs: Iterable[Item], found: Findings) -> None:
    again = _("run `dvc repro report@{dataset} play@{dataset}` first").format(dataset=dataset)
    if waiting := [out.path for out in outs if out.md5 is None]:
        raise UserError(
            _("dvc.lock has no hash of {names}: {again}").format(names=some(waiting), again=again)
        )
    # DVC's copies in its cache are not packed, so damage in them does not matter.
    damages = [damage for damage in found.damages if damage.kind is not Kind.OBJECT]
    if damages:
        first = damages[0]
        others = _(" (and {count} more)").format(count=len(damages) - 1) if len(damages) > 1 else ""
        raise UserError(
            _(
                "{path} is {state}{others}, so it is not packed: `python -m stages verify "
                "{dataset}` names the command that repairs it"
            ).format(
                path=first.path.as_posix(),
                state=translated(first.kind.value),
                others=others,
                dataset=dataset,
            )
        )
    if found.changed:
        what = [name for changed in found.changed.values() for name in changed]
        raise UserError(
            _(
                "the results do not belong to the params and code here: {names} changed "
                "since they were made; {again}"
            ).format(names=some(what), again=again)
        )


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode("ascii")


def _commit() -> dict[str, Any] | None:
    """The last commit, and whether code, params and results equal it; None without a commit.

    New files of code and metrics that git does not know yet count as a difference.
    """
    head = git("rev-parse", "HEAD")
    if head.returncode != 0:
        return None
    places = ["stages", "metrics", *map(str, _DESCRIPTIONS)]
    changed = [
        git("status", "--porcelain", "--untracked-files=no"),
        git("ls-files", "--others", "--exclude-standard", "--", *places),
    ]
    clean = all(each.returncode == 0 and each.stdout == b"" for each in changed)
    return {"commit": head.stdout.decode().strip(), "clean": clean}


def _notes(commit: Mapping[str, Any] | None) -> Iterable[str]:
    """Notes for the user before the bundle is given to others."""
    if commit is None:
        yield _("the bundle names no git commit: {reason}").format(
            reason=refusal() or _("there is none yet")
        )
    elif not commit["clean"]:
        yield _("some changes are not in a git commit yet; the bundle says so")
    content = read_mapping(paths.PARAMS)
    for name in content["datasets"]:
        section = content.get(name)
        download = section.get("download") if isinstance(section, dict) else None
        sources = download.get("sources") if isinstance(download, dict) else None
        for source in sources if isinstance(sources, list) else []:
            if str(source) != public_name(str(source)):
                yield _(
                    "{params} goes into the bundle unchanged, and it shows a private "
                    "folder or a secret: the source {source!r} of {name}"
                ).format(params=paths.PARAMS, source=str(source), name=name)
