"""Facts about optimizers, compiled steps and layers in training."""

import warnings
from itertools import pairwise

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, mint, nn, ops

from stages.tools.mindspore_check.facts import Seen, fact, short


def _parameter(*values: float, name: str = "weight") -> Parameter:
    return Parameter(Tensor(np.array(values, np.float32)), name=name)


def _moves(optimizer: nn.Cell, weight: Parameter, steps: int) -> list[float]:
    """How far each step moves a weight, with a gradient of 1."""
    one, places = Tensor(np.ones(1, np.float32)), [weight.asnumpy().item()]
    for _ in range(steps):
        optimizer((one,))
        places.append(weight.asnumpy().item())
    return [after - before for before, after in pairwise(places)]


@fact("I set a new learning rate and nothing changes")
def new_rate_ignored() -> Seen:
    """Set the rate of Adam from 0.1 to 0.001 after the first step, in two ways."""
    moves = []
    for way in ("set_data", "assign"):
        weight = _parameter(1.0)
        optimizer = nn.Adam([weight], learning_rate=0.1)
        _moves(optimizer, weight, 1)
        if way == "set_data":
            optimizer.learning_rate.set_data(Tensor(0.001, ms.float32))
        else:
            ops.assign(optimizer.learning_rate, Tensor(0.001, ms.float32))
        moves += _moves(optimizer, weight, 1)
    return Seen(
        abs(moves[0] + 0.1) < 1e-3 and abs(moves[1] + 0.001) < 1e-4,
        f"the next move is {short(moves[0])} after set_data, {short(moves[1])} after ops.assign",
    )


@fact("Layers that I froze still move")
def frozen_layers_move() -> Seen:
    """Set requires_grad to False after two steps, and take three more."""
    network = nn.Dense(2, 1, has_bias=False)
    optimizer = nn.Adam(network.trainable_params(), learning_rate=0.01)
    x = Tensor(np.ones((1, 2), np.float32))

    def loss(x):
        return (network(x) ** 2).sum() + network(x).sum()

    gradient = ms.value_and_grad(loss, None, optimizer.parameters)
    for _ in range(2):
        optimizer(gradient(x)[1])
    network.weight.requires_grad = False
    before = network.weight.asnumpy().copy()
    for _ in range(3):
        optimizer(gradient(x)[1])
    moved = float(np.abs(network.weight.asnumpy() - before).max())
    return Seen(moved > 1e-4, f"3 steps after freezing the weight has moved by {short(moved)}")


@fact("My weights do not move, and nobody complains: mint.optim")
def mint_optimizers() -> Seen:
    """Three steps of mint's Adam and SGD with a gradient of 1."""
    moved = []
    for kind in (mint.optim.Adam, mint.optim.SGD):
        weight = _parameter(1.0)
        moved.append(sum(_moves(kind([weight], lr=0.1), weight, 3)))
    return Seen(moved == [0.0, 0.0], f"3 steps at rate 0.1 move by {short(*moved)}")


@fact("My weights do not move, and nobody complains: p.sub_()")
def methods_in_place() -> Seen:
    """Methods whose names end in _ on a Parameter, outside jit."""
    weight = _parameter(1.0)
    weight.sub_(Tensor(np.array([0.5], np.float32)))
    after_sub = weight.asnumpy().item()
    weight.mul_(3.0)
    after_mul = weight.asnumpy().item()
    return Seen(
        after_sub == after_mul == 1.0,
        f"1.0 is {short(after_sub)} after sub_(0.5), {short(after_mul)} after mul_(3.0)",
    )


@fact("The gradients that I accumulate stay 0")
def accumulated_in_a_loop() -> Seen:
    """Add up gradients with += over a loop variable."""
    sums = [Tensor(np.zeros(1, np.float32)) for _ in range(2)]
    for total, gradient in zip(sums, (1.0, 2.0), strict=True):
        total += gradient
    found = [total.asnumpy().item() for total in sums]
    return Seen(found == [0.0, 0.0], f"sums {short(*found)} instead of 1, 2")


@fact("Nesterov momentum makes no difference")
def nesterov() -> Seen:
    """Three steps of nn.Momentum with a gradient of 1, with and without Nesterov."""
    places = []
    for wanted in (False, True):
        weight = _parameter(0.0)
        optimizer = nn.Momentum([weight], 0.1, 0.9, use_nesterov=wanted)
        places.append(_moves(optimizer, weight, 3))
    weight = _parameter(0.0)
    right = _moves(nn.SGD([weight], 0.1, momentum=0.9, nesterov=True), weight, 3)
    return Seen(
        np.allclose(places[0], places[1]) and not np.allclose(places[1], right),
        f"moves {short(*places[1])} with Nesterov, {short(*places[0])} without; nn.SGD "
        f"{short(*right)}",
    )


@fact("clip_by_global_norm makes all gradients 0")
def clipped_to_zero() -> Seen:
    """Clip a float16 gradient of length 255, one of length 257, and one with a NaN."""
    found = []
    for length in (255.0, 257.0):
        (clipped,) = ops.clip_by_global_norm((Tensor([length], ms.float16),), 1.0)
        found.append(float(clipped.asnumpy().item()))
    given = Tensor(np.array([np.nan, 1.0], np.float32)), Tensor(np.array([3.0, 4.0], np.float32))
    unclipped = ops.clip_by_global_norm(given, 1.0)[1].asnumpy()
    return Seen(
        found[0] > 0.9 and found[1] == 0.0 and unclipped.tolist() == [3.0, 4.0],
        f"length 255 to {short(found[0])}, 257 to {short(found[1])}; beside a NaN (3, 4) stays "
        f"({short(*unclipped)})",
    )


