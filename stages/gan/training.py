"""One training step, and the loop that repeats it over epochs.

The step knows nothing of files; the loop hands every finished epoch to its caller.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from numpy.typing import NDArray

from stages.gan.layers import as_tensor
from stages.gan.prepared import Split
from stages.gan.randomness import latent_codes, stream

# What a step returns, in this order: means over the batch.
MEASURES = ("discriminator_loss", "generator_loss", "real_probability", "fake_probability")

Step = Callable[[ms.Tensor, ms.Tensor], tuple[ms.Tensor, ...]]


def make_step(
    generator: nn.Cell,
    discriminator: nn.Cell,
    loss: nn.Cell,
    generator_optimizer: nn.Cell,
    discriminator_optimizer: nn.Cell,
) -> Step:
    """Compile one step of the recipe (Goodfellow et al. 2014, algorithm 1 with k = 1).

    The discriminator is updated on loss(D(x), 1) + loss(D(G(z)), 0), then the generator on
    loss(D(G(z)), 1) through the updated discriminator, on the same latent codes.

    The fake images are computed once for both updates: the generator's weights do not
    change in between. Its gradient is that of sum(G(z) * g), where g is the gradient of its
    loss with respect to the fake images, which is the chain rule cut in two.

    Returns
    -------
    step : (images (N, C, H, W), latent codes (N, latent_size)) -> four scalars, see MEASURES
    """
    join = ops.Concat(0)
    total = ops.ReduceSum()
    together = discriminator.rows_are_independent

    def discriminator_loss(real, fake):
        if together:
            logits = discriminator(join((real, fake)))
            count = real.shape[0]
            real_logits = logits[:count]
            fake_logits = logits[count:]
        else:
            real_logits = discriminator(real)
            fake_logits = discriminator(fake)
        value = loss(real_logits, 1.0) + loss(fake_logits, 0.0)
        return value, real_logits, fake_logits

    discriminator_gradient = ms.value_and_grad(
        discriminator_loss, None, discriminator_optimizer.parameters, has_aux=True
    )

    def generator_loss(fake):
        return loss(discriminator(fake), 1.0)

    generator_loss_gradient = ms.value_and_grad(generator_loss, 0)

    def play(real, latents):
        fake = generator(latents)
        constant_fake = ops.stop_gradient(fake)
        (d_loss, real_logits, fake_logits), gradients = discriminator_gradient(real, constant_fake)
        discriminator_optimizer(gradients)
        g_loss, direction = generator_loss_gradient(constant_fake)
        surrogate = total(fake * ops.stop_gradient(direction))
        return surrogate, d_loss, g_loss, real_logits, fake_logits

    generator_gradient = ms.value_and_grad(play, None, generator_optimizer.parameters, has_aux=True)

    def step(real, latents):
        outputs, gradients = generator_gradient(real, latents)
        generator_optimizer(gradients)
        real_probability = ops.mean(ops.sigmoid(outputs[3]))
        fake_probability = ops.mean(ops.sigmoid(outputs[4]))
        return outputs[1], outputs[2], real_probability, fake_probability

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
    """

    epochs: int
    max_steps: int | None
    batch_size: int
    attached_latents: bool
    seed: int
    first_epoch: int = 1
    first_step: int = 1
    on_step: Callable[[NDArray[np.float32]], None] = field(default=lambda measures: None)

    def steps_per_epoch(self, count: int) -> int:
        """Whole batches in an epoch; the incomplete last one is dropped."""
        return count // self.batch_size

    def total_steps(self, count: int) -> int:
        """Steps of the whole run."""
        steps = self.epochs * self.steps_per_epoch(count)
        return steps if self.max_steps is None else min(steps, self.max_steps)


def train(step: Step, data: Split, plan: Plan) -> Iterator[Epoch]:
    """Train epoch by epoch; the last one is shorter where max_steps ends it.

    Yields
    ------
    Epoch
        After each epoch, with the networks as they are then.
    """
    per_epoch = plan.steps_per_epoch(len(data))
    left = plan.total_steps(len(data))
    position = plan.first_step
    number = plan.first_epoch
    latent_size = data.latents.shape[1]
    while left > 0:
        order = stream(plan.seed, "order", number).permutation(len(data))
        steps = min(per_epoch, left)
        measures = np.empty((steps, len(MEASURES)), np.float32)
        for index in range(steps):
            rows = order[index * plan.batch_size : (index + 1) * plan.batch_size]
            if plan.attached_latents:
                latents = data.latents[rows]
            else:
                draw = stream(plan.seed, "fresh latents", position + index)
                latents = latent_codes(draw, plan.batch_size, latent_size)
            outputs = step(as_tensor(data.batch(rows)), as_tensor(latents))
            measures[index] = [output.asnumpy() for output in outputs]
            plan.on_step(measures[index])
        yield Epoch(number, position, measures)
        left -= steps
        position += steps
        number += 1
