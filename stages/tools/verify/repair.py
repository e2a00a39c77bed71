"""Chooses the command that repairs a finding. Each command was tried.

`dvc checkout` and `dvc repro` may not notice damage: they trust a file whose time and size have
not changed, so the command removes it first. They also trust DVC's own copy without reading it.
"""

import contextlib
import hashlib
import shlex
from pathlib import Path

from stages.tools.dvc.cache import Cache, is_folder
from stages.tools.dvc.pipeline import Pipeline
from stages.tools.dvc.revisions import Revision
from stages.tools.verify.damage import Finding, Kind


def command(finding: Finding, pipeline: Pipeline) -> str:
    """The shell command for the project's folder that repairs one finding."""
    cache = Cache(pipeline.cache) if pipeline.cache else None
    again = f"dvc repro {finding.stage.name}"
    if finding.kind is Kind.EXTRA:
        return _remove(finding.path)
    if finding.kind is Kind.UNKNOWN:
        return again
    if finding.kind is Kind.CONTRADICTED:
        # dvc.lock has the damaged content, and so has DVC's copy.
        return f"dvc repro -f -s {finding.stage.name}"
    if finding.kind is Kind.OBJECT and is_folder(finding.expected or ""):
        if pipeline.has_remote:
            step = f"dvc pull {_quoted(Path(finding.out.path))}"
        elif finding.inside:
            step = f"dvc commit -f {finding.stage.name}"
        else:
            step = f"dvc repro -f -s {finding.stage.name}"
        return f"{_remove(finding.path)} && {step}"
    if finding.kind is Kind.OBJECT and finding.inside:
        return f"cp -f {_quoted(finding.inside)} {_quoted(finding.path)}"
    steps = [_remove(finding.path)] if finding.kind is not Kind.MISSING else []
    if not finding.out.cached and _is_in_git(finding.path, finding.expected):
        return " && ".join([*steps, f"git checkout HEAD -- {_quoted(finding.path)}"])
    sound = finding.kind is not Kind.OBJECT
    for name in _objects(cache, finding.expected):
        state = cache.is_sound(name) if cache else None
        sound = sound and bool(state)
        if cache and state is False and cache.object(name) != finding.path:
            steps.append(_remove(cache.object(name)))
    target = _quoted(Path(finding.out.path))
    if not finding.out.cached:
        steps.append(again)
    elif sound:
        steps.append(f"dvc checkout {target}")
    elif pipeline.has_remote:
        steps.append(f"dvc pull {target}")
    else:
        steps.append(again)
    return " && ".join(steps)


def _objects(cache: Cache | None, name: str | None) -> list[str]:
    """The name of a cache object and, if it is a folder's list, of the files' objects."""
    if name is None:
        return []
    inside = (cache.files(name) or {}) if cache and is_folder(name) else {}
    return [name, *sorted(set(inside.values()))]


def _is_in_git(path: Path, md5: str | None) -> bool:
    """Whether the file in the last commit has this md5."""
    content = Revision("HEAD", "HEAD").content(path)
    return content is not None and hashlib.md5(content, usedforsecurity=False).hexdigest() == md5


def _remove(path: Path) -> str:
    folder = path.is_dir() and not path.is_symlink()
    return f"rm {'-r' if folder else '-f'} {_quoted(path)}"


def _quoted(path: Path) -> str:
    with contextlib.suppress(ValueError):  # a cache may be outside the project
        path = path.relative_to(Path.cwd())
    return shlex.quote(path.as_posix())
