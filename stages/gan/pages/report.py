"""The page about one run: its verdict, pictures, losses, scores, data and params."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stages.gan import losses, pages
from stages.gan.common.language import _, marked, retold, speaking, translated
from stages.gan.common.yaml_files import flat
from stages.gan.data.prepared import Prepared
from stages.gan.data.raw import account
from stages.gan.losses import equilibrium
from stages.gan.measures import headline
from stages.gan.measures import table as measures
from stages.gan.pages import advice, epochs, evidence, lesson, scores
from stages.gan.pages.charts import png, vega
from stages.gan.params import Dataset, Train, choices, shareable
from stages.gan.training.watch import sentences

_LOSSES = {"discriminator": "discriminator_loss", "generator": "generator_loss"}
_PROBABILITIES = {"D(x), real": "real_probability", "D(G(z)), fake": "fake_probability"}
_LOSS = marked("loss ({name})")
_SUMMED_LOSS = marked("loss ({name}, sum over {count} images)")
_WATCHED = ("gradients", "diversity")
_DISTANCE = marked("sliced Wasserstein distance")
# The columns to draw from the history by epochs, and from the history by steps.
SHOWN = (*_LOSSES.values(), *_PROBABILITIES.values())
SHOWN_BY_STEP = (*SHOWN, "discriminator_gradient", "generator_gradient", "diversity")


@dataclass(frozen=True)
class Run:
    """The results of the earlier stages: contents of their files, and folders of pictures.

    Parameters
    ----------
    source, prepared : source.json, and the description of the prepared data
    train, verdict, evaluate : train.json, verdict.json, scores.json
    epochs, steps : rows of both histories, with SHOWN and SHOWN_BY_STEP
    classes : kind of images to the share of each class; empty if nothing was scored
    training, evaluation : Path
        Folders of pictures.
    quick : the quick score of each epoch; empty if the run had none
    """

    source: Mapping[str, Any]
    prepared: Mapping[str, Any]
    train: Mapping[str, Any]
    verdict: Mapping[str, Any]
    evaluate: Mapping[str, Any]
    epochs: Sequence[Mapping[str, float]]
    steps: Sequence[Mapping[str, float]]
    classes: Mapping[str, Sequence[float]]
    training: Path
    evaluation: Path
    quick: Sequence[Mapping[str, float]] = ()


def page_of(dataset: str, params: Dataset, run: Run) -> str:
    """The page as HTML, which needs no other file, in the params' language.

    Raises
    ------
    UserError
        If a picture is missing.
    """
    with speaking(params.language):
        return pages.render(_content(dataset, params, run))


def _content(dataset: str, params: Dataset, run: Run) -> dict[str, Any]:
    """What the template needs, in the language now spoken."""
    found = headline.finding(run.evaluate)
    changes = sentences.changes(advice.after(params, run.train, run.verdict, found))
    curves = _curves(run, params.train)
    grids = epochs.grids(run.training)
    return {
        "dataset": dataset,
        "title": translated(params.report.title),
        "headline": headline.line(run.verdict["name"], run.evaluate),
        "colour": headline.colour(run.verdict["name"], found),
        "found": found,
        "changes": changes,
        "train": run.train,
        "verdict": sentences.verdict(run.verdict),
        "commands": pages.commands(dataset, changes),
        "evaluate": run.evaluate,
        "prepared": _prepared(run.prepared, params.preprocess.transposed),
        "sha256": run.source["sha256"],
        "params": flat(shareable(params)),
        "average": params.train.ema,
        "chosen": run.evaluate["epoch"] if params.evaluate.checkpoint == "best" else None,
        "rows": scores.loss_table(run.evaluate, params.train),
        "scores": scores.score_table(measures.QUALITY, run.evaluate["quality"]),
        "critic": scores.score_table(measures.CRITIC, run.evaluate["critic"]),
        "game": scores.of_game(run.evaluate),
        "equilibrium": about_equilibrium(run.evaluate["training_loss"]),
        "lesson": _about_the_loss(params.train),
        "pictures": _pictures(run, curves),
        "charts": pages.embedded_json(
            {name: vega.curves(**_said(curve)) for name, curve in curves.items()}
        ),
        "scripts": vega.scripts(),
        "grids": grids,
        "told": epochs.told([grid.epoch for grid in grids], list(epochs.files(run.training))),
    }


def _prepared(description: Mapping[str, Any], transposed: bool) -> dict[str, Any]:
    """The description of the prepared data; it is stored in English, and said here again."""
    result = Prepared(
        description["counts"],
        {name: account.why(reason) for name, reason in description["rejected"].items()},
        description["copies"],
        description["beyond_maximum"],
        description["several_frames"],
        description["raw_values"],
    )
    told = account.lines(result, description["left_out"], transposed)
    return {**description, "rejected": result.rejected, "told": told}


def about_equilibrium(terms: Mapping[str, Any]) -> str:
    """Sentences about D's answer at the equilibrium of the training loss."""
    point = terms["equilibrium_point"]
    if point is None:
        return _(
            "The loss {name} has no equilibrium point: if D gives all images the same answer, D's "
            "terms add up to the same sum for every such answer. So no dashed line is drawn. The "
            "training loss does not measure the networks either. The cross-entropy and the other "
            "rows of the table below do, because they do not depend on the training loss."
        ).format(name=terms["name"])
    if choices.LOSSES[terms["name"]].is_paired:
        return _(
            "The loss {name} compares the logits of a real and a generated image. D then gives "
            "both images of every pair the same logit, so each has the probability "
            "{probability:.4g} of being the real one of the two: D(x) and D(G(z)) on this page are "
            "these probabilities. A single logit has no meaning, because a constant that is added "
            "to all logits changes nothing. The rows of the table named cross-entropy, D's "
            "accuracy and the JSD are computed with the constant that makes D's mean answer 1/2."
        ).format(name=terms["name"], probability=point["probability"])
    if point["lowest_logit"] != point["highest_logit"]:
        return _(
            "With the loss {name} every logit from {low:g} to {high:g} is then equally good for D: "
            "the sum of D's terms is the same at each. The single terms and G's loss are given for "
            "the middle."
        ).format(name=terms["name"], low=point["lowest_logit"], high=point["highest_logit"])
    answer = _(
        "With the loss {name} D then gives every image the probability {probability:.4g} of being "
        "real."
    ).format(name=terms["name"], probability=point["probability"])
    if abs(point["probability"] - 0.5) > 1e-6:
        answer += _(
            " Weights or smoothed labels moved this value away from 1/2. The rows of the table "
            "named cross-entropy show the plain cross-entropy, whose equilibrium stays at 1/2."
        )
    return answer


