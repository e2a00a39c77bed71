from functools import cache

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

from stages.gan import losses, networks
from stages.gan.common.compiled import overwrite
from stages.gan.layers import spectral
from stages.gan.training import optimizers
from stages.gan.training.step import Options, make_step, penalties
from tests.helpers.data import load_params
from tests.helpers.training.network import describe
from tests.helpers.training.steps import batch, make, optimize, state

GAMMA = 3.0
SIGMA = 0.01
RATE = 0.01


def plain(kind, seed=3, **changes):
    """A discriminator that differentiates twice, with larger weights than it starts with."""
    description = describe(kind, **{"discriminator_batch_norm": False, **changes})
    pair = networks.build(description, seed, twice_differentiable=True)
    draw = np.random.default_rng(1)
    for parameter in pair[1].trainable_params():
        values = draw.standard_normal(parameter.shape) * 0.3
        parameter.set_data(Tensor(values.astype(np.float32)))
    for layer in spectral.layers(pair[1]):
        layer.start(draw)
    return pair


def numeric_penalty(discriminator, images):
    """gamma / 2 E|grad D|^2 by central differences, taking the logits as they come."""
    step = 2e-2
    values = images.astype(np.float32)
    squares = np.zeros(len(values))
    for place in np.ndindex(values.shape[1:]):
        up, down = values.copy(), values.copy()
        up[(slice(None), *place)] += step
        down[(slice(None), *place)] -= step
        above = discriminator(Tensor(up)).asnumpy()[:, 0].astype(np.float64)
        below = discriminator(Tensor(down)).asnumpy()[:, 0].astype(np.float64)
        squares += ((above - below) / (2 * step)) ** 2
    return GAMMA / 2 * squares.mean()


def test_the_params_name_the_images_the_gammas_and_the_sigma(tmp_path):
    def of(ranks=1, **changes):
        named = {f"mnist__train__{name}": value for name, value in changes.items()}
        return penalties.of_params(load_params(tmp_path, "mnist", **named).train, ranks)

    assert of() == ()
    assert of(r1=1.0) == (penalties.Penalty("real", 1.0),)
    both = of(2, r1=1.0, r2=4.0, penalty__kind="difference", penalty__sigma=0.02)
    assert both == (penalties.Penalty("real", 0.5, 0.02), penalties.Penalty("fake", 2.0, 0.02))
    assert [each.place for each in both] == [0, 1]


SLOW = [("dcgan", "tanh")]
CASES = [
    pytest.param(kind, activation, {}, marks=[pytest.mark.slow] * ((kind, activation) in SLOW))
    for kind, activations in (
        ("mlp", ("leaky_relu", "relu", "elu", "tanh", "sigmoid", "none")),
        ("dcgan", ("elu", "tanh")),
    )
    for activation in activations
]
CASES += [
    pytest.param(
        kind,
        "tanh",
        {"discriminator_spectral_norm": True},
        marks=[pytest.mark.slow] * (kind != "mlp"),
    )
    for kind in networks.KINDS
]


@pytest.mark.parametrize(("kind", "activation", "changes"), CASES)
def test_the_penalty_and_its_gradient_are_the_numeric_ones(kind, activation, changes):
    _, discriminator = plain(
        kind, image_shape=(1, 8, 8), discriminator_activation=activation, **changes
    )
    images = batch(0)[0].asnumpy()[:3]
    penalty = penalties.exact(discriminator, GAMMA)
    weights = discriminator.trainable_params()
    gradient = ms.jit(ms.value_and_grad(penalty, None, weights))
    value, found = gradient(Tensor(images))
    if activation not in ("relu", "leaky_relu"):  # differences across a kink are none
        assert float(value.asnumpy()) == pytest.approx(
            numeric_penalty(discriminator, images), rel=3e-3
        )
    # The second derivative: along the gradient and along a random direction of all weights.
    draw = np.random.default_rng(2)
    directions = [
        [g.asnumpy() for g in found],
        [draw.standard_normal(w.shape) for w in weights],
    ]
    found = [g.copy() for g in found]
    start = [w.asnumpy().astype(np.float64) for w in weights]
    for direction in directions:
        length = np.sqrt(sum((d * d).sum() for d in direction))
        h = 2e-3 / length
        ends = []
        for sign in (1, -1):
            for weight, w, d in zip(weights, start, direction, strict=True):
                overwrite(weight, (w + sign * h * d).astype(np.float32))
            ends.append(float(gradient(Tensor(images))[0].asnumpy()))
        expected = sum((g.asnumpy() * d).sum() for g, d in zip(found, direction, strict=True))
        scale = np.sqrt(sum((g.asnumpy() ** 2).sum() for g in found)) * length
        assert abs((ends[0] - ends[1]) / (2 * h) - expected) < 1e-2 * scale


