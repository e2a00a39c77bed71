"""What the page's scripts see as `play.data`: networks, directions and scores of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.pages.play import directions, layers, packing, reference
from stages.gan.params import choices

DIRECTIONS = 5
_DIGITS = 4


@dataclass(frozen=True)
class Judge:
    """A judge that knows labels.

    Parameters
    ----------
    network : nn.Cell
        Its classifier.
    classes : sequence of str
        The names of its classes.
    logits : (M, classes)
        What it makes of the images by which packed networks are compared.
    """

    network: nn.Cell
    classes: Sequence[str]
    logits: NDArray[np.float32]


def networks(
    generator: Path,
    discriminator: Path,
    codes: NDArray[np.float32],
    images: NDArray[np.float32],
    judge: Judge | None,
) -> dict[str, Any]:
    """The packed networks, and how far their results are from the exported files'.

    Parameters
    ----------
    generator, discriminator : Path
        The exported ONNX files.
    codes, images
        What they are compared on: (N, latent_size), (M, C, H, W).
    judge : Judge, optional

    Returns
    -------
    generator, discriminator, judge (or None), each {layers, form, difference}; see `packing`.

    Raises
    ------
    UserError
        If a file is missing or damaged, or a difference is above its limit.
    """
    rows = {
        "generator": (packing.IMAGES, layers.from_onnx(generator), codes),
        "discriminator": (packing.LOGITS, layers.from_onnx(discriminator), images),
    }
    results = {
        "generator": reference.run_file(generator, codes),
        "discriminator": reference.run_file(discriminator, images),
    }
    if judge:
        row = layers.from_judge(judge.network, images.shape[1:])
        rows["judge"] = (packing.LOGITS, row, images)
        results["judge"] = judge.logits
    forms = packing.forms_for([row for _, row, _ in rows.values()])
    for form in forms:
        try:
            return {"judge": None, **_packed(rows, results, form)}
        except UserError:
            if form == forms[-1]:
                raise
    raise AssertionError("there is always a form")


def _packed(
    rows: Mapping[str, tuple[str, list[layers.Layer], NDArray[np.float32]]],
    results: Mapping[str, NDArray[np.float32]],
    form: str,
) -> dict[str, Any]:
    """The networks of `rows`, each packed and compared with its results."""
    packed = {}
    for name, (kind, row, inputs) in rows.items():
        stored = packing.pack(row, form)
        theirs = reference.run(packing.unpack(stored), inputs)
        apart = packing.difference(kind, name, results[name], theirs)
        packed[name] = {"layers": stored, "form": form, "difference": float(f"{apart:.2g}")}
    return packed


def ways(generator: Path, codes: NDArray[np.float32]) -> list[dict[str, Any]]:
    """The directions that change images most, as {share, values}; see `directions`."""
    found = directions.find(lambda codes: reference.run_file(generator, codes), codes, DIRECTIONS)
    return [
        {"share": round(share, _DIGITS), "values": np.round(vector, _DIGITS).tolist()}
        for share, vector in found
    ]


def of_run(
    title: str,
    dataset: str,
    image_shape: Sequence[int],
    latent_size: int,
    scores: Mapping[str, Any],
) -> dict[str, Any]:
    """What the page says of the run; `scores` is the content of scores.json.

    Cross-entropies are sums of both of D's terms, each a mean over as many images as `samples`
    says: so many real ones, and so many generated ones.
    """
    loss, critic = scores["training_loss"], scores["critic"]
    # One logit of a loss of pairs is a score: only differences mean something.
    paired = choices.LOSSES[loss["name"]].is_paired
    point = None if paired else loss["equilibrium_point"]
    channels, height, width = image_shape
    return {
        "title": title,
        "dataset": dataset,
        "image": {"channels": channels, "height": height, "width": width},
        "latent": {"size": latent_size, "distribution": "normal"},
        "loss": {
            "name": loss["name"],
            "equilibrium": point
            and {
                "probability": point["probability"],
                "logit": (point["lowest_logit"] + point["highest_logit"]) / 2,
                "discriminator": loss["discriminator"]["equilibrium"],
                "generator": loss["generator"]["equilibrium"],
            },
        },
        "scores": {
            "critic_accuracy": critic["accuracy"]["value"],
            "critic_bce": critic["bce"]["value"],
            "critic_samples": scores["samples"],
            "discriminator_accuracy": scores["accuracy"],
            "discriminator_bce": scores["bce"]["discriminator"]["value"],
            "samples": scores["samples"],
        },
    }
