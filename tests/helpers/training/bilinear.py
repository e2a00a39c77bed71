"""A game of two numbers, whose course under any optimizer is known."""

from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn

from stages.gan.training import optimizers


class Player(nn.Cell):
    """One number, beginning at 1."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.number = Parameter(Tensor(np.ones(1, np.float32)), name=f"{name}.number")


class Bilinear:
    """min over x, max over y of x y, from (1, 1).

    Parameters
    ----------
    rate : float
    kind : str
        Of both optimizers.
    at_once : bool
        Whether both players move at the same time; otherwise y moves first, as D does.
    optimistic : bool
    """

    def __init__(
        self,
        rate: float,
        kind: str = "sgd",
        at_once: bool = False,
        optimistic: bool = False,
        **options: Any,
    ) -> None:
        self.players = Player("x"), Player("y")
        x, y = self.players
        movers = [
            optimizers.build(kind, player, name, rate, optimistic=optimistic, **options)
            for player, name in zip(self.players, ("x", "y"), strict=True)
        ]

        def step():
            of_x, of_y = y.number * 1.0, x.number * -1.0
            movers[1]((of_y,))
            if not at_once:
                of_x = y.number * 1.0
            movers[0]((of_x,))
            return x.number + y.number

        self.step = ms.jit(step)

    @property
    def place(self) -> tuple[float, float]:
        """Both numbers."""
        x, y = (float(player.number.asnumpy()[0]) for player in self.players)
        return x, y
