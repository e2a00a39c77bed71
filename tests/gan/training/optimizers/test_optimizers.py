import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from stages.gan.training import optimizers
from stages.gan.training.optimizers.schedules import Cosine, Schedule

RATE, BETA1, BETA2 = 0.03, 0.5, 0.9


class Weights(nn.Cell):
    """A network of two weights."""

    def __init__(self):
        super().__init__()
        draw = np.random.default_rng(0)
        shapes = {"first": (3, 2), "second": (4,)}
        for name, shape in shapes.items():
            values = draw.standard_normal(shape).astype(np.float32)
            setattr(self, name, ms.Parameter(Tensor(values), name=name))


def gradients(update: int) -> list[np.ndarray]:
    draw = np.random.default_rng([1, update])
    return [draw.standard_normal(shape).astype(np.float32) for shape in ((3, 2), (4,))]


def adam(w, memory, g, t, rate, **_):
    m, v = memory
    m[:] = BETA1 * m + (1 - BETA1) * g
    v[:] = BETA2 * v + (1 - BETA2) * g * g
    return w - rate * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - BETA2**t)) + 1e-8)


def adamw(w, memory, g, t, rate, weight_decay, **_):
    return adam(w * (1 - rate * weight_decay), memory, g, t, rate)


def rmsprop(w, memory, g, t, rate, momentum, **_):
    m, s = memory
    s[:] = BETA2 * s + (1 - BETA2) * g * g
    m[:] = momentum * m + rate * g / (np.sqrt(s) + 1e-8)
    return w - m


def sgd(w, memory, g, t, rate, momentum, **_):
    m, _unused = memory
    m[:] = momentum * m + g
    return w - rate * m


FORMULAS = {"adam": adam, "adamw": adamw, "rmsprop": rmsprop, "sgd": sgd}


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("adam", {}),
        ("adamw", {"weight_decay": 0.0}),
        ("adamw", {"weight_decay": 0.3}),
        ("rmsprop", {"momentum": 0.0}),
        ("rmsprop", {"momentum": 0.6}),
        ("sgd", {"momentum": 0.0}),
        ("sgd", {"momentum": 0.6}),
    ],
)
def test_each_moves_the_weights_as_its_formula_says(kind, extra, scheduled):
    schedule = Schedule("step", 2, 0.5, 2) if scheduled else Schedule()
    network = Weights()
    ours = [p.asnumpy().astype(np.float64) for p in network.trainable_params()]
    optimizer = optimizers.build(
        kind, network, "network", schedule.rate(RATE), BETA1, BETA2, **extra
    )

    def update(first, second):
        optimizer((first, second))
        return ops.zeros(1, ms.float32)

    compiled = ms.jit(update)
    memory = [(np.zeros(w.shape), np.zeros(w.shape)) for w in ours]
    for t in range(1, 8):
        compiled(*map(Tensor, gradients(t)))
        rate = RATE * float(schedule.factor(t - 1))
        for index, g in enumerate(gradients(t)):
            ours[index] = FORMULAS[kind](ours[index], memory[index], g, t, rate, **extra)
        for weight, expected in zip(network.trainable_params(), ours, strict=True):
            np.testing.assert_allclose(weight.asnumpy(), expected, rtol=2e-5, atol=2e-6)


def test_without_first_moment_adam_moves_by_each_gradient_alone():
    network = Weights()
    ours = [p.asnumpy().astype(np.float64) for p in network.trainable_params()]
    optimizer = optimizers.build("adam", network, "network", RATE, 0.0, BETA2)
    squares = [np.zeros(w.shape) for w in ours]
    for t in range(1, 6):
        optimizer(tuple(map(Tensor, gradients(t))))
        for w, v, g in zip(ours, squares, gradients(t), strict=True):
            v[:] = BETA2 * v + (1 - BETA2) * g * g
            w -= RATE * g / (np.sqrt(v / (1 - BETA2**t)) + 1e-8)
    for weight, expected in zip(network.trainable_params(), ours, strict=True):
        np.testing.assert_allclose(weight.asnumpy(), expected, rtol=2e-5, atol=2e-6)


