"""Put data, params, curves, samples and metrics on one self-contained page."""

from pathlib import Path
from typing import Any

from stages.command import run_stage, say
from stages.gan import losses, pages
from stages.gan.common import paths
from stages.gan.common.files import read_csv, read_json, whole_file
from stages.gan.common.yaml_files import flat
from stages.gan.data import prepared
from stages.gan.losses import equilibrium
from stages.gan.pages import bars, charts, error_bars, evidence, lesson
from stages.gan.params import Dataset, Train

# Without options these are the same measure, and the table need not show it twice.
CROSS_ENTROPIES = ("bce", "bce_with_logits", "softplus")
# What evaluate measured, and the columns of both histories that are drawn.
MEASURED = (
    "samples", "bce", "training_loss", "real_probability", "fake_probability", "accuracy",
    "jsd_lower_bound", "quality", "critic", "judge",
)  # fmt: skip
# The scores of the generated images: name, key, and what it says.
QUALITY = (
    ("Frechet distance", "frechet_distance",
     "How far apart the two sets' means and covariances are. Lower is better."),
    ("kernel distance", "kernel_distance",
     "The same of the first three moments; 0 is expected of equal sets at any number of images."),
    ("precision", "precision",
     "The share of generated images that lie among real ones: do they look right?"),
    ("recall", "recall",
     "The share of real images that lie among generated ones: is everything there?"),
    ("density", "density",
     "How many real neighbourhoods a generated image lies in, of what is usual; may pass 1."),
    ("coverage", "coverage",
     "The share of real images with a generated one in their neighbourhood."),
    ("class coverage", "class_coverage",
     "The share of classes that are generated at least a tenth as often as they are real."),
    ("class divergence (nats)", "class_divergence",
     "How far the frequencies of the classes are from the real ones; 0 if equal."),
    ("memorisation", "memorisation",
     "How often a generated image is nearer to a training image than a new real one is: above a "
     "half it copies; below, its images are farther from all that is real."),
    ("near copies", "near_copies",
     "The share nearer to a training image than all but 1 % of new real images are."),
)  # fmt: skip
CRITIC = (
    ("cross-entropy, sum (nats)", "bce",
     "How surprised the critic is by both; 1.3863 if it cannot tell them apart."),
    ("distance from equilibrium (nats)", "equilibrium_distance",
     "How far that is from 1.3863."),
    ("JSD, lower bound (nats)", "jsd_lower_bound",
     "Real and generated images are at least this far apart, of 0.6931 at most."),
    ("accuracy", "accuracy",
     "The share of images that the critic sorts rightly; guessing gives a half."),
    ("p-value", "p_value",
     "How probable so many right answers would be if there were no difference; 0 is below 1e-323."),
)  # fmt: skip
SHOWN = ("discriminator_loss", "generator_loss", "real_probability", "fake_probability")


def report(dataset: str, params: Dataset) -> None:
    """Write reports/<dataset>/index.html."""
    metrics = paths.metrics(dataset)
    evaluate = read_json(metrics / "evaluate.json", *MEASURED)
    about = prepared.description(paths.prepared(dataset))
    train = read_json(metrics / "train.json", "steps", "epochs", "went_on_from", "real_diversity")
    verdict = read_json(
        paths.training_pictures(dataset) / "verdict.json",
        "name", "meaning", "seen", "changes", "earlier", "levels",
    )  # fmt: skip
    content = {
        "title": params.report.title,
        "train": train,
        "verdict": verdict,
        "commands": pages.commands(dataset, verdict["changes"]),
        "evaluate": evaluate,
        "prepared": about,
        "sha256": read_json(paths.raw(dataset) / "source.json", "sha256")["sha256"],
        "params": flat(pages.shareable(params)),
        "rows": table(evaluate, params.train),
        "scores": scores(QUALITY, evaluate["quality"]),
        "critic": scores(CRITIC, evaluate["critic"]),
        "equilibrium": about_equilibrium(evaluate["training_loss"]),
        "lesson": about_the_loss(params.train),
        "pictures": pictures(
            dataset, train, verdict["levels"], evaluate["training_loss"], params.train
        ),
    }
    with whole_file(paths.report(dataset)) as scratch:
        scratch.write_text(pages.render(content), encoding="utf-8")
    say(f"{dataset}: {paths.report(dataset)}")


def about_equilibrium(terms: dict[str, Any]) -> str:
    """What D answers at the training loss's equilibrium, in a sentence or two."""
    point = terms["equilibrium_point"]
    if point is None:
        return (
            f"The loss {terms['name']} has no such point: D's terms add up to the same whatever "
            "one number D answers to all images, so no dashed line is drawn. What it was trained "
            "to make small is no measure of the networks either; the cross-entropy and the other "
            "rows of the table below are, as they do not depend on the training loss."
        )
    if point["lowest_logit"] != point["highest_logit"]:
        return (
            f"With the loss {terms['name']} every logit from {point['lowest_logit']:g} to "
            f"{point['highest_logit']:g} is equally good for D then: its sum is the same at all of "
            "them, while the single terms and G's are given for the middle."
        )
    answer = (
        f"With the loss {terms['name']} D answers {point['probability']:.4g} to everything then."
    )
    if abs(point["probability"] - 0.5) > 1e-6:
        answer += (
            " Weights or smoothed labels moved it from 1/2; the rows of the table that are named "
            "cross-entropy are those of the plain one, whose point stays at 1/2."
        )
    return answer


