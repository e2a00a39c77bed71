"""Describes a bundle in lines for the terminal, without trusting the bundle."""

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from unicodedata import east_asian_width

from stages.gan.common import paths
from stages.gan.common.language import LANGUAGES, _, speaking, translated
from stages.gan.export import licences
from stages.gan.measures import table as measures
from stages.gan.trained import manifest
from stages.tools.bundle import environment
from stages.tools.bundle.check import Checked, read_file, read_json

_TERMS = ("discriminator", "generator")


def lines(checked: Checked) -> Iterable[str]:
    """Data, verdict, scores with their floors, checkpoints, versions, commit and licence."""
    dataset = checked.manifest.dataset
    metrics = paths.metrics(dataset).as_posix()
    train = read_json(checked, f"{metrics}/train.json")
    # An older bundle has all of it in evaluate.json.
    has_scores = f"{metrics}/{paths.SCORES}" in checked.manifest.files
    evaluate = read_json(checked, f"{metrics}/{paths.SCORES if has_scores else 'evaluate.json'}")
    about = read_json(checked, environment.NAME)
    bundled = _(", not the real data") if train.get("bundled_data") is True else ""
    yield _("data set     {dataset}: {data}{bundled}").format(
        dataset=dataset, data=_text(train.get("data")), bundled=bundled
    )
    yield _("training     {epochs} epochs, {steps} steps").format(
        epochs=_text(train.get("epochs")), steps=_text(train.get("steps"))
    )
    yield _("verdict      {verdict}").format(verdict=translated(_text(train.get("verdict"))))
    scored = measures.ALL if evaluate.get("game") else measures.ALWAYS
    wide = max(len(f"{measure.section}.{measure.key}") for measure in scored)
    heads = [_("value"), _("error"), _("floor")]
    yield _row(_("score"), wide, heads) + "   " + _("floor: the score of real images")
    for measure in scored:
        score = _mapping(_mapping(evaluate.get(measure.section)).get(measure.key))
        numbers = [_number(score.get(key)) for key in ("value", "error", "floor")]
        yield _row(f"{measure.section}.{measure.key}", wide, numbers)
    heads = [_("value"), _("distance")]
    yield _row(_("cross-entropy"), wide, heads) + "   " + _("distance from equilibrium")
    for term in _TERMS:
        found = _mapping(_mapping(evaluate.get("bce")).get(term))
        yield _row(f"bce.{term}", wide, [_number(found.get(key)) for key in ("value", "distance")])
    for name in sorted(checked.manifest.files):
        if PurePosixPath(name).name == manifest.NAME:
            is_scored = read_json(checked, name).get("epoch") == evaluate.get("epoch", -1)
            line = (
                _("checkpoint   {folder}, which has these scores")
                if is_scored
                else _("checkpoint   {folder}")
            )
            yield line.format(folder=PurePosixPath(name).parent)
    packages = _mapping(about.get("packages"))
    versions = ", ".join(f"{name} {_text(packages[name])}" for name in packages)
    yield _("packed with  Python {python} on {system} {machine} ({vectors}), {versions}").format(
        python=_text(about.get("python")),
        system=_text(about.get("system")),
        machine=_text(about.get("machine")),
        vectors=_text(about.get("vectors")),
        versions=versions,
    )
    yield _("commit       {commit}").format(commit=_commit(about.get("git")))
    yield _("licence      {licence}").format(licence=_licence(checked, dataset))


def _row(name: str, wide: int, cells: Iterable[str]) -> str:
    """A name in `wide` columns of the terminal, and cells of 10. Chinese characters fill two."""
    shown = [(name, wide, False), *((cell, 10, True) for cell in cells)]
    found = ""
    for text, columns, is_right in shown:
        taken = sum(2 if east_asian_width(character) in "WF" else 1 for character in text)
        room = " " * (columns - taken)
        found += room + text if is_right else text + room
    return found


def warnings(checked: Checked) -> list[str]:
    """The differences between this machine's environment and the bundle's."""
    about = read_json(checked, environment.NAME)
    about.pop("git", None)
    return environment.differences(about, environment.describe())


def _licence(checked: Checked, dataset: str) -> str:
    """The licence of the weights, as the model card states it."""
    card = read_file(checked, (paths.export(dataset) / "README.md").as_posix())
    text = card.decode("utf-8", "replace")
    section = ""
    for language in LANGUAGES:  # the card has one of them, whatever this terminal speaks
        with speaking(language):
            section = section or text.partition(f"{translated(licences.HEADING)}\n")[2]
    return " ".join(section.partition("\n#")[0].split())[:600] or _("unknown")


def _commit(git: Any) -> str:
    found = _mapping(git)
    if not found:
        return _("none")
    commit = _text(found.get("commit"))
    if found.get("clean") is True:
        return commit
    return _("{commit}, with changes that are not committed").format(commit=commit)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return _("unknown") if value is None else str(value)[:120]


def _number(value: Any) -> str:
    return f"{value:.4f}" if type(value) in (int, float) and abs(value) < 1e9 else "-"
