"""MindSpore's own activation layers, but for tanh."""

from mindspore import nn

from stages.gan.layers import Tanh


def activation(name: str, slope: float) -> nn.Cell:
    """The layer of that name in params.yaml; `slope` is leaky_relu's."""
    return {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "elu": nn.ELU,
        "tanh": Tanh,
        "sigmoid": nn.Sigmoid,
        "none": nn.Identity,
    }[name]()
