"""The network of judge and critic: a small convolutional classifier, and its training.

Convolutions halve the side; each is followed by batch norm and an activation. Then comes a fully
connected layer, whose normalised outputs are the features. Then come the logits: one per class,
or one for a critic. The convolutions are this project's own (see networks.dcgan.convolution),
because MindSpore's is a hundred times slower on a CPU.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.nn.learning_rate_schedule import LearningRateSchedule
from numpy.typing import NDArray

from stages.gan.common.compiled import jit, overwrite, put
from stages.gan.common.randomness import stream
from stages.gan.common.tensors import as_tensor
from stages.gan.data.prepared import array_files
from stages.gan.layers.normalisation import NormalisedActivation
from stages.gan.networks.dcgan.convolution import KERNEL, Convolution
from stages.gan.trained.checkpoints import values
from stages.gan.trained.sampling import evaluation_mode
from stages.gan.training import optimizers

# Leaky, because a feature that is 0 on most images would add little to a distance.
_ACTIVATION = ("leaky_relu", 0.1)
# Images per batch; the rounding of their logits depends on it.
BATCH = 500
# So many values in evaluation mode take as much longer without a compiled network as it takes to
# compile one (0.15 s): 2,700 digits.
_COMPILE_FROM = 2 << 20


class Classifier(nn.Cell):
    """Images to features and logits.

    Parameters
    ----------
    image_shape : (channels, height, width)
        Any size: an image is padded with copies of its edge until its sides can be halved once for
        each width.
    widths : sequence of int
        Channels of the convolutions, from the largest image to the smallest.
    feature_size : int
    outputs : int
        The number of logits.

    Takes (N, channels, height, width) float32 in [-1, 1] from `framed`; returns features (N,
    feature_size) and logits (N, outputs).
    """

    def __init__(
        self, image_shape: Sequence[int], widths: Sequence[int], feature_size: int, outputs: int
    ) -> None:
        super().__init__()
        inputs, *sides = image_shape
        self.widths = tuple(widths)
        self.feature_size = feature_size
        self.multiple = 2 ** len(widths)
        height, width = (-(-side // self.multiple) * self.multiple for side in sides)
        layers: list[nn.Cell] = []
        for channels in widths:
            height, width = height // 2, width // 2
            layers.append(Convolution(inputs, channels, height, width))
            layers.append(NormalisedActivation(channels, *_ACTIVATION))
            inputs = channels
        self.convolutions = nn.SequentialCell(layers)
        self.to_features = nn.Dense(height * width * inputs, feature_size, has_bias=False)
        self.normalise = NormalisedActivation(feature_size, *_ACTIVATION)
        self.to_logits = nn.Dense(feature_size, outputs)

    def construct(self, x):
        maps = self.convolutions(ops.transpose(x, (0, 2, 3, 1)))
        features = self.normalise(self.to_features(ops.reshape(maps, (x.shape[0], -1))))
        return features, self.to_logits(features)

    def framed(self, images: NDArray[np.floating]) -> NDArray[np.float32]:
        """Images (N, C, H, W), padded so that the network can halve their sides; contiguous."""
        images = np.ascontiguousarray(images, np.float32)
        missing = [-side % self.multiple for side in images.shape[2:]]
        if not any(missing):
            return images
        frame = [(more // 2, more - more // 2) for more in missing]
        return np.pad(images, ((0, 0), (0, 0), *frame), mode="edge")


def build(
    image_shape: Sequence[int],
    widths: Sequence[int],
    feature_size: int,
    outputs: int,
    seed: int = 0,
) -> Classifier:
    """A network with new random weights, in training mode.

    Weights are drawn from N(0, 2 / inputs) (He et al. 2015, equation 10), those of the logits
    from N(0, 1 / inputs); biases are 0.
    """
    network = Classifier(image_shape, widths, feature_size, outputs)
    draw = stream(seed, "weights")
    for _, cell in network.cells_and_names():
        if isinstance(cell, Convolution):
            inputs, gain = cell.weight.shape[0], 2.0
        elif isinstance(cell, nn.Dense):
            inputs, gain = cell.weight.shape[1], 1.0 if cell is network.to_logits else 2.0
        else:
            continue
        drawn = draw.normal(0.0, np.sqrt(gain / inputs), cell.weight.shape)
        put(cell.weight, drawn.astype(np.float32))
    put(network.to_logits.bias, np.zeros(outputs, np.float32))
    network.set_train()
    return network


def parameters(
    image_shape: Sequence[int], widths: Sequence[int], feature_size: int, outputs: int
) -> int:
    """The count of all numbers in a Classifier's parameters, without building it."""
    inputs, *sides = image_shape
    halvings = len(widths)
    height, width = (-(-side // 2**halvings) for side in sides)
    convolutions = sum(KERNEL**2 * before * after for before, after in pairwise((inputs, *widths)))
    dense = height * width * widths[-1] * feature_size + (feature_size + 1) * outputs
    # Factors, shifts, means and variances of the normalisations.
    return convolutions + dense + 4 * (sum(widths) + feature_size)


def cross_entropy(logits, classes):
    """Mean of -ln softmax(logits)[class]: logits (N, classes), classes (N,) int32."""
    return ops.cross_entropy(logits, classes)


def order(count: int, batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The indices of each batch of an epoch; remaining images are dropped.

    If there are fewer images than a batch needs, they form one batch of at least two, because
    batch norm needs two.
    """
    mixed = stream(seed, "order", epoch).permutation(count)
    if count < batch_size:
        return [np.resize(mixed, max(count, 2))]
    return [
        mixed[start : start + batch_size] for start in range(0, count - batch_size + 1, batch_size)
    ]


def steps_per_epoch(count: int, batch_size: int) -> int:
    """The number of batches that `order` gives."""
    return max(count // batch_size, 1)


class _Falling(LearningRateSchedule):
    """`Schedule("cosine")` whose number of steps can be set after it was compiled."""

    def __init__(self, base: float) -> None:
        super().__init__()
        self.base = base
        self.share = Parameter(Tensor(np.float32(1.0)), name="share_of_a_step", requires_grad=False)

    def construct(self, global_step):
        part = ops.minimum(ops.cast(global_step, ms.float32) * self.share, 1.0)
        return self.base * ((1.0 + ops.cos(part * np.pi)) * 0.5)


class Training:
    """The training of a network by Adam; its rate falls to 0 along half a cosine.

    It can begin anew, and is not compiled again then (half a second).

    Parameters
    ----------
    network : Classifier
        A network that no compiled function has used yet.
    loss : callable
        Logits and targets to a scalar.
    learning_rate : float
        The rate at the first step, > 0.
    """

    def __init__(
        self, network: Classifier, loss: Callable[..., ms.Tensor], learning_rate: float
    ) -> None:
        self.network = network
        self._rate = _Falling(learning_rate)
        optimizer = optimizers.build("adam", network, "classifier", self._rate)
        # Both lists hold the weights.
        changing = {p.name: p for cell in (network, optimizer) for p in cell.get_parameters()}
        self._changing = list(changing.values())
        self._first = values(self._changing)
        self._begun = False

        def objective(x, targets):
            return loss(network(x)[1], targets)

        gradient = ms.value_and_grad(objective, None, optimizer.parameters)

        def step(x, targets):
            value, gradients = gradient(x, targets)
            optimizer(gradients)
            return value

        self._step = jit(step, network, optimizer)

    def begin(self, steps: int) -> None:
        """Begin a training of so many steps with the network's first weights."""
        if self._begun:
            self._overwrite(self._first)
        self._begun = True
        overwrite(self._rate.share, np.array(1.0 / steps, np.float32))

    def step(self, images: NDArray[np.floating], targets: NDArray) -> ms.Tensor:
        """A step on images (N, C, H, W) and targets (N,) int32 or (N, 1) float32; the loss."""
        return self._step(as_tensor(self.network.framed(images)), as_tensor(targets))

    def restore(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Give the network these weights, which `values` has taken from it earlier."""
        self._overwrite(weights)

    def _overwrite(self, stored: Mapping[str, NDArray[Any]]) -> None:
        for parameter in self._changing:
            if parameter.name in stored:
                overwrite(parameter, stored[parameter.name])


class Look:
    """Shows images to a network in evaluation mode, in batches of bounded memory.

    A network that has looked at many images is compiled, which takes half the time. The
    last batch may have another size and is not worth another compilation.
    """

    def __init__(self, network: Classifier) -> None:
        self.network = network
        self._looked_at = 0

        def look(x):
            return network(x)

        self._compiled = jit(look, network)

    def __call__(
        self, images: NDArray[np.floating]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features and logits of images.

        Parameters
        ----------
        images : (N, C, H, W) in [-1, 1], N from 1 on; may be a memory map

        Returns
        -------
        features : (N, feature_size) float32
        logits : (N, outputs) float32
        """

        def batches():
            for part in array_files.blocks(len(images), images.shape[1:], BATCH):
                yield images[part]
                array_files.let_go(images)

        return self.at_batches(batches())

    def at_batches(
        self, batches: Iterable[NDArray[np.floating]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same for images that come in the batches of `array_files.blocks`, one or more."""
        seen = []
        with evaluation_mode(self.network):
            for images in batches:
                x = self.network.framed(images)
                self._looked_at += x.size
                whole = next(array_files.blocks(BATCH, images.shape[1:], BATCH)).stop
                many = self._looked_at > _COMPILE_FROM and len(x) == whole
                outputs = (self._compiled if many else self.network)(as_tensor(x))
                seen.append([output.asnumpy() for output in outputs])
        features, logits = zip(*seen, strict=True)
        return np.concatenate(features), np.concatenate(logits)
