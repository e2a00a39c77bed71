"""The networks in a real browser against ONNX Runtime and our own."""

import json

import numpy as np
import pytest

from stages.gan.evaluation.judge import classifier
from stages.gan.pages.play import packing, pictures, reference
from tests.helpers.browser import make_page, opened

pytestmark = pytest.mark.slow

FORWARD = """([name, inputs]) => inputs.map(input =>
    [...engine.network(play.data.networks[name]).forward(Float32Array.from(input))])"""
GRADIENT = """([name, input, output]) =>
    [...engine.network(play.data.networks[name]).gradient(Float32Array.from(input), output)]"""
# Beside the four kinds: colour, sides that a judge must frame, and all activations.
NETWORKS = {
    "mlp": {"kind": "mlp"},
    "dcgan": {"kind": "dcgan"},
    "colour": {"kind": "dcgan", "image_shape": (3, 16, 16)},
    "residual": {"kind": "residual", "image_shape": (3, 16, 16)},
    "mixed": {"kind": "mixed", "image_shape": (3, 16, 16), "discriminator_batch_norm": True},
    "framed": {"kind": "mlp", "image_shape": (3, 9, 11)},
    **{
        name: {
            "kind": kind,
            "generator_activation": name,
            "discriminator_activation": name,
            "generator_batch_norm": False,
        }
        for name, kind in (
            ("elu", "mlp"), ("tanh", "dcgan"), ("sigmoid", "mlp"), ("none", "dcgan"),
            ("leaky_relu", "residual"),
        )
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Makes each of NETWORKS' pages once."""
    pages = {}

    def make(name):
        if name not in pages:
            pages[name] = make_page(tmp_path_factory.mktemp(name), **NETWORKS[name])
        return pages[name]

    return make


@pytest.fixture(scope="module")
def coarse(tmp_path_factory):
    """A page whose weights are packed in 13 bits, as those of large networks are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "MOST_BYTES", 0)
        return make_page(tmp_path_factory.mktemp("coarse"), "dcgan", image_shape=(3, 16, 16))


def inputs_of(made):
    """Codes; their images, and others that D tells apart: of one level each, and stripes."""
    draw = np.random.default_rng(3)
    codes = draw.standard_normal((6, made.data["latent"]["size"])).astype(np.float32)
    images = reference.run_file(made.generator, codes)
    levels = np.broadcast_to(np.linspace(-1, 1, 5)[:, None, None, None], (5, *images.shape[1:]))
    stripes = np.broadcast_to((-1) ** np.arange(images.shape[3]), images.shape[1:])[None]
    return codes, np.concatenate([images, levels, stripes]).astype(np.float32)


def forward(page, name, inputs):
    return np.array(page.evaluate(FORWARD, [name, inputs.reshape(len(inputs), -1).tolist()]))


@pytest.mark.parametrize("name", [*NETWORKS, "coarse"])
def test_images_and_logits_are_those_of_onnx_runtime(browser, made, coarse, name):
    page_made = coarse if name == "coarse" else made(name)
    codes, images = inputs_of(page_made)
    logits = reference.run_file(page_made.discriminator, images)
    answers = classifier.Look(page_made.judge)(images)[1]
    with opened(browser, page_made.file) as page:
        drawn = forward(page, "generator", codes)
        asked = forward(page, "discriminator", images)
        judged = forward(page, "judge", images)
    assert np.abs(drawn - images[: len(codes)].reshape(drawn.shape)).max() <= 2 / 255
    assert np.ptp(images[: len(codes)]) > 0.5
    assert packing.difference(packing.LOGITS, "discriminator", logits, asked) <= 0.01
    assert packing.difference(packing.LOGITS, "judge", answers, judged) <= 0.01


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_of_a_logit_is_its_slope_by_each_pixel(browser, made, name):
    page_made = made(name)
    image = inputs_of(page_made)[1][0].reshape(-1)
    places = np.random.default_rng(4).choice(image.size, 40, replace=False)
    steps = 1e-3 * np.eye(image.size, dtype=np.float32)[places]
    for network, output in (("discriminator", 0), ("judge", 3)):
        with opened(browser, page_made.file) as page:
            found = np.array(page.evaluate(GRADIENT, [network, image.tolist(), output]))[places]
            more, less = (
                forward(page, network, image + change)[:, output] for change in (steps, -steps)
            )
        slopes = (more - less) / 2e-3
        # A step may cross the kink of a ReLU, and float32 rounds: so not each slope by itself.
        assert np.corrcoef(found, slopes)[0, 1] > 0.99
        assert np.median(np.abs(found - slopes)) < 0.01 * np.abs(slopes).max()


# The lecture's networks: (description, images a second at least, bytes of the page at most).
LECTURE = {
    "mnist": (
        {
            "kind": "mlp",
            "image_shape": (1, 28, 28),
            "generator_widths": (128, 256, 512, 1024),
            "discriminator_widths": (512, 256),
        },
        10,
        12_000_000,
    ),
    "faces": (
        {
            "kind": "dcgan",
            "judged": False,
            "image_shape": (3, 64, 64),
            "generator_widths": (512, 256, 128, 64),
            "discriminator_widths": (64, 128, 256, 512),
        },
        2,
        20_000_000,
    ),
}
SPEED = """() => {
    const network = engine.network(play.data.networks.generator);
    const codes = [1, 2, 3, 4].map(images.code);
    codes.forEach(network.forward);
    const begin = performance.now();
    let count = 0;
    while (performance.now() - begin < 2000) network.forward(codes[count++ % 4]);
    return 1000 * count / (performance.now() - begin);
}"""


@pytest.mark.parametrize("dataset", LECTURE)
def test_the_lectures_networks_are_fast_and_their_page_is_small(browser, tmp_path, dataset):
    description, images_a_second, most = LECTURE[dataset]
    made = make_page(tmp_path, latent_size=100, **description)
    with opened(browser, made.file) as page:
        assert page.evaluate(SPEED) >= images_a_second
    # The page of a run has other pictures, up to these bounds and a third more for base64.
    own = len(json.dumps([made.data["held_out"], made.data["epochs"]]))
    allowed = (pictures.MOST_OF_SHEET + pictures.MOST_OF_EPOCHS) * 4 / 3
    assert made.file.stat().st_size - own + allowed <= most