def about_the_loss(train: Train) -> dict[str, Any]:
    """What the section on the meaning of the loss shows."""
    loss = losses.of_params(train)
    drawn = lesson.pictures(train.loss, loss, equilibrium.point(loss))
    return {
        "pictures": {name: pages.embedded(picture, "png") for name, picture in drawn.items()},
        "worked_values": lesson.worked_values(),
        "saturation": lesson.saturation(),
    }


def pictures(
    dataset: str,
    trained: dict[str, Any],
    heights: dict[str, float],
    terms: dict[str, Any],
    train: Train,
) -> dict[str, Any]:
    """All pictures of the page as data URLs.

    `trained` is the content of train.json, `heights` are those of both losses at equilibrium.
    """
    epochs = read_csv(paths.metrics(dataset) / "history.csv", "epoch", *SHOWN)
    steps = read_csv(
        paths.metrics(dataset) / "history_steps.csv",
        "step", *SHOWN, "discriminator_gradient", "generator_gradient", "diversity",
    )  # fmt: skip
    names = ("gradients", "diversity")
    watched = evidence.pictures(steps, {}, trained["real_diversity"], {}, names=names)
    drawn = paths.evaluation_pictures(dataset)
    point = terms["equilibrium_point"]
    middle = {"equilibrium": point["probability"]} if point else {}
    loss_name = f"loss ({terms['name']})"
    if train.loss_options.reduction == "sum":
        loss_name = f"loss ({terms['name']}, sum over {train.batch_size} images)"
    both = {"discriminator": "discriminator_loss", "generator": "generator_loss"}
    chances = {"D(x), real": "real_probability", "D(G(z)), fake": "fake_probability"}

    def curve(rows, x, lines, levels, label, y_range=None):
        drawing = charts.draw(
            [row[x] for row in rows],
            {name: [row[column] for row in rows] for name, column in lines.items()},
            levels,
            x,
            label,
            y_range,
        )
        return pages.embedded(drawing, "png")

    return {
        "losses": curve(epochs, "epoch", both, heights, loss_name),
        "steps": curve(steps, "step", both, heights, loss_name),
        "probabilities": curve(
            epochs, "epoch", chances, middle, "probability of being real", (-0.03, 1.03)
        ),
        **{name: pages.embedded(watched[name], "png") if name in watched else "" for name in names},
        "classes": class_bars(drawn / paths.CLASSES),
        "animation": pages.embedded_file(paths.training_pictures(dataset) / "animation.gif"),
        **{
            name: pages.embedded_file(drawn / f"{name}.png")
            for name in ("generated", "real", "interpolation", "nearest")
        },
    }


def class_bars(source: Path) -> str:
    """The share of each class among real and generated images; "" where nothing was scored."""
    shares = read_json(source)
    if not shares:
        return ""
    return pages.embedded(bars.draw(shares, "class", "share of the images"), "png")


def scores(rows: tuple[tuple[str, str, str], ...], found: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table of scores, each with its value and floor and the errors of both."""
    return [
        {
            "name": name,
            "sentence": sentence,
            **found[key],
            "drawing": "" if found[key]["value"] is None else error_bars.draw(**found[key]),
        }
        for name, key, sentence in rows
    ]


def table(evaluate: dict[str, Any], train: Train) -> list[dict[str, Any]]:
    """The metrics with a sentence each; those of the training loss if it is another measure."""
    bce = evaluate["bce"]
    own = evaluate["training_loss"]
    point = own["equilibrium_point"]
    probability = point["probability"] if point else None
    sentences = {
        "real": "How surprised D is by real images: 0 if it is sure of each.",
        "fake": "How surprised D is by generated images: 0 if it unmasks each.",
        "discriminator": "The sum of the two, what D tries to make small.",
        "generator": "What G tries to make small: large if D unmasks its images.",
    }
    rows = [
        {
            "name": f"cross-entropy, {name} (nats)",
            "value": bce[name]["value"],
            "equilibrium": bce[name]["equilibrium"],
            "sentence": sentence,
        }
        for name, sentence in sentences.items()
    ]
    options = train.loss_options
    changed = (options.weight, options.pos_weight, options.label_smoothing) != (1.0, 1.0, 0.0)
    if own["name"] not in CROSS_ENTROPIES or changed:
        rows += [
            {
                "name": f"{own['name']}, {name}",
                "value": own[name]["value"],
                "equilibrium": own[name]["equilibrium"],
                "sentence": "The same in the loss that the networks were trained with, an image.",
            }
            for name in ("real", "fake", "discriminator", "generator")
        ]
    rows += [
        {
            "name": "mean D(x)",
            "value": evaluate["real_probability"],
            "equilibrium": probability,
            "sentence": "How real D finds real images on average.",
        },
        {
            "name": "mean D(G(z))",
            "value": evaluate["fake_probability"],
            "equilibrium": probability,
            "sentence": "How real D finds generated images on average.",
        },
        {
            "name": "D's accuracy",
            "value": evaluate["accuracy"],
            "equilibrium": 0.5,
            "sentence": "The share of images that D sorts rightly; guessing gives a half.",
        },
        {
            "name": "JSD, lower bound (nats)",
            "value": evaluate["jsd_lower_bound"],
            "equilibrium": 0.0,
            "sentence": (
                "What D's loss proves: real and generated images are at least this far apart, of "
                "0.6931 at most. 0 proves nothing, as D may just be weak."
            ),
        },
    ]
    return rows


if __name__ == "__main__":
    run_stage(report)