def _about_the_loss(train: Train) -> dict[str, Any]:
    """The content of the section on the meaning of the loss."""
    loss = losses.of_params(train)
    drawn = lesson.pictures(train.loss, loss, equilibrium.point(loss))
    return {
        "pictures": {name: pages.embedded(picture, "png") for name, picture in drawn.items()},
        "worked_values": lesson.worked_values(),
        "saturation": lesson.saturation(),
        "several_classes": lesson.several_classes(),
    }


def _curves(run: Run, train: Train) -> dict[str, dict[str, Any]]:
    """The arguments of `png.curves` and `vega.curves` for each curve of the run, by name."""
    own = run.evaluate["training_loss"]
    point = own["equilibrium_point"]
    middle = {marked("equilibrium"): point["probability"]} if point else {}
    levels = run.verdict["levels"]
    loss_name = _LOSS.format(name=own["name"])
    if train.loss_options.reduction == "sum":
        loss_name = _SUMMED_LOSS.format(name=own["name"], count=train.batch_size)
    chance = "probability of being real"
    watched = evidence.curves(run.steps, {}, run.train["real_diversity"], _WATCHED)
    score = {"score": "score"}
    scored = {"quick": _curve(run.quick, "epoch", score, {}, _DISTANCE)} if run.quick else {}
    return {
        "losses": _curve(run.epochs, marked("epoch"), _LOSSES, levels, loss_name),
        "steps": _curve(run.steps, "step", _LOSSES, levels, loss_name),
        "probabilities": _curve(run.epochs, "epoch", _PROBABILITIES, middle, chance, (-0.03, 1.03)),
        **watched,
        **scored,
    }


def _said(curve: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `vega.curves` in the language now spoken; `png` takes the English ones."""

    def said(label: str) -> str:
        return retold(label, _LOSS, _SUMMED_LOSS)

    return {
        **curve,
        "lines": {said(label): values for label, values in curve["lines"].items()},
        "levels": {said(label): height for label, height in curve["levels"].items()},
        "x_label": said(curve["x_label"]),
        "y_label": said(curve["y_label"]),
    }


def _curve(
    rows: Sequence[Mapping[str, float]],
    x: str,
    lines: Mapping[str, str],
    levels: Mapping[str, float],
    label: str,
    y_range: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Columns of a history against its column `x`."""
    return {
        "x": [row[x] for row in rows],
        "lines": {name: [row[column] for row in rows] for name, column in lines.items()},
        "levels": levels,
        "x_label": x,
        "y_label": label,
        "y_range": y_range,
    }


def _pictures(run: Run, curves: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """All pictures of the run as data URLs; "" for one without values."""
    drawn = {name: png.curves(**curve) for name, curve in curves.items()}
    if run.classes:
        drawn["classes"] = png.bars(run.classes, "class", "share of the images")
    return {
        **dict.fromkeys((*_WATCHED, "classes", "quick"), Markup()),
        **{name: pages.embedded(content, "png") for name, content in drawn.items()},
        **{
            name: pages.embedded_file(run.evaluation / f"{name}.png")
            for name in ("generated", "real", "interpolation", "nearest")
        },
    }
