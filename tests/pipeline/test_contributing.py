"""The ways of CONTRIBUTING.md, gone with toys: each file it names, and no other.

To try another way: a section of TOYS with the section's title, and a function for each file of
stages/ that the section names.
"""

import json
import re
from collections.abc import Callable

import pytest

from tests.helpers.project import ROOT, Project

pytestmark = pytest.mark.pipeline

LOSS_CLASS = '''
class Toy(LossOfImages):
    """(s - 1)^2 on real and s^2 on generated images."""

    def real(self, logits):
        return self.reduced((logits - 1.0) * (logits - 1.0))

    def fake(self, logits):
        return self.reduced(logits * logits)

    def generator(self, fake_logits, real_logits=None):
        return self.reduced((fake_logits - 1.0) * (fake_logits - 1.0))


'''

KIND = '''"""One layer each."""

import math

from mindspore import Tensor, nn, ops

from stages.gan.layers import Tanh
from stages.gan.layers.spectral import SpectralNorm


class Generator(nn.Cell):
    """A Dense layer, then tanh."""

    def __init__(self, image_shape, latent_size, widths, activation_name, slope, batch_norm):
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.layer = nn.Dense(latent_size, math.prod(image_shape))
        self.end = Tanh()

    def construct(self, z):
        return ops.reshape(self.end(self.layer(z)), (-1, *self.image_shape))


class Discriminator(nn.Cell):
    """A Dense layer."""

    def __init__(
        self, image_shape, widths, activation_name, slope, batch_norm, spectral_norm=False
    ):
        super().__init__()
        layer = nn.Dense(math.prod(image_shape), 1)
        self.layer = SpectralNorm(layer) if spectral_norm else layer
        self.rows_are_independent = True

    def construct(self, x):
        return self.layer(ops.reshape(x, (x.shape[0], -1)))


def initialise(network, generator):
    """Draw all from N(0, 0.02)."""
    for parameter in network.trainable_params():
        values = generator.normal(0.0, 0.02, parameter.shape).astype("float32")
        parameter.set_data(Tensor(values))


def generator_weights(image_shape, latent_size, widths):
    """Those of one layer."""
    return latent_size * math.prod(image_shape)


def discriminator_weights(image_shape, widths):
    """Those of one layer."""
    return math.prod(image_shape)


def remark():
    """Nothing to say."""
    return ""
'''

PLAIN = '''"""The same layers."""

import math

from mindspore import nn

from stages.gan.layers import Tanh


def generator(description):
    """A Dense layer, then tanh."""
    pixels = math.prod(description.image_shape)
    return nn.SequentialCell(
        nn.Dense(description.latent_size, pixels),
        Tanh(),
        nn.Unflatten(1, tuple(description.image_shape)),
    )


def discriminator(description):
    """A Dense layer."""
    return nn.SequentialCell(nn.Flatten(), nn.Dense(math.prod(description.image_shape), 1))


def to_plain(layer, values, shape):
    """As it is."""
    return values


def from_plain(layer, values, shape):
    """As it is."""
    return values
'''


MEASURE = '''"""The share of the class that is drawn most often."""

import numpy as np

from stages.gan.evaluation.quality.scores import Estimate

NAMES = ("toy_measure",)


def compare(real, generated):
    """Of the generated images alone, as precision is; real ones give the floor."""
    return {"toy_measure": Estimate(float(np.bincount(generated).max() / len(generated)), None)}
'''


def around(anchor: str, after: str, before: str = "") -> Callable[[str], str]:
    """An edit: put lines after some, and before them, which the file has once."""

    def edit(text: str) -> str:
        assert text.count(anchor) == 1, anchor
        return text.replace(anchor, before + anchor + after)

    return edit


def all_of(*edits: Callable[[str], str]) -> Callable[[str], str]:
    """Several edits of one file."""

    def edit(text: str) -> str:
        for each in edits:
            text = each(text)
        return text

    return edit


def new(content: str) -> Callable[[str], str]:
    """A file that there was not."""

    def edit(text: str) -> str:
        assert text == ""
        return content

    return edit


