"""Small games whose best responses are known in closed form."""

from collections.abc import Callable

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from stages.gan import losses
from stages.gan.evaluation.game.boards import Board, Part
from stages.gan.evaluation.game.gaps import Settings
from stages.gan.evaluation.game.responses import Budget
from stages.gan.evaluation.game.rules import Rules

# M(G, D) = E D(x) - E D(G(z)).
LINEAR = Rules(*[losses.build("wgan_gp")] * 2)
CROSS_ENTROPY = Rules(*[losses.build("bce_with_logits")] * 2)
SMOOTHED = Rules(*[losses.build("bce_with_logits", losses.Options(label_smoothing=0.1))] * 2)


def settings(steps: int = 150, rate: float = 0.1, proximity: float = 0.1, seed: int = 7):
    return Settings(Budget(steps, 64, rate), 0.01, proximity, seed)


def parameter(values, name: str) -> Parameter:
    return Parameter(Tensor(np.array(values, np.float32)), name=name)


class Point(nn.Cell):
    """A generator of one image: tanh of its weight, whatever the code."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = parameter([weight], "generator.weight")

    def construct(self, z):
        return ops.reshape(z[:, :1] * 0.0 + ops.tanh(self.weight), (-1, 1, 1, 1))


class Slope(nn.Cell):
    """D(x) = tanh(w) x."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = parameter([weight], "discriminator.weight")

    def construct(self, x):
        return ops.reshape(x, (-1, 1)) * ops.tanh(self.weight)


class Stuck(nn.Cell):
    """D(x) = tanh(10 u^2 v^2) x: at u = 0 its gradient is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = parameter([0.0, 1.0], "discriminator.weight")

    def construct(self, x):
        square = self.weight * self.weight
        return ops.reshape(x, (-1, 1)) * ops.tanh(10.0 * square[0] * square[1])


class Normal(nn.Cell):
    """A generator of N(mean, deviation^2)."""

    def __init__(self, mean: float, deviation: float) -> None:
        super().__init__()
        self.weight = parameter([mean, deviation], "generator.weight")

    def construct(self, z):
        return ops.reshape(self.weight[0] + self.weight[1] * z[:, :1], (-1, 1, 1, 1))


class Quadratic(nn.Cell):
    """D(x) = a + b x + c x^2: the best D between two normal distributions is one of these."""

    def __init__(self, *weights: float) -> None:
        super().__init__()
        self.weight = parameter(weights, "discriminator.weight")

    def construct(self, x):
        x = ops.reshape(x, (-1, 1))
        return self.weight[0] + self.weight[1] * x + self.weight[2] * x * x


def copies(generator: Callable[[], nn.Cell], discriminator: Callable[[], nn.Cell]):
    """Gives new copies of both, in evaluation mode."""

    def build() -> tuple[nn.Cell, nn.Cell]:
        pair = generator(), discriminator()
        for network in pair:
            network.set_train(False)
        return pair

    return build


def board(real: Callable[[np.random.Generator, int], np.ndarray], count: int = 200) -> Board:
    """Real images from a distribution, and codes of one number."""

    def codes(draw: np.random.Generator, number: int) -> np.ndarray:
        return draw.standard_normal((number, 1)).astype(np.float32)

    def part(seed: int, number: int) -> Part:
        draw = np.random.default_rng(seed)
        return Part(real(draw, number), codes(draw, number))

    return Board(real, codes, part(1, min(count, 400)), part(2, count))


def zeros(draw: np.random.Generator, number: int) -> np.ndarray:
    return np.zeros((number, 1, 1, 1), np.float32)


def normal(draw: np.random.Generator, number: int) -> np.ndarray:
    return draw.standard_normal((number, 1, 1, 1)).astype(np.float32)
