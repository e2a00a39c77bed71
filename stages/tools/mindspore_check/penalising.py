"""Facts about penalties on a gradient, and about gradients that get lost."""

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from stages.tools.mindspore_check.facts import Seen, fact, short


def _penalty_of(network: nn.Cell):
    """Images to the mean squared length of the gradient of the network's sum."""

    def total(x):
        return network(x).sum()

    gradient = ms.grad(total, 0)

    def penalty(x):
        direction = gradient(x)
        return (direction * direction).sum() / x.shape[0]

    return penalty


@fact("My gradient penalty does not train the last layer")
def last_layer() -> Seen:
    """The penalty's gradient by the weight of a Dense layer after Flatten, in both modes."""
    network = nn.SequentialCell(
        nn.Conv2d(1, 2, 3, pad_mode="valid"), nn.Tanh(), nn.Flatten(), nn.Dense(8, 1)
    )
    draw = np.random.default_rng(0)
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(draw.normal(0, 0.5, parameter.shape).astype(np.float32)))
    x = Tensor(draw.normal(0, 1, (2, 1, 4, 4)).astype(np.float32))
    weight = network[3].weight
    gradient = ms.value_and_grad(_penalty_of(network), None, [weight])
    lengths = [
        float(np.linalg.norm(each(x)[1][0].asnumpy())) for each in (gradient, ms.jit(gradient))
    ]
    return Seen(
        lengths[0] == 0.0 < lengths[1],
        f"length of the gradient {short(lengths[0])}, under jit {short(lengths[1])}",
    )


@fact("A term of my loss has no gradient: a NumPy number stands on its left")
def numpy_on_the_left() -> Seen:
    """The gradient of a sum of two terms, one of them with a NumPy number on the left."""
    x = Tensor(np.array([1.0, 2.0, 3.0], np.float32))

    def numpy_left(x):
        return x.sum() + np.float32(10) * (x * x).sum()

    def python_left(x):
        return x.sum() + 10.0 * (x * x).sum()

    wrong, right = (ms.grad(f)(x).asnumpy() for f in (numpy_left, python_left))
    return Seen(
        wrong.tolist() == [1, 1, 1] and right.tolist() == [21, 41, 61],
        f"np.float32(10) * ...: {short(*wrong)}; 10.0 * ...: {short(*right)}",
    )


@fact("My gradient penalty is NaN as soon as one gradient is 0")
def norm_of_zero() -> Seen:
    """The gradient of ops.norm at a row of zeros."""

    def length(x):
        return ops.norm(x, dim=1).sum()

    found = ms.grad(length)(Tensor(np.zeros((1, 2), np.float32))).asnumpy()[0]
    return Seen(bool(np.isnan(found).all()), f"gradient {short(*found)}; 0 would be usual")


@fact("The gradient is NaN where a feature is constant")
def var_of_constants() -> Seen:
    """The gradient of ops.var at equal numbers."""
    x = Tensor(np.ones(4, np.float32))

    def by_ops(x):
        return ops.var(x)

    def by_method(x):
        return x.var()

    wrong, right = (ms.grad(f)(x).asnumpy() for f in (by_ops, by_method))
    return Seen(
        bool(np.isnan(wrong).all()) and not right.any(),
        f"ops.var {short(*wrong)}; Tensor.var {short(*right)}",
    )


@fact("A network with SeLU learns badly")
def selu() -> Seen:
    """The gradient of ops.selu at -1, which is 1.0507 * 1.6733 * exp(-1) by definition."""
    found = ms.grad(ops.selu)(Tensor(np.array([-1.0], np.float32))).asnumpy().item()
    right = 1.0507 * 1.6733 * np.exp(-1)
    return Seen(abs(found - right) > 0.1, f"gradient at -1 {short(found)}, right {short(right)}")