@pytest.mark.parametrize("kind", [kind for kind in networks.KINDS if kind != "residual"])
def test_of_a_piecewise_linear_discriminator_the_gradient_obeys_euler(kind):
    """grad D is linear in each layer's weight, so the penalty is quadratic in it.

    (In a residual block it is not: what passes beside the block does not depend on its weights.)
    Then the weight times the penalty's gradient is twice the penalty, and a bias, which only
    moves the kinks, has no gradient. Differences along many weights would cross kinks.
    """
    _, discriminator = plain(kind, discriminator_activation="leaky_relu")
    weights = discriminator.trainable_params()
    penalty = penalties.exact(discriminator, GAMMA)
    value, found = ms.jit(ms.value_and_grad(penalty, None, weights))(batch(0)[0])
    for weight, gradient in zip(weights, found, strict=True):
        product = float((weight.asnumpy() * gradient.asnumpy()).sum())
        expected = 0.0 if weight.name.endswith("bias") else 2 * float(value.asnumpy())
        assert product == pytest.approx(expected, rel=1e-4, abs=1e-6), weight.name


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_twice_differentiable_discriminator_computes_the_same(kind, batch_norm):
    description = describe(kind, discriminator_batch_norm=batch_norm)
    fast = networks.build(description, 1)[1]
    slow = networks.build(description, 1, twice_differentiable=True)[1]
    assert [p.name for p in fast.get_parameters()] == [p.name for p in slow.get_parameters()]
    images = batch(0)[0]
    np.testing.assert_allclose(fast(images).asnumpy(), slow(images).asnumpy(), atol=2e-6)


BOTH = {"r1": GAMMA, "r2": 2 * GAMMA}
# Two derivatives are compiled. Those of a convolution take some ten seconds, so one step has both.
EACH = [("mlp", {"r1": GAMMA}), ("mlp", {"r2": GAMMA}), ("mlp", BOTH)]
EACH += [
    pytest.param(kind, BOTH, marks=pytest.mark.slow) for kind in networks.KINDS if kind != "mlp"
]


@pytest.mark.parametrize(
    ("kind", "options"), EACH, ids=lambda of: of if isinstance(of, str) else " ".join(of)
)
def test_the_step_adds_the_penaltys_gradient_to_that_of_the_loss(kind, options):
    """By a first update of plain gradient descent, whose length is the rate."""
    listed = penalties.listed(**options)
    with_it, loss = first_move(plain(kind), Options(penalties=listed))
    without, plain_loss = first_move_without(kind)
    found = unit_gradients(kind)
    expected = [
        sum(gamma * found[name][index] for name, gamma in options.items())
        for index in range(len(without))
    ]
    for moved, other, g in zip(with_it, without, expected, strict=True):
        np.testing.assert_allclose(moved - other, -RATE * g, atol=1e-6)
    assert loss == plain_loss  # what is reported is the loss alone


@cache
def first_move_without(kind):
    return first_move(plain(kind), Options())


