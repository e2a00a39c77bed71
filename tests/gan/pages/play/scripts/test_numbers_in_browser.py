"""What computes in the page and draws nothing: arithmetic, random numbers, losses, small GAN."""

import math
import struct

import numpy as np
import pytest
from mindspore import ops
from scipy import stats

from stages.gan import losses
from stages.gan.losses import Options
from stages.gan.losses.equilibrium import point, values_and_slopes
from stages.gan.pages.lesson import saturation
from tests.helpers.browser import make_page, opened

pytestmark = pytest.mark.slow

LOGITS = (-40.0, -20.0, -17.0, -2.0, 0.0, 2.0, 16.0, 17.0, 20.0, 40.0)
MINIMA = ("bce", "bce_with_logits", "mse", "hinge", "rpgan")
GOLDEN = 0x9E3779B9


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    made = make_page(tmp_path_factory.mktemp("play"), judged=False)
    with opened(browser, made.file) as opened_page:
        yield opened_page


def computed(page, name, values):
    """A function of the page, of each value. Playwright gives whole numbers as int, of any size."""
    return np.array(page.evaluate(f"values => values.map(x => {name}(x))", values), np.float64)


def test_exp_and_ln_are_those_of_mathematics(page):
    x = [*np.linspace(-700, 700, 1001).tolist(), 0.0, 1e-9, -1e-9]
    np.testing.assert_allclose(computed(page, "arithmetic.exp", x), np.exp(x), rtol=1e-14)
    y = [*np.exp(np.linspace(-700, 700, 1001)).tolist(), 1.0, 5e-324, 0.999999]
    np.testing.assert_allclose(
        computed(page, "arithmetic.ln", y), np.log(y), rtol=1e-14, atol=1e-16
    )
    z = np.exp(np.linspace(-90, 3, 500)).tolist()
    np.testing.assert_allclose(computed(page, "arithmetic.ln1p", z), np.log1p(z), rtol=1e-14)
    angles = np.linspace(-3 * np.pi, 3 * np.pi, 101).tolist()
    np.testing.assert_allclose(
        computed(page, "arithmetic.circle", angles),
        np.stack([np.cos(angles), np.sin(angles)], axis=1),
        atol=1e-10,
    )


@pytest.mark.parametrize("value", [1.0, 0.5, -0.1, 0.99999994, 1e-12, 0.0])
def test_bits_are_those_of_float32(page, value):
    (word,) = struct.unpack(">I", struct.pack(">f", value))
    assert page.evaluate("x => arithmetic.bitsOf(x)", value) == f"{word:032b}"


def words_of(seed: int, count: int) -> list[int]:
    """xoshiro128** from a state of splitmix32, as their authors write them down."""
    mask = 0xFFFFFFFF
    state = []
    for _ in range(4):
        seed = (seed + GOLDEN) & mask
        mixed = (seed ^ (seed >> 16)) * 0x21F0AAAD & mask
        mixed = (mixed ^ (mixed >> 15)) * 0x735A2D97 & mask
        state.append(mixed ^ (mixed >> 15))
    words = []
    for _ in range(count):
        mixed = state[1] * 5 & mask
        words.append((mixed << 7 | mixed >> 25) * 9 & mask)
        shifted = state[1] << 9 & mask
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = (state[3] << 11 | state[3] >> 21) & mask
    return words


@pytest.mark.parametrize("seed", [0, 1, 4294967295, 123456])
def test_a_stream_is_fixed_by_its_seed(page, seed):
    drawn = page.evaluate(
        "seed => {const s = random.stream(seed); return Array.from({length: 200}, s.uniform)}", seed
    )
    assert drawn == [(word >> 8) / 2**24 for word in words_of(seed, 200)]


def test_numbers_are_distributed_as_they_say(page):
    script = """kind => {const s = random.stream(7);
        return Array.from({length: 20000}, () => kind === 'below' ? s.below(5) : s[kind]())}"""
    uniform = np.array(page.evaluate(script, "uniform"))
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert stats.kstest(uniform, "uniform").pvalue > 0.001
    assert stats.kstest(page.evaluate(script, "normal"), "norm").pvalue > 0.001
    counts = np.bincount(page.evaluate(script, "below"), minlength=5)
    assert len(counts) == 5
    assert stats.chisquare(counts).pvalue > 0.001


