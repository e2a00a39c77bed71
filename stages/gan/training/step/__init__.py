"""One compiled training step: an update of the discriminator, then one of the generator."""

from collections.abc import Callable
from dataclasses import replace

import mindspore as ms
from mindspore import nn, ops

from stages.gan.common.compiled import jit
from stages.gan.losses import Loss
from stages.gan.training.ranks.exchange import Total, totals
from stages.gan.training.step.augmentation import augment
from stages.gan.training.step.discriminator import Options, discriminator_update
from stages.gan.training.step.gradients import DUE, KERNELS, GradientNorm

# A step returns, in this order: means over the batch,
MEANS = ("discriminator_loss", "generator_loss", "real_probability", "fake_probability")
# and, if it is watched, the lengths of both gradients.
GRADIENTS = ("discriminator_gradient", "generator_gradient")

Step = Callable[..., tuple[ms.Tensor, ...]]


_PLAIN = Options()


def _augmented(wanted: bool) -> tuple[Callable[..., ms.Tensor], Callable[..., ms.Tensor]]:
    """Two functions that change real and fake images by the rows drawn for both, real first."""

    def unchanged(images, changes):
        return images

    def seen_real(images, changes):
        count = images.shape[0]
        return augment(images, *[one if one is None else one[:count] for one in changes])

    def seen_fake(images, changes):
        count = images.shape[0]
        return augment(images, *[one if one is None else one[count:] for one in changes])

    return (seen_real, seen_fake) if wanted else (unchanged, unchanged)


class _KnownGradient(nn.Cell):
    """A scalar `value` whose gradient with respect to x (any shape) is already known."""

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

    The discriminator is updated on the loss's discriminator(D(x), D(G(z))), then the generator on
    generator(D(G(z)), D(x)) through the updated discriminator, on the same latent codes.

    The fake images are computed once for both updates, because the generator's weights do not
    change in between. The chain rule is split there: the gradient of the generator's loss with
    respect to the fake images is computed first, and then goes back through the generator.

    Returns
    -------
    step : (images (N, C, H, W), latent codes (N, latent_size)) -> four scalars, see MEANS.
        With instance noise it also takes `noise` of the fake images (N, C, H, W); with a gradient
        penalty also `mix`, the positions between fake and real (N, 1, 1, 1); with penalties by
        difference also `real_move` and `fake_move`, noise (N, C, H, W); if `shared` also `share`,
        a scalar; with augmentation also what `augmentation.draw` gives for 2 N images, the real
        ones first; if watched also `due`. If that is DUE, it returns two more tensors of shape
        (1,), see GRADIENTS (if not, it may return them as NaN).
    """
    if options.watched and KERNELS.path is None:
        given = generator, discriminator, loss, generator_optimizer, discriminator_optimizer
        unwatched = replace(options, watched=False)
        return _either_of(_compiled(*given, options), _compiled(*given, unwatched))
    return _compiled(
        generator, discriminator, loss, generator_optimizer, discriminator_optimizer, options
    )


def _either_of(looking: Step, plain: Step) -> Step:
    """A step that is compiled twice: with the gradients' lengths, and without."""

    def step(*given, due, **named):
        if due is DUE:
            return looking(*given, due=due, **named)
        return plain(*given, **named)

    return step


def _compiled(
    generator: nn.Cell,
    discriminator: nn.Cell,
    loss: Loss,
    generator_optimizer: nn.Cell,
    discriminator_optimizer: nn.Cell,
    options: Options,
) -> Step:
    known = _KnownGradient()
    seen_real, seen_fake = _augmented(options.augmentation)
    noisy = options.instance_noise
    average = options.average
    watched = options.watched
    norm = GradientNorm()
    ranks = options.ranks
    total = totals(generator_optimizer.parameters) if ranks > 1 else None
    total_of_means = Total([()] * len(MEANS)) if ranks > 1 else None
    update = discriminator_update(discriminator, loss, discriminator_optimizer, options)

    paired = loss.is_paired

    def generator_loss(fake, changes, real_logits):
        return loss.generator(discriminator(seen_fake(fake, changes)), real_logits)

    generator_loss_gradient = ms.value_and_grad(generator_loss, 0)

    def play(real, latents, noise, mix, due, changes, moves, share):
        fake = generator(latents)
        shown = fake + noise if noisy else fake
        constant_fake = ops.stop_gradient(shown)
        real = seen_real(real, changes)
        d_loss, real_logits, fake_logits, d_length = update(
            real, seen_fake(constant_fake, changes), mix, due, moves, share
        )
        # A loss of pairs compares with what the updated D says of the same real images.
        beside = discriminator(real) if paired else None
        g_loss, direction = generator_loss_gradient(constant_fake, changes, beside)
        # Without stop_gradient MindSpore would try to differentiate the backward pass.
        g_loss = known(fake, ops.stop_gradient(direction), ops.stop_gradient(g_loss))
        return g_loss, d_loss, real_logits, fake_logits, d_length

    generator_gradient = ms.value_and_grad(play, None, generator_optimizer.parameters, has_aux=True)

    def step(
        real,
        latents,
        noise=None,
        mix=None,
        due=None,
        color=None,
        rows=None,
        columns=None,
        keep=None,
        real_move=None,
        fake_move=None,
        share=None,
    ):
        changes = (color, rows, columns, keep)
        moves = (real_move, fake_move)
        outputs, gradients = generator_gradient(
            real, latents, noise, mix, due, changes, moves, share
        )
        if total is not None:
            gradients = total(gradients)
        g_length = norm(gradients, due) if watched else None
        generator_optimizer(gradients)
        if average is not None:
            average()
        real_answers, fake_answers = loss.probabilities(outputs[2], outputs[3])
        real_probability = ops.mean(real_answers)
        fake_probability = ops.mean(fake_answers)
        means = outputs[1], outputs[0], real_probability, fake_probability
        if total_of_means is not None:
            share = 1.0 / ranks
            means = total_of_means(
                (outputs[1], outputs[0], real_probability * share, fake_probability * share)
            )
        if watched:
            return *means, outputs[4], g_length
        return means

    return jit(
        step, generator, discriminator, generator_optimizer, discriminator_optimizer, average
    )


def make_discriminator_step(
    generator: nn.Cell,
    discriminator: nn.Cell,
    loss: Loss,
    discriminator_optimizer: nn.Cell,
    options: Options = _PLAIN,
) -> Callable[..., ms.Tensor]:
    """Compile an update of the discriminator alone; with k > 1 it comes before each step.

    The generator's weights do not change; its batch norm's running statistics see these codes too.

    Returns
    -------
    step : the inputs of `make_step`'s -> the discriminator's loss, a scalar; each of several
        ranks returns its share
    """
    noisy = options.instance_noise
    unwatched = replace(options, watched=False)
    seen_real, seen_fake = _augmented(options.augmentation)
    update = discriminator_update(discriminator, loss, discriminator_optimizer, unwatched)

    def step(
        real,
        latents,
        noise=None,
        mix=None,
        color=None,
        rows=None,
        columns=None,
        keep=None,
        real_move=None,
        fake_move=None,
        share=None,
    ):
        changes = (color, rows, columns, keep)
        moves = (real_move, fake_move)
        fake = generator(latents)
        shown = ops.stop_gradient(fake + noise if noisy else fake)
        outputs = update(
            seen_real(real, changes), seen_fake(shown, changes), mix, None, moves, share
        )
        return outputs[0]

    return jit(step, generator, discriminator, discriminator_optimizer)
