"""One training step, and the loop that repeats it over epochs.

The step knows nothing of files; the loop hands every finished epoch to its caller.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from numpy.typing import NDArray

from stages.gan import regularisers, spectral
from stages.gan.averaging import Average
from stages.gan.layers import as_tensor
from stages.gan.losses import Loss
from stages.gan.prepared import Split
from stages.gan.randomness import latent_codes, stream

# What a step returns, in this order: means over the batch.
MEASURES = ("discriminator_loss", "generator_loss", "real_probability", "fake_probability")

Step = Callable[..., tuple[ms.Tensor, ...]]


@dataclass(frozen=True)
class Options:
    """What a step does besides the recipe. All is off by default, and then not compiled.

    `average` follows the generator after each of its updates. With `instance_noise` a step
    takes another input, noise of the images' shape that is added to the fake ones. `r1` is the
    gamma of the penalty of that name, `gradient_penalty` the weight of WGAN-GP's, for which a
    step takes another input, where on the way from fake to real each image is; for both the
    discriminator must be twice differentiable.
    """

    average: Average | None = None
    instance_noise: bool = False
    r1: float = 0.0
    gradient_penalty: float = 0.0


_PLAIN = Options()


def _discriminator_update(
    discriminator: nn.Cell, loss: Loss, optimizer: nn.Cell, options: Options
) -> Callable[..., Any]:
    """A function of real and fake images that updates the discriminator on them once.

    It returns the loss (without a penalty: the equilibrium is the loss's), and both logits.
    """
    join = ops.Concat(0)
    together = discriminator.rows_are_independent
    with_r1 = options.r1 > 0
    r1 = regularisers.r1(discriminator, options.r1)
    with_penalty = options.gradient_penalty > 0
    on_the_way = regularisers.on_the_way(discriminator, options.gradient_penalty)
    normalised = spectral.layers(discriminator)

    def discriminator_loss(real, fake, mix):
        if together:
            logits = discriminator(join((real, fake)))
            count = real.shape[0]
            real_logits = logits[:count]
            fake_logits = logits[count:]
        else:
            real_logits = discriminator(real)
            fake_logits = discriminator(fake)
        value = loss.real(real_logits) + loss.fake(fake_logits)
        objective = value
        if with_r1:
            objective = objective + r1(real)
        if with_penalty:
            objective = objective + on_the_way(real, fake, mix)
        return objective, value, real_logits, fake_logits

    gradient = ms.value_and_grad(discriminator_loss, None, optimizer.parameters, has_aux=True)

    def update(real, fake, mix):
        for layer in normalised:
            layer.iterate()
        outputs, gradients = gradient(real, fake, mix)
        optimizer(gradients)
        return outputs[1], outputs[2], outputs[3]

    return update


class _KnownGradient(nn.Cell):
    """A scalar `value` whose gradient with respect to x, of any shape, is known already."""

    def construct(self, x, gradient, value):
        return value

    def bprop(self, x, gradient, value, out, dout):
        return gradient * dout, ops.zeros_like(gradient), ops.zeros_like(value)


def make_step(
    generator: nn.Cell,
    discriminator: nn.Cell,
    loss: Loss,
    generator_optimizer: nn.Cell,
    discriminator_optimizer: nn.Cell,
    options: Options = _PLAIN,
) -> Step:
    """Compile one step of the recipe (Goodfellow et al. 2014, algorithm 1 with k = 1).

    The discriminator is updated on real(D(x)) + fake(D(G(z))), then the generator on
    generator(D(G(z))) through the updated discriminator, on the same latent codes.

    The fake images are computed once for both updates: the generator's weights do not
    change in between. The chain rule is cut in two there: what goes back through the
    generator is the gradient of its loss with respect to the fake images, computed before.

    Returns
    -------
    step : (images (N, C, H, W), latent codes (N, latent_size)) -> four scalars, see MEASURES;
        with instance noise also (noise of the fake images (N, C, H, W)), with a gradient
        penalty also (where between fake and real (N, 1, 1, 1)), by these names
    """
    known = _KnownGradient()
    noisy = options.instance_noise
    average = options.average
    update = _discriminator_update(discriminator, loss, discriminator_optimizer, options)

    def generator_loss(fake):
        return loss.generator(discriminator(fake))

    generator_loss_gradient = ms.value_and_grad(generator_loss, 0)

    def play(real, latents, noise, mix):
        fake = generator(latents)
        shown = fake + noise if noisy else fake
        constant_fake = ops.stop_gradient(shown)
        d_loss, real_logits, fake_logits = update(real, constant_fake, mix)
        g_loss, direction = generator_loss_gradient(constant_fake)
        # Without stop_gradient MindSpore would try to differentiate the backward pass.
        g_loss = known(fake, ops.stop_gradient(direction), ops.stop_gradient(g_loss))
        return g_loss, d_loss, real_logits, fake_logits

    generator_gradient = ms.value_and_grad(play, None, generator_optimizer.parameters, has_aux=True)

    def step(real, latents, noise=None, mix=None):
        outputs, gradients = generator_gradient(real, latents, noise, mix)
        generator_optimizer(gradients)
        if average is not None:
            average()
        real_probability = ops.mean(ops.sigmoid(outputs[2]))
        fake_probability = ops.mean(ops.sigmoid(outputs[3]))
        return outputs[1], outputs[0], real_probability, fake_probability

    return ms.jit(step)


def make_discriminator_step(
    generator: nn.Cell,
    discriminator: nn.Cell,
    loss: Loss,
    discriminator_optimizer: nn.Cell,
    options: Options = _PLAIN,
) -> Callable[..., ms.Tensor]:
    """Compile an update of the discriminator alone: what comes before a step where k > 1.

    The generator's weights stay; its batch norm's running statistics see these codes too.

    Returns
    -------
    step : the inputs of `make_step`'s -> the discriminator's loss, a scalar
    """
    noisy = options.instance_noise
    update = _discriminator_update(discriminator, loss, discriminator_optimizer, options)

    def step(real, latents, noise=None, mix=None):
        fake = generator(latents)
        shown = fake + noise if noisy else fake
        value, _, _ = update(real, ops.stop_gradient(shown), mix)
        return value

    return ms.jit(step)


@dataclass
class Epoch:
    """What one epoch gave: a row of MEASURES a step.

    `number` counts from 1 over the whole life of the networks, `first_step` too.
    """

    number: int
    first_step: int
    measures: NDArray[np.float32]

    def means(self) -> dict[str, float]:
        """Mean of each measure over the epoch's steps."""
        means = self.measures.astype(np.float64).mean(axis=0)
        return dict(zip(MEASURES, means.tolist(), strict=True))


@dataclass(frozen=True)
class Plan:
    """How long to train, and in which order.

    `first_epoch` and `first_step` are 1 for new networks; a run that goes on from a
    checkpoint takes them up where it ended, and so draws the numbers that an unbroken run
    would have drawn.

    A step is one update of the generator. It takes `discriminator_steps` batches of images and
    codes, one for each update of the discriminator; the last serves the generator too. So an
    epoch, which shows each image at most once, has that many times fewer steps.

    `instance_noise` is the standard deviation at step 1 of the noise on all images that the
    discriminator sees (Soenderby et al. 2017, section 3.3), in units of the images' [-1, 1].
    With `gradient_penalty` points between fake and real images are drawn for it.
    """

    epochs: int
    max_steps: int | None
    batch_size: int
    attached_latents: bool
    seed: int
    first_epoch: int = 1
    first_step: int = 1
    discriminator_steps: int = 1
    instance_noise: float = 0.0
    gradient_penalty: bool = False
    on_step: Callable[[NDArray[np.float32]], None] = field(default=lambda measures: None)

    def steps_per_epoch(self, count: int) -> int:
        """Steps whose batches are whole; images that are left over are dropped."""
        return count // self.images_per_step

    @property
    def images_per_step(self) -> int:
        """Real images that a step takes, and as many latent codes."""
        return self.batch_size * self.discriminator_steps

    def noise_level(self, step: int, last_step: int) -> float:
        """Standard deviation of the instance noise: linear from step 1 to 0 at the last."""
        return self.instance_noise * (1 - (step - 1) / max(last_step - 1, 1))

    def total_steps(self, count: int) -> int:
        """Steps of the whole run."""
        steps = self.epochs * self.steps_per_epoch(count)
        return steps if self.max_steps is None else min(steps, self.max_steps)


def train(
    step: Step, data: Split, plan: Plan, discriminator_step: Callable[..., Any] | None = None
) -> Iterator[Epoch]:
    """Train epoch by epoch; the last one is shorter where max_steps ends it.

    Parameters
    ----------
    discriminator_step
        From `make_discriminator_step`; needed where the plan has several of them.

    Yields
    ------
    Epoch
        After each epoch, with the networks as they are then.
    """
    per_epoch = plan.steps_per_epoch(len(data))
    left = plan.total_steps(len(data))
    position = plan.first_step
    last_step = position - 1 + left
    number = plan.first_epoch
    latent_size = data.latents.shape[1]
    while left > 0:
        order = stream(plan.seed, "order", number).permutation(len(data))
        steps = min(per_epoch, left)
        measures = np.empty((steps, len(MEASURES)), np.float32)
        for index in range(steps):
            rows = order[index * plan.images_per_step : (index + 1) * plan.images_per_step]
            if plan.attached_latents:
                latents = data.latents[rows]
            else:
                draw = stream(plan.seed, "fresh latents", position + index)
                latents = latent_codes(draw, plan.images_per_step, latent_size)
            batches = inputs(data, rows, latents, plan, position + index, last_step)
            for _ in range(plan.discriminator_steps - 1):
                assert discriminator_step is not None
                given, named = next(batches)
                discriminator_step(*given, **named)
            given, named = next(batches)
            outputs = step(*given, **named)
            measures[index] = [output.asnumpy() for output in outputs]
            plan.on_step(measures[index])
        yield Epoch(number, position, measures)
        left -= steps
        position += steps
        number += 1


def inputs(
    data: Split,
    rows: NDArray[np.integer],
    latents: NDArray[np.float32],
    plan: Plan,
    position: int,
    last_step: int,
) -> Iterator[tuple[tuple[ms.Tensor, ...], dict[str, ms.Tensor]]]:
    """What each update of one step takes, batch by batch: images and codes, and what is named.

    See `make_step` for the names.
    """
    draw = stream(plan.seed, "instance noise", position)
    mixing = stream(plan.seed, "gradient penalty", position)
    level = np.float32(plan.noise_level(position, last_step))
    for start in range(0, len(rows), plan.batch_size):
        part = slice(start, start + plan.batch_size)
        images = data.batch(rows[part])
        named = {}
        if plan.instance_noise > 0:
            images = images + level * draw.standard_normal(images.shape, dtype=np.float32)
            noise = level * draw.standard_normal(images.shape, dtype=np.float32)
            named["noise"] = as_tensor(noise)
        if plan.gradient_penalty:
            mix = mixing.random((len(images), 1, 1, 1), dtype=np.float32)
            named["mix"] = as_tensor(mix)
        yield (as_tensor(images), as_tensor(latents[part])), named