@cache
def unit_gradients(kind):
    """The gradients by D's weights of R1 and of R2, each with gamma 1, at the start."""
    generator, discriminator = plain(kind)
    real, z = batch(0)
    penalty = penalties.exact(discriminator, 1.0)
    gradient = ms.jit(ms.value_and_grad(penalty, None, discriminator.trainable_params()))
    return {
        name: [g.asnumpy().copy() for g in gradient(images)[1]]
        for name, images in (("r1", real), ("r2", generator(z)))
    }


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_a_penalty_by_difference_moves_d_as_its_formula_says(spectral_norm):
    """D has fast layers, and the step is given the noise; see `by_difference`."""
    description = describe("mlp", discriminator_spectral_norm=spectral_norm)
    moves = noise(1), noise(2)
    options = Options(penalties=penalties.listed(GAMMA, 2 * GAMMA, SIGMA))
    named = {"real_move": Tensor(moves[0]), "fake_move": Tensor(moves[1])}
    with_it, loss = first_move(networks.build(description, 3), options, **named)
    without, plain_loss = first_move(networks.build(description, 3), Options())
    generator, discriminator = networks.build(description, 3)
    for layer in spectral.layers(discriminator):
        layer.iterate()
    weights = discriminator.trainable_params()
    real, z = batch(0)
    images = real, ops.stop_gradient(generator(z))

    def penalty():
        total = 0.0
        for x, move, gamma in zip(images, moves, (GAMMA, 2 * GAMMA), strict=True):
            change = discriminator(x + Tensor(move)) - discriminator(x)
            total = total + ops.mean(change * change) * (gamma / 2 / SIGMA**2)
        return total

    _, found = ms.value_and_grad(penalty, None, weights)()
    scale = max(np.abs(g.asnumpy()).max() for g in found)
    for moved, other, g in zip(with_it, without, found, strict=True):
        np.testing.assert_allclose(moved - other, -RATE * g.asnumpy(), atol=RATE * scale * 1e-3)
    assert loss == pytest.approx(plain_loss, rel=1e-6)


def noise(seed, shape=(8, 1, 8, 8), sigma=None):
    """Moves of images, normal with deviation sigma."""
    draw = np.random.default_rng([5, seed])
    return np.float32(SIGMA if sigma is None else sigma) * draw.standard_normal(shape, np.float32)


def first_move(pair, options, **named):
    """How a first step of gradient descent moves D's weights, and D's loss."""
    before = [p.asnumpy().copy() for p in pair[1].trainable_params()]
    movers = [
        optimizers.build("sgd", network, name, RATE)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    ]
    step = make_step(*pair, losses.build("bce"), *movers, options)
    measures = step(*batch(0), **named)
    after = [p.asnumpy() for p in pair[1].trainable_params()]
    moved = [a - b for a, b in zip(after, before, strict=True)]
    return moved, float(measures[0].asnumpy())


@pytest.mark.parametrize("sigma", [1e-2, 1.0])
def test_of_a_linear_discriminator_the_difference_has_the_closed_form(sigma):
    """D(x) = <w, x>: gamma / 2 (e . w)^2 for each draw, gamma / 2 |w|^2 on average."""
    _, discriminator = plain("mlp", discriminator_activation="none")
    dense = [p for p in discriminator.trainable_params() if p.name.endswith("weight")]
    slope = np.linalg.multi_dot([p.asnumpy().astype(np.float64) for p in reversed(dense)])[0]
    images = np.tile(batch(0)[0].asnumpy(), (250, 1, 1, 1))  # 2,000
    moves = noise(3, images.shape, sigma)
    penalty = penalties.by_difference(GAMMA, sigma)
    logits = discriminator(Tensor(images)), discriminator(Tensor(images + moves))
    found = float(penalty(*logits).asnumpy())
    along = moves.reshape(len(images), -1).astype(np.float64) @ slope / sigma
    assert found == pytest.approx(GAMMA / 2 * (along**2).mean(), rel=1e-3)
    # The relative deviation of the mean is sqrt(2 / 2000) = 0.032.
    assert found == pytest.approx(GAMMA / 2 * (slope**2).sum(), rel=0.1)


