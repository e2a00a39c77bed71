"""The update of the discriminator within a step, with all that a step can do besides the recipe."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mindspore as ms
from mindspore import nn, ops

from stages.gan.layers import spectral
from stages.gan.losses import Loss
from stages.gan.trained.averaging import Average
from stages.gan.training.ranks.exchange import totals
from stages.gan.training.step import penalties
from stages.gan.training.step.gradients import GradientNorm
from stages.gan.training.step.penalties import Penalty


@dataclass(frozen=True)
class Options:
    """What a step does besides the recipe. All is off by default, and then not compiled.

    `average` follows the generator after each of its updates. With `instance_noise` a step also
    takes noise of the images' shape, which is added to the fake images; with `augmentation` it
    also takes what `augmentation.draw` gives. `penalties` are R1 and R2. For each that is estimated
    by a difference, the step also takes by how much its images are moved, noise of deviation
    `sigma`. If `shared` it also takes `share`, a factor of these penalties. `gradient_penalty` is
    the weight of WGAN-GP's penalty; a step then also takes each image's position between fake and
    real. For this penalty and for exact ones the discriminator must be twice differentiable. A
    `watched` step also takes whether the lengths of the gradients are due (see gradients), and
    returns the lengths too.

    With several `ranks` each takes its part of the batch. Gradients and the returned means are
    summed over the ranks, so loss and penalties must be each rank's share of the whole batch's.
    """

    average: Average | None = None
    instance_noise: bool = False
    augmentation: bool = False
    penalties: tuple[Penalty, ...] = ()
    shared: bool = False
    gradient_penalty: float = 0.0
    watched: bool = False
    ranks: int = 1


def discriminator_update(
    discriminator: nn.Cell, loss: Loss, optimizer: nn.Cell, options: Options
) -> Callable[..., Any]:
    """A function of real and fake images that updates the discriminator on them once.

    It returns the loss, both logits, and the length of the gradient (None if not watched). The
    loss is without penalties, so that it can be compared with its equilibrium.
    """
    join = ops.Concat(0)
    together = discriminator.rows_are_independent
    exact = tuple(
        (each.place, penalties.exact(discriminator, each.gamma))
        for each in options.penalties
        if not each.sigma
    )
    estimates = tuple(
        (each.place, penalties.by_difference(each.gamma, each.sigma))
        for each in options.penalties
        if each.sigma
    )
    with_penalty = options.gradient_penalty > 0
    on_the_way = penalties.on_the_way(discriminator, options.gradient_penalty)
    normalised = spectral.layers(discriminator)

    def logits_of(batches):
        if together:
            logits = discriminator(join(batches))
            count = batches[0].shape[0]
            found: tuple = ()
            for index in range(len(batches)):
                found = (*found, logits[index * count : (index + 1) * count])
            return found
        found = ()
        for batch in batches:
            found = (*found, discriminator(batch))
        return found

    shared = options.shared

    def discriminator_loss(real, fake, mix, moves, share):
        batches: tuple = (real, fake)
        for which, _ in estimates:
            batches = (*batches, batches[which] + moves[which])
        logits = logits_of(batches)
        value = loss.discriminator(logits[0], logits[1])
        objective = value
        found: tuple = ()
        for which, penalty in exact:
            found = (*found, penalty(batches[which]))
        for index in range(len(estimates)):
            which, estimate = estimates[index]
            found = (*found, estimate(logits[which], logits[2 + index]))
        for penalty in found:
            objective = objective + (penalty * share if shared else penalty)
        if with_penalty:
            objective = objective + on_the_way(real, fake, mix)
        return objective, value, logits[0], logits[1]

    gradient = ms.value_and_grad(discriminator_loss, None, optimizer.parameters, has_aux=True)
    total = totals(optimizer.parameters) if options.ranks > 1 else None
    watched = options.watched
    norm = GradientNorm()

    def update(real, fake, mix, due, moves, share):
        for layer in normalised:
            layer.iterate()
        outputs, gradients = gradient(real, fake, mix, moves, share)
        if total is not None:
            gradients = total(gradients)
        length = norm(gradients, due) if watched else None
        optimizer(gradients)
        return outputs[1], outputs[2], outputs[3], length

    return update
