"""Compare finished runs on one page: experiments, branches, commits, the workspace.

python -m stages compare                          the workspace and the experiments on this commit
python -m stages compare exp-a exp-b main         the named runs, in this order

Runs that differ in nothing but seeds are one setting. The page then shows mean, spread and each
run, and orders the settings by the measure of --by.
"""

import csv
import io
import json
import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _, speaking, to_terminal, translated
from stages.gan.common.yaml_files import NO_YAML, flat, read_mapping
from stages.gan.measures import headline
from stages.gan.measures import table as measures
from stages.gan.measures.table import Measure
from stages.gan.pages.scores import loss_table
from stages.tools.compare import page, ranking
from stages.tools.compare.runs import Figure, Run
from stages.tools.dvc import pipeline, revisions
from stages.tools.dvc.cache import Cache
from stages.tools.dvc.git import git
from stages.tools.dvc.revisions import Revision

OUTPUT = Path("reports/compare/index.html")
_PICTURE = "generated.png"
_FLOAT = re.compile(r"[-+]?[0-9]+\.?[0-9]*[eE][-+]?[0-9]+")


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument(
        "revisions", nargs="*", help=_("names of experiments, branches, commits, or `workspace`")
    )
    parser.add_argument(
        "--dataset", help=_("a key of params.yaml's `datasets`; default: the first")
    )
    parser.add_argument(
        "--by",
        default=ranking.DEFAULT,
        help=_("the measure that orders settings of several runs; default: {measure}").format(
            measure=ranking.DEFAULT
        ),
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=OUTPUT,
        help=_("the page; default: {output}").format(output=OUTPUT),
    )
    arguments = parser.parse_args()
    dataset = arguments.dataset or next(iter(read_mapping(paths.PARAMS).get("datasets") or {}), "")
    params.check_name(paths.PARAMS, dataset)
    by = ranking.measure(arguments.by)
    names = arguments.revisions or default_names()
    found = [revisions.find(name) for name in dict.fromkeys(names)]
    cache = find_cache()
    with speaking(params.language(paths.PARAMS)):
        runs = [read(revision, dataset, cache) for revision in found]
        write(page.title_of(dataset), dataset, runs, arguments.output, by)
    say(f"{dataset}: {arguments.output}")


def default_names() -> list[str]:
    """The workspace and all experiments that are based on the last commit."""
    commit = revisions.head()
    found = [each.name for each in revisions.experiments() if each.baseline == commit]
    return [revisions.WORKSPACE, *found]


def find_cache() -> Cache | None:
    """DVC's cache, if there is one."""
    folder = pipeline.read().cache
    return Cache(folder) if folder else None


def write(
    title: str, dataset: str, runs: Sequence[Run], target: Path, by: Measure | None = None
) -> None:
    """Write the page that compares the runs, in the language now spoken."""
    known = {each.name for each in revisions.experiments()}
    commands = {
        run.name: f"dvc exp apply {shlex.quote(run.name)}" for run in runs if run.name in known
    }
    with whole_file(target) as scratch:
        text = page.page_of(title, dataset, runs, commands, by)
        scratch.write_text(text, encoding="utf-8", newline="\n")


def read(revision: Revision, dataset: str, cache: Cache | None) -> Run:
    """Read a run from a revision, its texts in the language now spoken.

    Raises
    ------
    UserError
        If the revision has no run of the data set, or a file is damaged.
    """
    settings = params_of(revision, dataset)
    metrics = paths.metrics(dataset)
    train = _json(revision, metrics / "train.json", "verdict", "steps", "epochs")
    # An older revision has all of it in evaluate.json.
    has_scores = revision.content(metrics / paths.SCORES) is not None
    scores = metrics / (paths.SCORES if has_scores else "evaluate.json")
    evaluate = _json(
        revision, scores, "samples", "bce", "training_loss", "quality", "critic", "judge"
    )
    folder = paths.evaluation_pictures(dataset)
    picture = revision.picture(f"evaluate@{dataset}", folder / _PICTURE, cache)
    options = settings.get("train.loss_options.reduction"), settings.get("train.batch_size")
    images = options[1] if options[0] == "sum" else 1
    own = evaluate["training_loss"]
    return Run(
        name=revision.name,
        params=settings,
        verdict=train["verdict"],
        train=train,
        figures=figures(evaluate, settings),
        history=_columns(revision, metrics / "history.csv"),
        levels={
            key: own[key]["equilibrium"] * images
            for key in ("discriminator", "generator")
            if own[key]["equilibrium"] is not None
        },
        picture=picture,
        note="" if picture else page.note_of(fetching(revision, folder)),
        judge=evaluate["judge"].get("sha256", ""),
        found=headline.finding(evaluate),
        code=code_of(revision, dataset),
        made_on=revision.made_on(),
    )


def failed(name: str, dataset: str, content: dict[str, Any], verdict: str, why: str) -> Run:
    """A run that failed: its row has only params, verdict and reason."""
    settings = _flat(content, dataset)
    return Run(name, settings, verdict, {}, {}, {}, {}, None, why, "")


