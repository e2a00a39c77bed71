"""MindSpore's own activation layers."""

from mindspore import nn


def activation(name: str, slope: float) -> nn.Cell:
    """The layer of that name in params.yaml; `slope` is leaky_relu's."""
    return {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "elu": nn.ELU,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "none": nn.Identity,
    }[name]()
