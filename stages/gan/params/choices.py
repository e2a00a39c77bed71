"""The lists of losses and of kinds of network that params.yaml may name, with facts about each.

They need no MindSpore. So params are checked quickly, and a sweep leaves the memory to its
workers. The code of losses and networks is elsewhere:
`stages.gan.losses` has a class for each loss, `stages.gan.networks` a package for each kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stages.gan.common.language import _, marked


@dataclass(frozen=True)
class Loss:
    """Facts about a loss that are needed before it is built.

    Parameters
    ----------
    takes_pos_weight : bool
        Whether the loss uses `loss_options.pos_weight`.
    takes_label_smoothing : bool
        Whether the loss uses `loss_options.label_smoothing`.
    has_gradient_penalty : bool
        Whether the training step adds `loss_options.gradient_penalty` times a penalty on D's
        gradient (see losses.gradient_penalty).
    is_cross_entropy : bool
        Whether both terms are plain cross-entropies. Then each is ln 2 at equilibrium, and D's
        sum bounds the Jensen-Shannon divergence.
    is_paired : bool
        Whether the loss judges pairs of a real and a generated image, by the difference of their
        logits. A single logit then means nothing.
    """

    takes_pos_weight: bool = False
    takes_label_smoothing: bool = False
    has_gradient_penalty: bool = False
    is_cross_entropy: bool = False
    is_paired: bool = False

    def takes(self, option: str) -> bool:
        """Whether the loss uses an option of OPTIONS."""
        return bool(getattr(self, f"takes_{option}"))


_CROSS_ENTROPY = Loss(takes_pos_weight=True, takes_label_smoothing=True, is_cross_entropy=True)

LOSSES = {
    "bce": _CROSS_ENTROPY,
    "bce_with_logits": _CROSS_ENTROPY,
    "softplus": _CROSS_ENTROPY,
    "mse": Loss(takes_label_smoothing=True),
    "hinge": Loss(),
    "wgan_gp": Loss(has_gradient_penalty=True),
    "rpgan": Loss(is_paired=True),
}

# The titles of pages in the shipped params.yaml. A page says them in its own language, and another
# title as it stands there.
TITLES = (marked("An MLP GAN on handwritten digits"), marked("A DCGAN on anime faces"))

# The options that some losses do not use, and the value of each that changes nothing.
OPTIONS = {"pos_weight": 1.0, "label_smoothing": 0.0}


def losses_that_take(option: str) -> list[str]:
    """The names of the losses that use an option of OPTIONS.

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
    """No complaint (""): these networks can be built for images of any size."""
    return ""


def halved_side(
    image_shape: Sequence[int],
    generator_widths: Sequence[int],
    discriminator_widths: Sequence[int],
) -> str:
    """A complaint unless each width can halve the side of a square image, down to 2 pixels or more.

    Examples
    --------
    >>> halved_side((3, 64, 64), [32, 16], [16, 32])
    ''
    >>> halved_side((1, 12, 12), [32, 16], [8, 16, 32]).split(": ")[1]
    'valid is a multiple of 8 from 16 on, or fewer widths'
    """
    _channels, height, width = image_shape
    halvings = max(len(generator_widths), len(discriminator_widths))
    if height == width and not height % 2**halvings and height // 2**halvings >= 2:
        return ""
    return _(
        "images of {width} x {height} pixels must be square, and their side is halved "
        "{halvings} times, once for each width, with at least 2 pixels left: valid is "
        "a multiple of {multiple} from {least} on, or fewer widths"
    ).format(
        width=width,
        height=height,
        halvings=halvings,
        multiple=2**halvings,
        least=2 ** (halvings + 1),
    )


def halved_but_for_one(
    image_shape: Sequence[int],
    generator_widths: Sequence[int],
    discriminator_widths: Sequence[int],
) -> str:
    """`halved_side`, where one width of each network is that of a dense layer and halves nothing.

    Examples
    --------
    >>> halved_but_for_one((1, 28, 28), [512, 32, 16], [16, 32, 256])
    ''
    >>> halved_but_for_one((1, 28, 28), [512], [16, 256]).split(": ")[1]
    'valid are two widths or more, one of them for a dense layer'
    """
    if min(len(generator_widths), len(discriminator_widths)) < 2:
        return _(
            "one width of each network is that of a dense layer, each other one halves the side: "
            "valid are two widths or more, one of them for a dense layer"
        )
    return halved_side(image_shape, generator_widths[1:], discriminator_widths[:-1])


@dataclass(frozen=True)
class Network:
    """Facts about a kind of network that are needed without its code.

    Parameters
    ----------
    words : str
        Name of the networks in the plural: for "A generative adversarial network of two ...".
    memory : int
        Bytes of memory that an experiment needs, with its evaluation. A sweep starts as many
        workers as fit into memory.
    collapse_steps : int
        Steps of each run of `python -m stages collapse --fixed`: enough to see the lecture's
        failure within some minutes.
    augmentation_helps : bool
        Whether `train.augmentation` is worth a try when images do not look real yet.
    complaint : function of image_shape, generator_widths and discriminator_widths
        Why such networks cannot be built, and what is valid; "" if they can.
        `image_shape` is (channels, height, width).
    """

    words: str
    memory: int
    collapse_steps: int
    augmentation_helps: bool = False
    complaint: Callable[[Sequence[int], Sequence[int], Sequence[int]], str] = any_image


NETWORKS = {
    "mlp": Network(marked("fully connected networks"), memory=1_500_000_000, collapse_steps=1000),
    "dcgan": Network(
        marked("convolutional networks (DCGAN)"),
        memory=2_000_000_000,
        collapse_steps=150,
        augmentation_helps=True,
        complaint=halved_side,
    ),
    "residual": Network(
        marked("residual networks"),
        memory=2_000_000_000,
        collapse_steps=300,
        augmentation_helps=True,
        complaint=halved_side,
    ),
    "mixed": Network(
        marked("networks of dense layers and convolutions"),
        memory=2_000_000_000,
        collapse_steps=300,
        augmentation_helps=True,
        complaint=halved_but_for_one,
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
