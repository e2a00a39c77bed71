"""The critic: a new discriminator, trained from scratch on real and generated images.

The generator was not trained against the critic. The critic is tested on images that it has not
seen, so its cross-entropy is unbiased (Lopez-Paz and Oquab 2017, classifier two-sample test).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from stages.gan import losses
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.prepared import array_files, at_levels
from stages.gan.data.prepared.arrays import are_finite
from stages.gan.evaluation.judge import classifier
from stages.gan.losses.equilibrium import binary_cross_entropy, probability
from stages.gan.params import Critic as Settings
from stages.gan.trained.checkpoints import values

_SET_ASIDE = 0.2
# The smallest scale, of logits with deviation 1: even useless logits keep their order.
_LEAST_SCALE = 1e-3


class Critic:
    """A critic of images of one shape, which can be trained again from its first weights.

    It is compiled once for all its trainings.

    Parameters
    ----------
    image_shape : (channels, height, width)
    settings : params.Critic
    seed : int
        The seed of weights, order, and the images set aside; >= 0.
    """

    def __init__(self, image_shape: tuple[int, ...], settings: Settings, seed: int) -> None:
        self.settings = settings
        self.seed = seed
        self.image_shape = tuple(image_shape)
        # One logit; the layer before it is as wide as the last convolution.
        widths = settings.widths
        network = classifier.build(self.image_shape, widths, widths[-1], 1, seed)
        loss = losses.build("bce_with_logits")
        self._training = classifier.Training(network, loss.term, settings.learning_rate)
        self._look = classifier.Look(network)

    def judge_apart(
        self,
        real_train: NDArray[np.floating],
        fake_train: NDArray[np.floating],
        real_test: NDArray[np.floating],
        fake_test: NDArray[np.floating],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Train on one pair of sets, and return the logits on the other pair.

        All images are first rounded to 8-bit levels, like real images: otherwise the critic could
        recognise generated images by that. A fifth of the training images is set aside, to choose
        the epoch, scale and bias of the logits. If they cannot be distinguished, all logits are
        near 0.

        Images are read and rounded in blocks: memory does not grow with their number.

        Parameters
        ----------
        real_train, fake_train : (N, C, H, W) and (M, C, H, W) in [-1, 1], at least 2 of each
            The critic's training images; may be memory maps.
        real_test, fake_test : (K, C, H, W) and (L, C, H, W), at least 1 of each
            Other images, for testing.

        Returns
        -------
        real_logits, fake_logits : (K,) and (L,) float64, ln of the odds of being real

        Raises
        ------
        ValueError
            If there are too few images, or not all have the critic's shape.
        UserError
            If the training diverges from the first epoch on, or a logit is not finite.
        """
        given = (real_train, fake_train, real_test, fake_test)
        shapes = {images.shape[1:] for images in given}
        few = min(map(len, given[:2])) < 2 or min(map(len, given[2:])) < 1
        if shapes != {self.image_shape} or few:
            raise ValueError(
                f"images {', '.join(str(images.shape) for images in given)}: valid is one shape, "
                f"{self.image_shape}, 2 or more to train on and 1 or more to test"
            )
        scale, bias = self._train(real_train, fake_train)
        real_logits, fake_logits = (
            scale * _logits(self._look, images, np.arange(len(images))) + bias
            for images in (real_test, fake_test)
        )
        if not (are_finite(real_logits) and are_finite(fake_logits)):
            raise _diverged()
        return real_logits, fake_logits

    def _train(
        self, real_train: NDArray[np.floating], fake_train: NDArray[np.floating]
    ) -> tuple[float, float]:
        """Train, keep the weights of the best epoch, and return its scale and bias."""
        settings, seed = self.settings, self.seed
        real_rows, real_aside = _set_aside(len(real_train), seed, 0)
        fake_rows, fake_aside = _set_aside(len(fake_train), seed, 1)
        asides = (real_train, real_aside), (fake_train, fake_aside)
        half = max(settings.batch_size // 2, 1)
        sizes = (classifier.steps_per_epoch(len(rows), half) for rows in (real_rows, fake_rows))
        self._training.begin(settings.epochs * min(sizes))
        lowest, kept = np.inf, None
        for epoch in range(settings.epochs):
            real_order = classifier.order(len(real_rows), half, seed, 2 * epoch)
            fake_order = classifier.order(len(fake_rows), half, seed, 2 * epoch + 1)
            for real, fake in zip(real_order, fake_order, strict=False):
                images = _levels(real_train, real_rows[real]), _levels(fake_train, fake_rows[fake])
                counts = len(real), len(fake)
                targets = np.repeat(np.array([[1], [0]], np.float32), counts, axis=0)
                self._training.step(np.concatenate(images), targets)
            answers = [_logits(self._look, images, rows) for images, rows in asides]
            if not all(map(are_finite, answers)):
                continue
            scale, bias = calibration(*answers)
            value = sum(
                binary_cross_entropy(scale * logits + bias, target)
                for logits, target in zip(answers, (1.0, 0.0), strict=True)
            )
            if value < lowest:
                lowest = value
                kept = values(self._training.network.get_parameters()), scale, bias
        if kept is None:
            raise _diverged()
        weights, scale, bias = kept
        self._training.restore(weights)
        return scale, bias


def judge_apart(
    real_train: NDArray[np.floating],
    fake_train: NDArray[np.floating],
    real_test: NDArray[np.floating],
    fake_test: NDArray[np.floating],
    settings: Settings,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The logits of a critic that is trained once; see `Critic`."""
    critic = Critic(real_train.shape[1:], settings, seed)
    return critic.judge_apart(real_train, fake_train, real_test, fake_test)


def calibration(
    real_logits: NDArray[np.float64], fake_logits: NDArray[np.float64]
) -> tuple[float, float]:
    """The scale, above 0, and the bias that give logits the lowest cross-entropy.

    It is Platt scaling (Platt 1999). His targets are a little below 1 and above 0 (section 2.2),
    so that a few images without an error do not make logits infinite.

    Parameters
    ----------
    real_logits, fake_logits : (N,) and (M,), of images that the critic was not trained on

    Examples
    --------
    >>> scale, bias = calibration(np.array([3.0, 5.0]), np.array([1.0, 3.0]))
    >>> bool(scale > 0), round(-bias / scale, 2)  # real from 3 on
    (True, 3.0)
    """
    logits = np.concatenate([real_logits, fake_logits])
    centre, deviation = logits.mean(), max(float(logits.std()), 1e-9)
    sides = [
        ((real_logits - centre) / deviation, (len(real_logits) + 1) / (len(real_logits) + 2)),
        ((fake_logits - centre) / deviation, 1 / (len(fake_logits) + 2)),
    ]

    def objective(point):
        scale, bias = point
        value, slopes = 0.0, np.zeros(2)
        for units, target in sides:
            value += binary_cross_entropy(scale * units + bias, target)
            excess = probability(scale * units + bias) - target
            slopes += (excess * units).mean(), excess.mean()
        return value, slopes

    found = minimize(
        objective,
        (1.0, 0.0),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LEAST_SCALE, None), (None, None)],
    )
    scale, bias = found.x
    return float(scale / deviation), float(bias - scale * centre / deviation)


def _set_aside(count: int, seed: int, position: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The indices of the images to train on, and of the images to set aside."""
    mixed = stream(seed, "split", position).permutation(count)
    aside = max(1, round(_SET_ASIDE * count))
    return mixed[aside:], mixed[:aside]


def _levels(images: NDArray[np.floating], rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """The images at `rows`, at the nearest 8-bit levels."""
    return at_levels(array_files.rows(images, rows))


def _logits(
    look: classifier.Look, images: NDArray[np.floating], rows: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Logits (M,) of the images at M indices, M from 1 on, in blocks of bounded memory."""
    parts = array_files.blocks(len(rows), images.shape[1:], classifier.BATCH)
    _, logits = look.at_batches(_levels(images, rows[part]) for part in parts)
    return logits[:, 0].astype(np.float64)


def _diverged() -> UserError:
    return UserError(
        _(
            "the critic's logits are not finite, because its training diverged: first try "
            "a smaller evaluate.critic.learning_rate"
        )
    )