# Of each section of CONTRIBUTING.md: how many files its way takes, and an edit for each of stages/.
TOYS: dict[str, tuple[int, dict[str, Callable[[str], str]]]] = {
    "A new loss": (
        4,
        {
            "stages/gan/params/choices.py": around("\nLOSSES = {\n", '    "toy_loss": Loss(),\n'),
            "stages/gan/losses/__init__.py": around(
                "\nLOSSES = complete(\n    {\n", '        "toy_loss": Toy,\n', before=LOSS_CLASS
            ),
        },
    ),
    "A new kind of network": (
        5,
        {
            "stages/gan/networks/toy_kind/__init__.py": new(KIND),
            "stages/gan/export/plain/toy_kind.py": new(PLAIN),
            "stages/gan/params/choices.py": around(
                "\nNETWORKS = {\n",
                '    "toy_kind": Network("toy networks", memory=10**9, collapse_steps=200),\n',
            ),
        },
    ),
    "A new measure": (
        5,
        {
            "stages/gan/evaluation/quality/toy_measure.py": new(MEASURE),
            "stages/gan/evaluation/quality/measuring.py": all_of(
                around("\nfrom dataclasses import dataclass\n", "\nfrom . import toy_measure\n"),
                around("    *memorisation.NAMES,\n", "", before="    *toy_measure.NAMES,\n"),
                around(
                    "        **kernel.compare(real.kernel, generated.kernel),\n",
                    "        **toy_measure.compare(real.classes, generated.classes),\n",
                ),
            ),
            "stages/gan/measures/table.py": around(
                '    Measure(\n        "quality", "memorisation",',
                "",
                before='    Measure("quality", "toy_measure", "toy measure", "floor", "A toy."),\n',
            ),
        },
    ),
}


def files_of(section: str) -> list[str]:
    """The files that a section of CONTRIBUTING.md names in its numbered steps."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (body,) = re.findall(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.S | re.M)
    return re.findall(r"^[0-9]+\. `([^`]+)`:", body, re.M)


@pytest.mark.parametrize("section", TOYS)
def test_a_way_names_files_that_there_are(section):
    count, edits = TOYS[section]
    named = files_of(section)
    assert len(named) == count
    for file in named:
        assert "<" in file or (ROOT / file).is_file(), file
    own = [file.replace("<kind>", "toy_kind").replace("<name>", "toy_measure") for file in named]
    assert [file for file in own if file.startswith("stages/")] == list(edits)
    assert sum(file.startswith("docs/") for file in own) == 1
    assert sum(file.startswith("tests/") for file in own) == 1


@pytest.mark.slow
def test_the_toys_go_through_the_whole_pipeline(project: Project):
    for _, edits in TOYS.values():
        for file, edit in edits.items():
            path = project.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(edit(path.read_text() if path.exists() else ""))
    params = project.params
    params["datasets"]["mnist"]["network"] = "toy_kind"
    params["mnist"]["train"].update(loss="toy_loss", on_failure="warn")
    params["mnist"]["train"]["discriminator"]["spectral_norm"] = True
    project.write_params(params)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.run("dvc", "repro", "report@mnist", "play@mnist")
    folder = project.folder
    assert "toy_loss" in (folder / "reports/mnist/index.html").read_text()
    card = (folder / "models/mnist/export/README.md").read_text()
    assert "A generative adversarial network of two toy networks" in card
    for name in ("generator.onnx", "discriminator.onnx", "generator.mindir"):
        assert (folder / "models/mnist/export" / name).is_file()
    evaluate = json.loads((folder / "metrics/mnist/scores.json").read_text())
    assert 0 < evaluate["quality"]["toy_measure"]["value"] <= 1
    assert 0 < evaluate["quality"]["toy_measure"]["floor"] <= 1
    for page in ("reports/mnist/index.html", "models/mnist/export/README.md"):
        assert "toy measure" in (folder / page).read_text()
    # The sum of both squares is lowest where s = 1/2: it is 1/4 + 1/4 there.
    loss = evaluate["training_loss"]
    assert loss["name"] == "toy_loss"
    assert loss["real"]["equilibrium"] == pytest.approx(0.25, abs=1e-5)
    assert loss["discriminator"]["equilibrium"] == pytest.approx(0.5, abs=1e-5)