def test_without_decay_adamw_is_adam_to_the_bit():
    ends = []
    for kind in ("adam", "adamw"):
        network = Weights()
        optimizer = optimizers.build(kind, network, "network", RATE)
        for t in range(3):
            optimizer(tuple(map(Tensor, gradients(t))))
        ends.append([p.asnumpy() for p in network.trainable_params()])
    for left, right in zip(*ends, strict=True):
        assert (left == right).all()


@pytest.mark.parametrize("kind", optimizers.KINDS)
def test_two_in_one_step_have_their_own_parameters(kind):
    names = []
    for name in ("generator", "discriminator"):
        network = Weights()
        network.update_parameters_name(f"{name}.")
        optimizer = optimizers.build(kind, network, name, RATE)
        names += [p.name for p in optimizer.get_parameters()]
        assert [p.name for p in network.get_parameters()] == [f"{name}.first", f"{name}.second"]
    assert len(names) == len(set(names))


def test_an_unknown_one_is_named():
    with pytest.raises(ValueError, match=r"optimizer 'adm': choose one of adam, adamw"):
        optimizers.build("adm", Weights(), "network", RATE)


@pytest.mark.parametrize("kind", ["adam", "adamw", "rmsprop"])
def test_beta2_moves_with_the_number_of_updates(kind):
    """By the formulas with another beta2 in each update; Adam's correction is by their product."""
    cosine = Cosine(0.5, 0.9, 6)
    network = Weights()
    optimizer = optimizers.build(
        kind, network, "network", RATE, BETA1, BETA2, moving_beta2=cosine.cell()
    )

    def update(first, second):
        optimizer((first, second))
        return ops.zeros(1, ms.float32)

    step = ms.jit(update)
    ours = [p.asnumpy().astype(np.float64) for p in network.trainable_params()]
    moments = [[np.zeros_like(w), np.zeros_like(w)] for w in ours]
    product = 1.0
    for t in range(1, 10):
        beta2 = cosine.value(t - 1)
        product *= beta2
        for w, (m, v), g in zip(ours, moments, gradients(t), strict=True):
            m[:] = BETA1 * m + (1 - BETA1) * g
            v[:] = beta2 * v + (1 - beta2) * g * g
            if kind == "rmsprop":
                w -= RATE * g / (np.sqrt(v) + 1e-8)
            else:
                w -= RATE * (m / (1 - BETA1**t)) / (np.sqrt(v / (1 - product)) + 1e-8)
        step(*(Tensor(g) for g in gradients(t)))
        for parameter, expected in zip(network.trainable_params(), ours, strict=True):
            np.testing.assert_allclose(parameter.asnumpy(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
@pytest.mark.parametrize("betas", [(0.0, 0.9), (0.0, 0.0)])
def test_a_moment_may_be_left_out(kind, betas):
    """With beta1 0, as R3GAN has it, the first moment is the gradient itself."""
    network = Weights()
    ours = [p.asnumpy().astype(np.float64) for p in network.trainable_params()]
    optimizer = optimizers.build(kind, network, "network", RATE, *betas)

    def update(first, second):
        optimizer((first, second))
        return ops.zeros(1, ms.float32)

    step = ms.jit(update)
    squares = [np.zeros_like(w) for w in ours]
    for t in range(1, 4):
        for w, v, g in zip(ours, squares, gradients(t), strict=True):
            v[:] = betas[1] * v + (1 - betas[1]) * g * g
            w -= RATE * g / (np.sqrt(v / (1 - betas[1] ** t)) + 1e-8)
        step(*(Tensor(g) for g in gradients(t)))
        for parameter, expected in zip(network.trainable_params(), ours, strict=True):
            np.testing.assert_allclose(parameter.asnumpy(), expected, rtol=2e-5, atol=2e-6)