@pytest.mark.parametrize("activation", ["tanh", "leaky_relu"])
def test_on_average_the_difference_is_the_exact_penalty(activation):
    """Value and gradient by D's weights, of 4,000 draws for each of 8 images."""
    _, discriminator = plain("mlp", discriminator_activation=activation)
    weights = discriminator.trainable_params()
    images = batch(0)[0].asnumpy()
    value, gradients = ms.jit(
        ms.value_and_grad(penalties.exact(discriminator, GAMMA), None, weights)
    )(Tensor(images))
    sigma = 1e-3
    many = np.tile(images, (4000, 1, 1, 1))
    moved = Tensor(many + noise(4, many.shape, sigma))
    penalty = penalties.by_difference(GAMMA, sigma)

    def estimate(x, nearby):
        return penalty(discriminator(x), discriminator(nearby))

    found, estimated = ms.jit(ms.value_and_grad(estimate, None, weights))(Tensor(many), moved)
    # The relative deviation is at most sqrt(2 / 4000) = 0.022.
    assert float(found.asnumpy()) == pytest.approx(float(value.asnumpy()), rel=0.07)
    exact, near = (
        np.concatenate([g.asnumpy().ravel() for g in each]) for each in (gradients, estimated)
    )
    assert np.linalg.norm(near - exact) < 0.1 * np.linalg.norm(exact)


def test_under_the_penalty_the_gradient_on_real_images_becomes_smaller():
    """With a share of 0 the same step trains without the penalty."""
    pair = networks.build(describe("mlp"), 1, twice_differentiable=True)
    movers = make_movers(pair)
    options = Options(penalties=penalties.listed(100.0), shared=True)
    step = make_step(*pair, losses.build("bce"), *movers, options)
    squares_of = compiled(penalties.squared_gradient_norms(pair[1]))
    cells = (*pair, *movers)
    start = state(pair, movers)
    norms = {}
    for share in (0.0, 1.0):
        for parameter in (p for cell in cells for p in cell.get_parameters()):
            overwrite(parameter, start[parameter.name])
        for index in range(60):
            step(*batch(index), share=Tensor(np.float32(share)))
        squares = squares_of(batch(0)[0])
        assert squares.shape == (8,)
        norms[share] = squares.asnumpy().mean()
    assert norms[1.0] < norms[0.0] / 4


def make_movers(pair):
    return [
        optimizers.build("adam", network, name, 0.002, 0.5)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    ]


def test_make_has_layers_that_are_no_plain_ones():
    # so that the comparison above compares two different things
    cells = [cell for _, cell in make("dcgan")[0][1].cells_and_names()]
    assert any(hasattr(cell, "plain") for cell in cells)
    slow = networks.build(describe("dcgan"), 1, twice_differentiable=True)[1]
    assert not any(hasattr(cell, "plain") for _, cell in slow.cells_and_names() if used(cell))


def used(cell) -> bool:
    """Not the compiled form that a layer keeps aside."""
    return not type(cell).__name__.startswith(("_NormaliseAndRectify", "_Rescale"))


def test_the_penalty_of_a_linear_discriminator_depends_on_its_slope_alone():
    """D(x) = <w, x> has the gradient w everywhere: weight (|w| - 1)^2, and its own derivative."""
    _, discriminator = plain("mlp", discriminator_activation="none")
    dense = [p for p in discriminator.trainable_params() if p.name.endswith("weight")]
    slope = np.linalg.multi_dot([p.asnumpy().astype(np.float64) for p in reversed(dense)])
    length = np.linalg.norm(slope)
    penalty = penalties.on_the_way(discriminator, 10.0)
    real, fake = batch(0)[0], batch(1)[0]
    mix = Tensor(np.random.default_rng(1).random((len(real), 1, 1, 1), dtype=np.float32))
    value, found = ms.jit(ms.value_and_grad(penalty, None, dense))(real, fake, mix)
    assert float(value.asnumpy()) == pytest.approx(10 * (length - 1) ** 2, rel=1e-4)
    # Each weight's length scales |w|.
    for weight, gradient in zip(dense, found, strict=True):
        product = float((weight.asnumpy() * gradient.asnumpy()).sum())
        assert product == pytest.approx(20 * (length - 1) * length, rel=1e-3)