def by_numpy(name: str, s: float, y: float) -> tuple[float, float]:
    """Value and slope of a loss by NumPy in float32, one operation after the other."""
    one, least = np.float32(1), np.float32(1e-12)
    s, y = np.float32(s), np.float32(y)

    def sigmoid(x):
        return one / (one + np.exp(-x))

    def softplus(x):
        return np.maximum(x, np.float32(0)) + np.log1p(np.exp(-np.abs(x)))

    def ln(p):
        return np.log(p + least)

    p = sigmoid(s)
    spread = p * (one - p)
    if name == "bce":
        value = -(y * ln(p) + (one - y) * ln(one - p))
        return float(value), float((p - y) / np.maximum(spread, least) * spread)
    if name == "bce_with_logits":
        return float(softplus(s) - y * s), float(p - y)
    if name == "softplus":
        value = y * softplus(-s) + (one - y) * softplus(s)
        return float(value), float((one - y) * p - y * sigmoid(-s))
    if name == "mse":
        error = p - y
        return float(error * error), float(np.float32(2) * error * spread)
    sign = np.float32(-1 if y == 1 else 1)
    if name == "rpgan":
        return float(softplus(sign * s)), float(sign * sigmoid(sign * s))
    if name == "hinge":
        return max(0.0, float(one + sign * s)), float(sign) if one + sign * s > 0 else 0.0
    return float(sign * s), float(sign)


VALUE = """([name, logits, y]) => logits.map(s =>
    [losses.table[name].value(s, y), losses.table[name].slope(s, y)])"""


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses_are_numpys_in_float32(page, name, y):
    found = np.array(page.evaluate(VALUE, [name, LOGITS, y]))
    expected = np.array([by_numpy(name, s, y) for s in LOGITS])
    # NumPy's float32 exp and log are good to a last digit or two; the page's are rounded once.
    np.testing.assert_allclose(found, expected, rtol=4e-7, atol=1e-37)


@pytest.mark.parametrize("term", ["real", "fake", "generator"])
@pytest.mark.parametrize("name", losses.LOSSES)
def test_losses_are_those_that_train_the_networks(page, name, term):
    """Of a loss of pairs: of one image's logit, if that of the other is 0."""
    logits = np.linspace(-40, 40, 161)
    loss = losses.build(name, Options(reduction="none"))

    def of_pairs(s):
        if term == "generator":
            return loss.generator(s, ops.zeros_like(s))
        pair = (s, ops.zeros_like(s))
        return loss.discriminator(*(pair if term == "real" else reversed(pair)))

    function = of_pairs if loss.is_paired else getattr(loss, term)
    values, slopes = values_and_slopes(function, logits)
    script = VALUE
    if term == "generator":
        script = """([name, logits]) => logits.map(s =>
            [losses.table[name].generator.value(s), losses.table[name].generator.slope(s)])"""
    found = np.array(page.evaluate(script, [name, logits.tolist(), int(term == "real")]))
    # MindSpore's own exp and softplus are good to about 2e-6. Where the hinge has its corner, 0
    # and 1 are both a slope of it.
    smooth = np.abs(np.abs(logits) - 1) > 1e-6
    np.testing.assert_allclose(found[:, 0], values, rtol=2e-5, atol=5e-6)
    np.testing.assert_allclose(found[smooth, 1], slopes[smooth], rtol=2e-5, atol=5e-6)


@pytest.mark.parametrize("name", ["bce", "bce_with_logits", "softplus", "mse"])
def test_a_smoothed_label_is_the_projects(page, name):
    logits = np.linspace(-8, 8, 33)
    loss = losses.build(name, Options(reduction="none", label_smoothing=0.1))
    values, slopes = values_and_slopes(loss.real, logits)
    found = np.array(page.evaluate(VALUE, [name, logits.tolist(), 0.9]))
    np.testing.assert_allclose(found[:, 0], values, rtol=2e-5, atol=5e-6)
    np.testing.assert_allclose(found[:, 1], slopes, rtol=2e-5, atol=5e-6)


def test_cross_entropy_saturates_where_the_projects_does(page):
    first = saturation()
    before, at = page.evaluate(VALUE, ["bce", [first.logit - 1 / 64, first.logit], 0])
    assert before[1] != 0
    assert at == [first.loss, 0]
    assert page.evaluate("s => losses.sigmoid(s)", first.logit) == 1


