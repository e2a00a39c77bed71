"""Notices edits of params.yaml or of the code while a stage runs.

DVC notes both in dvc.lock as they are when the stage has ended. The results come from the state
before the edit, but DVC would take them for current and never make them again.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.gan.common.language import _
from stages.gan.common.yaml_files import flat
from stages.gan.params.fingerprints import code_in_use

_PACKAGE = Path(__file__).parents[1]


def _look(file: Path) -> str | None:
    try:
        return sha256(file)
    except FileNotFoundError:
        return None


# The code when this module is imported, before anything that takes long. Contents are compared,
# not dates: a file that was saved without a change, or checked out again, is the same.
_CODE = {
    file.resolve(): _look(file)
    for kind in ("py", "c", "h", "html", "css", "js", "yaml")
    for file in _PACKAGE.rglob(f"*.{kind}")
}


def check(dataset: str, began: params.Dataset, uses: Sequence[str] = ()) -> None:
    """Check that the params and the code of a stage are still as they were when it began.

    Parameters
    ----------
    dataset : str
    began : Dataset
        The params with which the stage began.
    uses : sequence of str
        The sections that the stage depends on, as dotted names in `Dataset`; if none, all.

    Raises
    ------
    UserError
        If a value in these sections or a file of the code changed, or if params.yaml cannot be
        read any more.
    """
    try:
        now = params.load(paths.PARAMS, dataset)
    except UserError as error:
        raise UserError(
            _("edited while this stage ran, so its results do not count: {error}").format(
                error=error
            )
        ) from None
    changes = [*_changes(dataset, began, now, uses), *_code()]
    if changes:
        raise UserError(
            _(
                "edited while this stage ran: {changes}. The results come from the state "
                "before the edit, so they do not count: run the same command again"
            ).format(changes="; ".join(changes))
        )


def code() -> dict[str, str | None]:
    """The code as it was when this stage began: the name of each file to its sha256."""
    return {file.relative_to(_PACKAGE.resolve()).as_posix(): found for file, found in _CODE.items()}


def values(settings: params.Dataset, uses: Sequence[str] = ()) -> dict[str, Any]:
    """Dotted name to value of all params in these sections; if none are given, of all."""
    return {
        name: value
        for name, value in flat(settings.model_dump(mode="json")).items()
        if not uses or any(f"{name}.".startswith(f"{section}.") for section in uses)
    }


def _changes(
    dataset: str, began: params.Dataset, now: params.Dataset, uses: Sequence[str]
) -> Iterator[str]:
    old, new = (values(content, uses) for content in (began, now))
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            place = f"{dataset}.{name}"
            if name == "language":
                place = name
            elif name.startswith("kind."):
                place = f"datasets.{dataset}.{name.removeprefix('kind.')}"
            yield _("{params}: {place} was {old} and is {new}").format(
                params=paths.PARAMS, place=place, old=old.get(name), new=new.get(name)
            )


def _code() -> Iterator[str]:
    used = code_in_use()
    for file in [*used, *_templates(used)]:
        if _look(file) != _CODE.get(file):
            yield file.relative_to(_PACKAGE.resolve().parent).as_posix()


def _templates(used: Sequence[Path]) -> list[Path]:
    """The templates of the pages that modules in use draw, and all parts of templates."""
    pages = _PACKAGE.resolve() / "gan" / "pages"
    folder = pages / "templates"
    own = [file for file in sorted(folder.glob("*.html")) if pages / f"{file.stem}.py" in used]
    if own:
        own += sorted(folder.glob("_*"))
    if (play := pages / "play" / "__init__.py") in used:  # it puts all of them on one page
        own += sorted(file for file in _CODE if play.parent in file.parents and file not in used)
    return own
