"""The losses and the kinds of network that params.yaml may name, with the facts about each.

This table is the one list of both names. It needs no MindSpore, so that checking params stays
quick and a sweep leaves the memory to its workers. The code itself is elsewhere:
`stages.gan.losses` has a class for each loss, `stages.gan.networks` a package for each kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """What must be known about a loss before it is built.

    Parameters
    ----------
    takes_pos_weight : bool
        Whether `loss_options.pos_weight` means something to it.
    takes_label_smoothing : bool
        Whether `loss_options.label_smoothing` means something to it.
    has_gradient_penalty : bool
        Whether the training step adds `loss_options.gradient_penalty` times a penalty on D's
        gradient (see losses.gradient_penalty).
    is_cross_entropy : bool
        Whether both terms are plain cross-entropies, so that ln 2 a term is its equilibrium and
        D's sum bounds the Jensen-Shannon divergence.
    """

    takes_pos_weight: bool = False
    takes_label_smoothing: bool = False
    has_gradient_penalty: bool = False
    is_cross_entropy: bool = False

    def takes(self, option: str) -> bool:
        """Whether an option of OPTIONS means something to it."""
        return bool(getattr(self, f"takes_{option}"))


_CROSS_ENTROPY = Loss(takes_pos_weight=True, takes_label_smoothing=True, is_cross_entropy=True)

LOSSES = {
    "bce": _CROSS_ENTROPY,
    "bce_with_logits": _CROSS_ENTROPY,
    "softplus": _CROSS_ENTROPY,
    "mse": Loss(takes_label_smoothing=True),
    "hinge": Loss(),
    "wgan_gp": Loss(has_gradient_penalty=True),
}

# The options that some losses have no use for, and the value of each that changes nothing.
OPTIONS = {"pos_weight": 1.0, "label_smoothing": 0.0}


def losses_that_take(option: str) -> list[str]:
    """The names of the losses to which an option of OPTIONS means something.

    Examples
    --------
    >>> losses_that_take("label_smoothing")[-2:]
    ['softplus', 'mse']
    """
    return [name for name, loss in LOSSES.items() if loss.takes(option)]


def any_image(
    image_shape: Sequence[int],
    generator_widths: Sequence[int],
    discriminator_widths: Sequence[int],
) -> str:
    """No complaint: these networks can be built for images of any size."""
    return ""


def halved_side(
    image_shape: Sequence[int],
    generator_widths: Sequence[int],
    discriminator_widths: Sequence[int],
) -> str:
    """Complain unless each width can halve the side of a square image, and 2 pixels are left.

    Examples
    --------
    >>> halved_side((3, 64, 64), [32, 16], [16, 32])
    ''
    >>> halved_side((1, 12, 12), [32, 16], [8, 16, 32]).split(": ")[1]
    'valid is a multiple of 8 from 16 on, or fewer widths'
    """
    _, height, width = image_shape
    halvings = max(len(generator_widths), len(discriminator_widths))
    if height == width and not height % 2**halvings and height // 2**halvings >= 2:
        return ""
    return (
        f"images of {width} x {height} pixels are no square whose side can be halved {halvings} "
        f"times, once for each width, with at least 2 pixels left: valid is a multiple of "
        f"{2**halvings} from {2 ** (halvings + 1)} on, or fewer widths"
    )


@dataclass(frozen=True)
class Network:
    """What must be known about a kind of network without its code.

    Parameters
    ----------
    words : str
        What both networks are, in the plural: for "A generative adversarial network of two ...".
    memory : int
        Bytes of memory that an experiment needs, its evaluation included. A sweep starts as many
        workers as fit.
    collapse_steps : int
        Steps of each run of `python -m stages collapse --fixed`: enough to see the lecture's
        failure, and few enough for some minutes.
    complaint : function of image_shape, generator_widths and discriminator_widths
        Why there are no such networks, and what would be valid; "" if there are.
        `image_shape` is (channels, height, width).
    """

    words: str
    memory: int
    collapse_steps: int
    complaint: Callable[[Sequence[int], Sequence[int], Sequence[int]], str] = any_image


NETWORKS = {
    "mlp": Network("fully connected networks", memory=1_500_000_000, collapse_steps=1000),
    "dcgan": Network(
        "convolutional networks (DCGAN)",
        memory=2_000_000_000,
        collapse_steps=150,
        complaint=halved_side,
    ),
}


def network(kind: str) -> Network:
    """The facts about a kind of network.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind not in NETWORKS:
        raise ValueError(f"network {kind!r}: choose one of {', '.join(NETWORKS)}")
    return NETWORKS[kind]
