"""The model card: README.md beside the exported networks, for Hugging Face and for ModelScope.

It is a block of YAML and then Markdown. Each hub reads its own keys of the block. It holds no date
and nothing about the machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from stages.gan.common.language import ENGLISH, _, marked, speaking, translated
from stages.gan.common.yaml_files import as_yaml
from stages.gan.export import licences
from stages.gan.export.onnx_files import OPSET
from stages.gan.measures import headline
from stages.gan.measures import table as measures
from stages.gan.networks import Description
from stages.gan.params import choices
from stages.gan.training.watch import sentences

_BETTER = {
    "higher": marked("higher"), "lower": marked("lower"), "floor": marked("near the floor"),
}  # fmt: skip
_TASK = "unconditional-image-generation"


@dataclass(frozen=True)
class Facts:
    """The content of a card: files that earlier stages wrote, and the params.

    `chosen` is the epoch of the networks if it was chosen by the quick score, and None for the
    last epoch. `params` are the params of training, flat.
    """

    dataset: str
    title: str
    description: Description
    averaged: bool
    chosen: int | None
    prepared: Mapping[str, Any]
    source: Mapping[str, Any]
    evaluate: Mapping[str, Any]
    train: Mapping[str, Any]
    verdict: Mapping[str, Any]
    params: Mapping[str, Any]

    @property
    def terms(self) -> licences.Terms:
        """The terms for the weights."""
        return licences.of_weights(str(self.prepared["source"]), self.source["sha256"])


def write(facts: Facts) -> str:
    """The card's text, in the language now spoken; its block of YAML is English, for machines."""
    with speaking(ENGLISH):
        about = _front(facts)
    front = yaml.safe_dump(about, sort_keys=False, allow_unicode=True, width=100)
    parts = [
        f"---\n{front}---",
        f"# {translated(facts.title)}",
        _overview(facts),
        _files(facts.description),
        _usage(facts.description),
        _data(facts),
        _training(facts),
        _results(facts),
        _limits(facts),
        _licence(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _front(facts: Facts) -> dict[str, Any]:
    terms = facts.terms
    front: dict[str, Any] = {
        "license": terms.identifier,
        **({"license_name": terms.name} if terms.name else {}),
        "library_name": "onnx",
        "pipeline_tag": _TASK,
        "tags": ["gan", facts.description.kind, "mindspore", "mindir", "onnx"],
        # ModelScope's keys. Its list of tasks has none for images that are generated from noise.
        "tasks": ["other"],
        "domain": ["cv"],
        "frameworks": ["onnx", "mindspore"],
    }
    if licences.is_mnist(facts.source["sha256"]):
        front["datasets"] = ["ylecun/mnist"]
    scores = [
        (_metric(measure), measure.full_name, score)
        for measure, score in measures.scored(facts.evaluate)
    ]
    scores.append(("discriminator_bce", "discriminator's cross-entropy (nats)", _bce(facts)))
    front["metrics"] = [key for key, _, _ in scores]
    results = [
        {"type": key, "name": name, "value": _rounded(score["value"])}
        for key, name, score in scores
    ]
    dataset = {"name": facts.dataset, "type": str(facts.prepared["source"])}
    front["model-index"] = [
        {
            "name": f"{facts.dataset}-generator",
            "results": [{"task": {"type": _TASK}, "dataset": dataset, "metrics": results}],
        }
    ]
    return front


def _bce(facts: Facts) -> Mapping[str, Any]:
    return facts.evaluate["bce"]["discriminator"]


def _overview(facts: Facts) -> str:
    d = facts.description
    averaged = (
        _(" The generator has the moving average (EMA) of its weights over training.")
        if facts.averaged
        else ""
    )
    return (
        _(
            "A generative adversarial network of two {networks}: a generator that turns {size} "
            "random numbers into {picture}, and a discriminator that was trained against the "
            "generator, to distinguish its images from real images."
        ).format(
            networks=translated(choices.network(d.kind).words),
            size=d.latent_size,
            picture=_pictures(d),
        )
        + averaged
    )


def _pictures(d: Description) -> str:
    channels, height, width = d.image_shape
    text = {
        1: _("a grey image of {width} x {height} pixels"),
        3: _("a colour image of {width} x {height} pixels"),
    }.get(channels, _("a {channels}-channel image of {width} x {height} pixels"))
    return text.format(width=width, height=height, channels=channels)


def _files(d: Description) -> str:
    shape = ", ".join(map(str, d.image_shape))
    return _(
        """## Files

| file | input | output |
|---|---|---|
| `generator.onnx` | `latent_code` (N, {size}) of N(0, I) | `image` (N, {shape}) in [-1, 1] |
| `discriminator.onnx` | `image` (N, {shape}) | `logit`, `probability` (N, 1) of being real |
| `generator.mindir`, `discriminator.mindir` | the same | the same |

All numbers are float32. N is any number of rows. The ONNX opset is {opset}. The MindIR files are
from MindSpore 2.10. Batch normalisation uses its running statistics, and spectral normalisation is
part of the weights. So no image depends on the other images in its batch."""
    ).format(size=d.latent_size, shape=shape, opset=OPSET)


def _usage(d: Description) -> str:
    with_numpy = _("With NumPy and onnxruntime (`pip install onnxruntime`), in this folder:")
    with_mindspore = _(
        "With MindSpore 2.10 (only two images here, because its convolutions are slow on a CPU):"
    )
    heading = _("## Use")
    return f"""{heading}

{with_numpy}

```python
import numpy as np
import onnxruntime

generator = onnxruntime.InferenceSession("generator.onnx")
codes = np.random.default_rng(7).standard_normal((25, {d.latent_size}), dtype=np.float32)
(images,) = generator.run(["image"], {{"latent_code": codes}})
pixels = ((images + 1) * 127.5).round().clip(0, 255).astype(np.uint8)  # (N, C, H, W)

discriminator = onnxruntime.InferenceSession("discriminator.onnx")
logits, probabilities = discriminator.run(["logit", "probability"], {{"image": images}})
```

{with_mindspore}

```python
import mindspore as ms
import numpy as np
from mindspore import nn

generator = nn.GraphCell(ms.load("generator.mindir"))
codes = np.random.default_rng(7).standard_normal((2, {d.latent_size}), dtype=np.float32)
images = generator(ms.Tensor(codes))

discriminator = nn.GraphCell(ms.load("discriminator.mindir"))
logits, probabilities = discriminator(images)
```"""


def _data(facts: Facts) -> str:
    prepared = facts.prepared
    counts, rejected = prepared["counts"], len(prepared["rejected"])
    if rejected:
        text = _(
            "Source: `{source}`. {train:,} images to train on, {test:,} held out for evaluation, "
            "{rejected:,} files rejected as damaged."
        )
    else:
        text = _(
            "Source: `{source}`. {train:,} images to train on, {test:,} held out for evaluation."
        )
    about = text.format(
        source=prepared["source"], train=counts["train"], test=counts["test"], rejected=rejected
    )
    lines = [_("## Data"), about]
    if prepared["bundled"]:
        lines.append(
            _(
                "**Not the real data.** This is the bundled stand-in of this project. Do not "
                "compare the figures with those of the real data."
            )
        )
    lines.append(
        "\n".join(
            _("- sha256 of `{file}`: `{hash}`").format(file=file, hash=found)
            for file, found in facts.source["sha256"].items()
        )
    )
    return "\n\n".join(lines)


def _training(facts: Facts) -> str:
    train, verdict = facts.train, sentences.verdict(facts.verdict)
    before = train["went_on_from"]
    if before:
        text = _(
            "{steps:,} steps in {epochs:,} epochs, beginning with a checkpoint of epoch {epoch}, "
            "step {step}."
        )
    else:
        text = _("{steps:,} steps in {epochs:,} epochs.")
    length = text.format(steps=train["steps"], epochs=train["epochs"], **(before or {}))
    if facts.chosen is not None:
        length += _(
            " The networks are those of epoch {epoch}: of all checkpoints that were kept, it has "
            "the lowest quick score."
        ).format(epoch=facts.chosen)
    found = _("Verdict on the run: **{name}**. Seen: {seen}. {meaning}").format(
        name=verdict["name"], seen=verdict["seen"], meaning=verdict["meaning"]
    )
    rows = "\n".join(f"| `{name}` | {as_yaml(value)} |" for name, value in facts.params.items())
    heading, head = _("## Training"), _("| param | value |")
    return f"{heading}\n\n{length}\n\n{found}\n\n{head}\n|---|---|\n{rows}"


def _results(facts: Facts) -> str:
    evaluate = facts.evaluate
    judge, bce = evaluate["judge"], evaluate["bce"]
    lines = [_("## Results")]
    scores = list(measures.scored(evaluate))
    if scores:
        lines.append(f"**{headline.line(facts.verdict['name'], evaluate)}**")
        task = (
            _("to classify labels")
            if judge["task"] == "labels"
            else _("to recognise how each was changed")
        )
        lines += [
            _(
                "{samples:,} generated images are compared with the same number of held-out real "
                "images, by a judge and by a critic. The judge is a small network that was trained "
                "on real images only, {task}. It is right on {accuracy:.1%} of the held-out images "
                "(sha256 `{judge}`). The critic was trained from scratch to distinguish real from "
                "generated images (a two-sample test). The floor is the score of real images: "
                "training images replace the generated images. For memorisation and near copies "
                "the floor is known. For the critic, one half of the real images is compared with "
                "the other half. Compare the scores only with scores of the same judge. FID and "
                "KID have the scale of this judge's features, which is not the scale of "
                "Inception's FID."
            ).format(
                samples=evaluate["samples"],
                task=task,
                accuracy=judge["accuracy"],
                judge=judge["sha256"][:12],
            ),
            _("| measure | value | error | floor | error | better |")
            + "\n|---|---|---|---|---|---|\n"
            + "\n".join(
                f"| {measure.full_name} | {' | '.join(_cell(score[part]) for part in _PARTS)} "
                f"| {translated(_BETTER[measure.better])} |"
                for measure, score in scores
            ),
        ]
    else:
        lines.append(
            _("{samples:,} held-out images were too few to score.").format(
                samples=evaluate["samples"]
            )
        )
    d, g = bce["discriminator"], bce["generator"]
    lines.append(
        _(
            "The discriminator's cross-entropy is {d:.4f} nats on both kinds of images "
            "({d_level:.4f} at equilibrium). The generator's is {g:.4f} nats ({g_level:.4f}). The "
            "discriminator is right on {accuracy:.1%} of the images."
        ).format(
            d=d["value"],
            d_level=d["equilibrium"],
            g=g["value"],
            g_level=g["equilibrium"],
            accuracy=evaluate["accuracy"],
        )
    )
    return "\n\n".join(lines)


_PARTS = ("value", "error", "floor", "floor_error")


def _limits(facts: Facts) -> str:
    text = _(
        """## Intended use and limits

These networks are for learning and teaching how GANs train, and for experiments. Do not use them
to make evidence, identities, or training data that somebody relies on.

- The generator draws {picture} of the kind in its training data, and nothing
  else. You cannot ask for a particular image.
- The discriminator knows only this generator's images and this data set. It does not detect
  generated images in general, and its probability is not calibrated.
- Images that are rare in the data may never be drawn, and near copies of training images are
  possible. See recall, coverage, memorisation and near copies above."""
    ).format(picture=_pictures(facts.description))
    if choices.LOSSES[facts.params["loss"]].is_paired:
        text += "\n" + _(
            "- The discriminator was trained on pairs. Only the difference of two images' logits "
            "means something; `probability` of a single image does not."
        )
    return text


def _licence(facts: Facts) -> str:
    return f"{translated(licences.HEADING)}\n\n{facts.terms.sentences}"


def _metric(measure: measures.Measure) -> str:
    """The type of a metric in the block of YAML."""
    return f"critic_{measure.key}" if measure.section == "critic" else measure.key


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