def test_the_penalty_is_taken_between_real_and_fake_images():
    """At m = 1 on the real images, at m = 0 on the generated ones."""
    _, discriminator = plain("mlp", discriminator_activation="tanh")
    penalty = compiled(penalties.on_the_way(discriminator, 3.0))
    norms = compiled(penalties.squared_gradient_norms(discriminator))
    real, fake = batch(0)[0], batch(1)[0]
    for m, images in ((1.0, real), (0.0, fake), (0.25, fake + 0.25 * (real - fake))):
        mix = Tensor(np.full((len(real), 1, 1, 1), m, np.float32))
        expected = 3 * np.mean((np.sqrt(norms(images).asnumpy()) - 1) ** 2)
        assert float(penalty(real, fake, mix).asnumpy()) == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_training_with_the_penalty_brings_the_slope_to_one():
    slopes = {}
    for weight in (0.0, 10.0):
        pair = networks.build(describe("mlp"), 1, twice_differentiable=True)
        step = make_step(
            *pair,
            losses.build("wgan_gp"),
            *optimize(pair, 0.01),
            Options(gradient_penalty=weight),
        )
        for index in range(200):
            real, z = batch(index)
            mix = np.random.default_rng(index).random((len(real), 1, 1, 1), dtype=np.float32)
            step(real, z, **({"mix": Tensor(mix)} if weight else {}))
        norms = compiled(penalties.squared_gradient_norms(pair[1]))(batch(0)[0])
        slopes[weight] = float(np.sqrt(norms.asnumpy()).mean())
    assert slopes[10.0] == pytest.approx(1.0, abs=0.3)
    assert slopes[0.0] > 2.0


def compiled(penalty):
    """A compiled function that calls the penalty."""

    def call(*given):
        return penalty(*given)

    return ms.jit(call)


@pytest.mark.parametrize("name", ["squared_gradient_norms", "exact", "on_the_way"])
def test_outside_a_compiled_function_a_penalty_is_refused(name):
    """There the gradient by a Dense layer's weight would lack parts, or be 0."""
    _, discriminator = plain("mlp", discriminator_activation="tanh")
    options = () if name == "squared_gradient_norms" else (GAMMA,)
    penalty = getattr(penalties, name)(discriminator, *options)
    real, fake = batch(0)[0], batch(1)[0]
    given = (real, fake, Tensor(np.ones((len(real), 1, 1, 1), np.float32)))
    given = given if name == "on_the_way" else given[:1]
    with pytest.raises(RuntimeError, match="outside a compiled function"):
        penalty(*given)
    with pytest.raises(RuntimeError, match="outside a compiled function"):
        ms.value_and_grad(penalty, None, discriminator.trainable_params())(*given)
    assert np.isfinite(compiled(penalty)(*given).asnumpy()).all()


@pytest.fixture(params=["PYNATIVE_MODE", "GRAPH_MODE"])
def mode(request):
    """Both of MindSpore's modes; a penalty is compiled in each."""
    before = ms.get_context("mode")
    ms.set_context(mode=getattr(ms, request.param))
    yield request.param
    ms.set_context(mode=before)


def test_in_both_modes_each_penalty_has_the_numeric_gradient(mode):
    """Along a random direction of all weights, by central differences of the penalty itself.

    The penalty's value is a first derivative, which the other tests compare with differences.
    """
    _, discriminator = plain("mlp", discriminator_activation="tanh")
    weights = discriminator.trainable_params()
    real, fake = batch(0)[0], batch(1)[0]
    mix = Tensor(np.random.default_rng(1).random((len(real), 1, 1, 1), dtype=np.float32))
    for penalty, given in (
        (penalties.exact(discriminator, GAMMA), (real,)),
        (penalties.on_the_way(discriminator, 10.0), (real, fake, mix)),
    ):
        gradient = ms.jit(ms.value_and_grad(penalty, None, weights))
        found = [g.copy() for g in gradient(*given)[1]]
        start = [w.asnumpy().copy() for w in weights]
        draw = np.random.default_rng(4)
        direction = [draw.standard_normal(w.shape).astype(np.float32) for w in weights]
        h, ends = 1e-3, []
        for sign in (1, -1):
            for weight, value, way in zip(weights, start, direction, strict=True):
                overwrite(weight, value + np.float32(sign * h) * way)
            ends.append(float(gradient(*given)[0].asnumpy()))
        for weight, value in zip(weights, start, strict=True):
            overwrite(weight, value)
        expected = sum((g.asnumpy() * d).sum() for g, d in zip(found, direction, strict=True))
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(expected, rel=1e-2), mode