@pytest.mark.parametrize("name", MINIMA)
def test_the_equilibrium_is_the_projects(page, name):
    best = point(losses.build(name))
    found = page.evaluate("name => losses.equilibrium(name)", name)
    assert found["probability"] == pytest.approx(best.probability, abs=1e-6)
    assert found["discriminator"] == pytest.approx(best.discriminator, abs=1e-6)
    assert found["generator"] == pytest.approx(best.generator, abs=1e-6)


SETTINGS = {
    "loss": "bce_with_logits",
    "rate": 0.0002,
    "beta1": 0.5,
    "beta2": 0.999,
    "batch": 64,
    "discriminatorSteps": 1,
}
GRADIENT = """([settings, side]) => {
    const make = () => smallGanModel.create({kind: 'ring', seed: 3}, settings);
    const network = side === 'D' ? 'discriminator' : 'generator';
    // The loss of the first batch, with weights moved along a direction.
    const at = (number, along, size) => {
        const gan = make();
        const {values} = gan[network].layers[number];
        for (let i = 0; i < values.length; i++) values[i] += size * along[i];
        gan[`gradientOf${side}`]();
        return side === 'D' ? gan.seen.real + gan.seen.fake : gan.seen.generator;
    };
    const gan = make();
    gan[`gradientOf${side}`]();
    const stream = random.stream(5);
    const found = [];
    gan[network].layers.forEach(({slopes}, number) => {
        const length = Math.hypot(...slopes);
        const ways = [slopes.map(each => each / length)];
        for (let i = 0; i < 4; i++) {
            const way = slopes.map(() => stream.normal());
            const size = Math.hypot(...way);
            ways.push(way.map(each => each / size));
        }
        for (const way of ways) {
            const slope = way.reduce((sum, each, i) => sum + each * slopes[i], 0);
            const size = 0.003;
            const rise = at(number, way, size) - at(number, way, -size);
            found.push([slope, rise / (2 * size), length]);
        }
    });
    return found;
}"""


@pytest.mark.parametrize("side", ["D", "G"])
@pytest.mark.parametrize("name", MINIMA)
def test_gradients_of_the_small_gan_are_those_of_its_losses(page, name, side):
    found = page.evaluate(GRADIENT, [SETTINGS | {"loss": name}, side])
    assert len(found) == 15  # three layers, five directions in each
    for slope, by_differences, length in found:
        assert length > 0
        # Losses are rounded to float32, and a leaky ReLU may bend between the two ends.
        assert slope == pytest.approx(by_differences, rel=0.01, abs=0.01 * length)


RUN = """([seed, settings, steps, kind]) => {
    const gan = smallGanModel.create({kind, seed}, settings);
    for (let i = 0; i < steps; i++) gan.step();
    return {...gan.seen, ...gan.verdict(), points: [...gan.sample()]};
}"""
LECTURE = SETTINGS | {"loss": "bce", "rate": 0.01}


@pytest.mark.parametrize("seed", range(1, 11))
def test_the_lectures_rate_kills_the_small_gan_as_it_kills_the_lectures(page, seed):
    seen = page.evaluate(RUN, [seed, LECTURE, 20, "ring"])
    assert seen["key"] == "dead"
    assert (seen["gradientD"], seen["gradientG"]) == (0, 0)
    assert f"{(seen['real'] + seen['fake']) / 2:.6f}" == "13.815511"
    assert f"{seen['generator']:.6f}" == "-0.000000"
    assert (seen["answerReal"], seen["answerFake"]) == (1, 1)


def test_on_the_logit_the_same_run_stays_alive(page):
    seen = page.evaluate(RUN, [1, SETTINGS | {"rate": 0.01}, 20, "ring"])
    assert seen["gradientD"] > 0
    assert seen["gradientG"] > 0
    assert math.isfinite(seen["generator"])


@pytest.mark.parametrize("kind", ["ring", "moons", "spiral"])
def test_at_a_small_rate_it_learns_the_data(page, kind):
    before = page.evaluate(RUN, [1, SETTINGS, 0, kind])
    after = page.evaluate(RUN, [1, SETTINGS, 1200, kind])
    assert before["key"] == "new"
    assert before["covered"] < before["places"] / 2
    assert after["covered"] >= 0.75 * after["places"]
    assert after["near"] > 60
    assert after["key"] == "near"


def test_a_run_is_fixed_by_its_seed(page):
    first, second = (page.evaluate(RUN, [2, SETTINGS, 30, "ring"]) for _ in range(2))
    other = page.evaluate(RUN, [3, SETTINGS, 30, "ring"])
    assert first == second
    assert first["points"] != other["points"]
