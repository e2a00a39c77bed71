"""Facts about loading and keeping weights."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from stages.tools.mindspore_check.facts import Seen, fact, short


def _network() -> nn.Cell:
    """A Dense layer whose four weights and bias are all 0.5."""
    network = nn.Dense(4, 1)
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(np.full(parameter.shape, 0.5, np.float32)))
    return network


def _step(network: nn.Cell) -> Callable[[], float]:
    """A step of gradient descent on the mean square of the output; returns the loss before it."""
    optimizer = nn.SGD(network.trainable_params(), learning_rate=0.05)
    x = Tensor(np.ones((2, 4), np.float32))

    def loss():
        return ops.mean(network(x) ** 2)

    gradient = ms.value_and_grad(loss, None, optimizer.parameters)

    def step() -> float:
        value, gradients = gradient()
        optimizer(gradients)
        return float(value.asnumpy())

    return step


@contextmanager
def _file() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield str(Path(folder) / "network.ckpt")


@fact("My loss stands still after I load a checkpoint")
def loss_stands_still() -> Seen:
    """Load the first weights again after two steps, and train on."""
    network = _network()
    with _file() as file:
        ms.save_checkpoint(network, file)
        step = _step(network)
        before = [step(), step()]
        ms.load_checkpoint(file, net=network)
        after = [step(), step(), step()]
    seen = f"losses {short(*before)}; after loading {short(*after)}"
    return Seen(after[0] == after[1] == after[2], seen)


@fact("My network gives the old answers after I load a checkpoint")
def old_answers() -> Seen:
    """Replace the weights of a network that a compiled function has used."""
    network = _network()
    x = Tensor(np.ones((1, 4), np.float32))

    def answer(x):
        return network(x)

    compiled = ms.jit(answer)
    first = compiled(x).asnumpy().item()
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(np.zeros(parameter.shape, np.float32)))
    later, right = compiled(x).asnumpy().item(), network(x).asnumpy().item()
    return Seen(
        later == first and right == 0.0,
        f"compiled {short(first)}, after setting all weights to 0 {short(later)}; not compiled "
        f"{short(right)}",
    )


@fact("Two networks change together after load_param_into_net")
def change_together() -> Seen:
    """Copy a network's weights into a second network, then train the first."""
    network, other = _network(), _network()
    ms.load_param_into_net(other, network.parameters_dict())
    step = _step(network)
    step()
    step()
    first, second = network.bias.asnumpy().item(), other.bias.asnumpy().item()
    return Seen(
        first == second != 0.5,
        f"a bias of both was 0.5; after 2 steps of the one it is {short(first)}, of the other "
        f"{short(second)}",
    )


@fact("My copy of the best weights follows the training")
def copy_follows() -> Seen:
    """Keep `asnumpy()` of a weight after each of three steps."""
    network = _network()
    step, kept, copied = _step(network), [], []
    for _ in range(3):
        step()
        kept.append(network.bias.asnumpy())
        copied.append(network.bias.asnumpy().copy())
    kept_values, right = [k.item() for k in kept], [c.item() for c in copied]
    return Seen(
        len(set(kept_values)) == 1 < len(set(right)),
        f"kept {short(*kept_values)}; copied {short(*right)}",
    )


@fact("The weights of another network were loaded, without an error")
def another_network() -> Seen:
    """Load a dictionary with a generator and its average into a plain generator."""
    names = {"average.weight": 7.0, "generator.weight": 1.0}
    stored = {
        name: Parameter(Tensor(np.full((1, 4), value, np.float32)), name=name)
        for name, value in names.items()
    }
    network = nn.Dense(4, 1, has_bias=False)
    missing, unused = ms.load_param_into_net(network, stored)
    loaded = network.weight.asnumpy()[0, 0]
    return Seen(
        loaded == 7.0 and not missing,
        f"average.weight (7) came first, so `weight` is {short(loaded)}; said to be missing: "
        f"{missing}, not loaded: {unused}",
    )


@fact("A weight has another shape after set_data")
def another_shape() -> Seen:
    """Put three numbers into a Parameter of two."""
    parameter = Parameter(Tensor(np.zeros(2, np.float32)), name="weight")
    parameter.set_data(Tensor(np.zeros(3, np.float32)))
    return Seen(parameter.shape == (3,), f"shape (2,) became {parameter.shape}")


@fact("A damaged checkpoint loads without an error")
def damaged_checkpoint() -> Seen:
    """Change one byte of a stored weight."""
    network = _network()
    with _file() as file:
        ms.save_checkpoint(network, file)
        path = Path(file)
        content = bytearray(path.read_bytes())
        content[content.index(np.full(4, 0.5, np.float32).tobytes()) + 2] ^= 0x40
        path.chmod(0o600)
        path.write_bytes(content)
        loaded = ms.load_checkpoint(file)["weight"].asnumpy()[0]
    return Seen(
        float(loaded[0]) != 0.5, f"a weight of 0.5 was loaded as {short(loaded[0])}, no error"
    )