def code_of(revision: Revision, dataset: str) -> str:
    """The hashes of the code that trained and evaluated a run, by its dvc.lock; "" if unknown."""
    lock = revision.lock()
    hashes = [
        f"{each.get('path')} {each.get('md5')}"
        for stage in ("train", "evaluate")
        for each in (lock.get(f"{stage}@{dataset}") or {}).get("deps") or []
        if str(each.get("path")).startswith("stages/")
    ]
    return "\n".join(hashes)


@to_terminal()
def params_of(revision: Revision, dataset: str) -> dict[str, Any]:
    """The params of a data set: dotted names to values, without the sources of the data.

    Raises
    ------
    UserError
        If the revision has no valid params of the data set.
    """
    try:
        content = yaml.safe_load(revision.content(paths.PARAMS) or b"")
    except NO_YAML as error:
        reason = " ".join(str(error).split())
        raise UserError(
            _("{params} of {revision} is not valid YAML: {reason}").format(
                params=paths.PARAMS, revision=revision.name, reason=reason
            )
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get(dataset), dict):
        raise UserError(
            _("{params} of {revision} has no data set {dataset!r}").format(
                params=paths.PARAMS, revision=revision.name, dataset=dataset
            )
        )
    return _flat(content, dataset)


def _flat(content: dict[str, Any], dataset: str) -> dict[str, Any]:
    kinds = (content.get("datasets") or {}).get(dataset) or {}
    settings = flat({"kind": kinds, **content[dataset]})
    settings.pop("download.sources", None)
    if settings.get("train.init_from"):
        settings["train.init_from"] = Path(settings["train.init_from"]).name
    # DVC writes 2e-05, but YAML 1.1 reads that as a string.
    return {
        name: float(value) if isinstance(value, str) and _FLOAT.fullmatch(value) else value
        for name, value in settings.items()
    }


def figures(evaluate: dict[str, Any], settings: dict[str, Any]) -> dict[str, Figure]:
    """All measures of the evaluate stage, with the names and sentences of the report."""
    options = {
        name.removeprefix("train.loss_options."): value
        for name, value in settings.items()
        if name.startswith("train.loss_options.")
    }
    neutral = {"weight": 1.0, "pos_weight": 1.0, "label_smoothing": 0.0}
    # Not validated: an old revision may have params that are no longer valid.
    loss_options = params.LossOptions.model_construct(**{**neutral, **options})
    rows = loss_table(evaluate, params.Train.model_construct(loss_options=loss_options))
    found = {
        row["name"]: Figure(row["value"], None, row["equilibrium"], None, row["sentence"])
        for row in rows
    }
    for measure, score in measures.scored(evaluate):
        found[measure.full_name] = Figure(
            score["value"],
            score["error"],
            score["floor"],
            score["floor_error"],
            translated(measure.sentence),
        )
    return found


def fetching(revision: Revision, folder: Path) -> str:
    """The command that brings a folder's pictures to this machine, or makes them again."""
    remotes = git("remote").stdout.decode().split()
    has_remote = pipeline.read().has_remote
    name = shlex.quote(revision.name)
    if revision.commit is None:
        if has_remote:
            return f"dvc pull {folder.as_posix()}"
        return f"dvc repro evaluate@{folder.parts[1]}"
    if not revision.is_experiment and has_remote:
        return f"dvc fetch --all-commits {folder.as_posix()}"
    if revision.is_experiment and remotes and has_remote:
        return f"dvc exp pull {remotes[0]} {name}"
    # Not `dvc exp apply`: it fails, and removes results of the workspace that the cache lacks. Git
    # does not know an experiment by its name.
    known = revision.commit[:10] if revision.is_experiment else name
    return f"git checkout {known} && dvc repro evaluate@{folder.parts[1]}"


@to_terminal()
def _json(revision: Revision, path: Path, *keys: str) -> dict[str, Any]:
    try:
        content = json.loads(_content(revision, path))
    except (ValueError, RecursionError) as error:
        raise UserError(
            _("{path} of {revision} is damaged: {error}").format(
                path=path, revision=revision.name, error=error
            )
        ) from None
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        raise UserError(
            _("{path} of {revision} has no {keys}").format(
                path=path, revision=revision.name, keys=", ".join(missing)
            )
        )
    return content


@to_terminal()
def _columns(revision: Revision, path: Path) -> dict[str, list[float]]:
    """A CSV of numbers by columns; an empty field is NaN."""
    try:
        rows = list(csv.DictReader(io.StringIO(_content(revision, path).decode())))
        names = rows[0] if rows else {}
        return {
            name: [float(row[name]) if row[name] != "" else math.nan for row in rows]
            for name in names
        }
    except (TypeError, ValueError, csv.Error) as error:
        raise UserError(
            _("{path} of {revision} is damaged: {error}").format(
                path=path, revision=revision.name, error=error
            )
        ) from None


@to_terminal()
def _content(revision: Revision, path: Path) -> bytes:
    content = revision.content(path)
    if content is None:
        raise UserError(
            _("{revision} has no {path}: no run was trained and evaluated there").format(
                revision=revision.name, path=path
            )
        )
    return content


if __name__ == "__main__":
    guarded(main)
