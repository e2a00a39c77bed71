"""MindSpore's own activation layers; only tanh is ours."""

from mindspore import nn

from stages.gan.layers import Tanh


def activation(name: str, slope: float) -> nn.Cell:
    """The layer with this name in params.yaml; `slope` is for leaky_relu."""
    return {
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "elu": nn.ELU,
        "tanh": Tanh,
        "sigmoid": nn.Sigmoid,
        "none": nn.Identity,
    }[name]()