@fact("The same code has another gradient under jit: h *= 2")
def in_place_gradient() -> Seen:
    """The gradient of a function with *=, outside and under jit."""

    def loss(x):
        h = ops.sigmoid(x)
        h *= 2
        return (h * h).sum()

    x = Tensor(np.array([0.5, 1.5, 2.5], np.float32))
    right = ms.grad(loss)(x).asnumpy()
    wrong = ms.jit(ms.grad(loss))(x).asnumpy()
    return Seen(
        not np.allclose(wrong, right, atol=1e-3),
        f"gradient {short(*right)}, under jit {short(*wrong)}",
    )


@fact("A jitted function changes my batch")
def in_place_argument() -> Seen:
    """Normalise a batch with -= and /= in a compiled function."""

    def normalised(x):
        x -= 127.5
        x /= 127.5
        return x

    batch = Tensor(np.full(2, 255.0, np.float32))
    compiled = ms.jit(normalised)
    means = [compiled(batch).asnumpy().mean() for _ in range(3)]
    left = batch.asnumpy()[0]
    return Seen(left != 255.0, f"results {short(*means)}; the batch of 255 holds {short(left)}")


@fact("A jitted function ignores set_train")
def ignored_set_train() -> Seen:
    """Compile in evaluation mode, switch to training, and look at the running mean."""
    network = nn.BatchNorm1d(1, momentum=0.5)
    network.set_train(False)
    x = Tensor(np.array([[1.0], [3.0]], np.float32))

    def run(x):
        return network(x)

    compiled = ms.jit(run)
    compiled(x).asnumpy()
    network.set_train(True)
    compiled(x).asnumpy()
    frozen = network.moving_mean.asnumpy().item()
    network(x).asnumpy()
    right = network.moving_mean.asnumpy().item()
    return Seen(
        frozen == 0.0 and right > 0,
        f"running mean after a call in training mode: {short(frozen)}, without jit {short(right)}",
    )


@fact("nn.RMSProp hardly moves at first")
def rmsprop_starts_at_one() -> Seen:
    """The first move of nn.RMSProp; its mean square starts at 1 and not at 0."""
    weight = _parameter(0.0)
    optimizer = nn.RMSProp([weight], learning_rate=5e-5)
    optimizer((Tensor(np.full(1, 0.01, np.float32)),))
    found = -weight.asnumpy().item()
    right = 5e-5 / np.sqrt(0.1)
    return Seen(found < right / 100, f"first move {short(found)}, from 0 it is {short(right)}")


@fact("Layers in a Python list are not trained")
def layers_in_a_list() -> Seen:
    """Count the parameters of a network whose layers are in a list."""

    class Network(nn.Cell):
        """Two layers, held in the given kind of list."""

        def __init__(self, kind) -> None:
            super().__init__()
            self.layers = kind([nn.Dense(2, 2), nn.Dense(2, 2)])

    counts = [len(Network(kind).trainable_params()) for kind in (list, nn.CellList)]
    return Seen(counts == [0, 4], f"parameters: list {counts[0]}, nn.CellList {counts[1]}")


@fact("Batch norm gives NaN for ever after one short batch")
def one_row() -> Seen:
    """One row through BatchNorm1d in training mode."""
    network = nn.BatchNorm1d(1)
    network.set_train()
    network(Tensor(np.ones((1, 1), np.float32))).asnumpy()
    network(Tensor(np.array([[1.0], [3.0]], np.float32))).asnumpy()
    found = network.moving_variance.asnumpy().item()
    return Seen(bool(np.isnan(found)), f"running variance {short(found)}, no error")


@fact("My loss is too small: predictions (N, 1), targets (N,)")
def shapes_that_broadcast() -> Seen:
    """The mean squared error of equal vectors whose shapes differ."""
    values = np.array([1.0, 2.0, 3.0, 4.0], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = nn.MSELoss()(Tensor(values[:, None]), Tensor(values)).asnumpy().item()
    return Seen(found == 2.5, f"loss {short(found)} between equal vectors")


@fact("My loss is twice as large for one image: nn.BCELoss")
def entropy_of_one() -> Seen:
    """The cross-entropy of one probability, reduced in three ways."""
    p, label = Tensor([0.5], ms.float32), Tensor([0.0], ms.float32)
    each, mean, total = (
        nn.BCELoss(reduction=how)(p, label).asnumpy().sum() for how in ("none", "mean", "sum")
    )
    return Seen(
        bool(np.isclose(mean, 2 * each) and np.isclose(total, 2 * each)),
        f"none {short(each)}, mean {short(mean)}, sum {short(total)}",
    )


@fact("A row that I take by the index -1 does not train")
def row_by_negative_index() -> Seen:
    """The gradient of the rows 0 and -1 of three, by a tensor and by a list."""
    x = Tensor(np.ones((3, 1), np.float32))
    by_tensor = ms.grad(lambda x: x[Tensor([0, -1])].sum())(x).asnumpy().ravel()
    by_list = ms.grad(lambda x: x[[0, -1]].sum())(x).asnumpy().ravel()
    return Seen(
        by_tensor.tolist() == [1, 0, 0] and by_list.tolist() == [1, 0, 1],
        f"gradient {short(*by_tensor)} by a tensor, {short(*by_list)} by a list",
    )
