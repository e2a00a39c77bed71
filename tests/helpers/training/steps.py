"""Small pairs of networks with their optimizers, and batches to train them on."""

from functools import cache

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from stages.gan import losses, networks
from stages.gan.common.compiled import overwrite
from stages.gan.training.optimizers import adam
from stages.gan.training.step import Options, _KnownGradient, make_step
from tests.helpers.training.kernel import compiled
from tests.helpers.training.network import describe

BATCH = 8
_PLAIN = Options()


def make(kind: str, loss: str = "bce", seed: int = 1):
    pair = networks.build(describe(kind), seed)
    return pair, optimize(pair, 0.002), losses.build(loss)


def optimize(pair, learning_rate: float):
    return [
        adam(network, name, learning_rate, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    ]


def batch(step: int, image_shape=(1, 8, 8)):
    draw = np.random.default_rng([9, step])
    images = np.tanh(draw.standard_normal((BATCH, *image_shape))).astype(np.float32)
    return Tensor(images), Tensor(draw.standard_normal((BATCH, 6)).astype(np.float32))


def state(networks_, optimizers):
    cells = [*networks_, *optimizers]
    # Copies: asnumpy() shares its memory with the parameter, which steps change in place.
    return {p.name: p.asnumpy().copy() for cell in cells for p in cell.get_parameters()}


@cache
def _compiled(kind: str, loss: str, options: Options, form, changes: tuple):
    with form():
        pair = networks.build(describe(kind, **dict(changes)), 1)
        movers, built = optimize(pair, 0.002), losses.build(loss)
        step = make_step(*pair, built, *movers, options)
    return pair, movers, built, step, state(pair, movers)


def ready(kind: str, loss: str = "bce", options=_PLAIN, form=compiled, **changes):
    """What `make` gives, and its compiled step; `changes` are of the description.

    To compile a step takes a second or more, so each is compiled once in a process. A call gives
    the same objects as the call before it, with all their values as they were at the start: look
    at what one run gave before the next begins.
    """
    key = kind, loss, options, form, tuple(sorted(changes.items()))
    pair, movers, built, step, start = _compiled(*key)
    for cell in (*pair, *movers):
        for parameter in cell.get_parameters():
            overwrite(parameter, start[parameter.name])
    return pair, movers, built, step


@cache
def plain_run(kind: str, form=compiled):
    """What four steps without options give, and the state after them."""
    pair, movers, _, step = ready(kind, form=form)
    given = [[v.asnumpy().item() for v in step(*batch(index))] for index in range(4)]
    return given, state(pair, movers)


def former_step(pair, loss, movers):
    """The step as it was when it had no options: what the default must still be."""
    generator, discriminator = pair
    join = ops.Concat(0)
    known = _KnownGradient()
    together = discriminator.rows_are_independent

    def discriminator_loss(real, fake):
        if together:
            logits = discriminator(join((real, fake)))
            real_logits = logits[: real.shape[0]]
            fake_logits = logits[real.shape[0] :]
        else:
            real_logits = discriminator(real)
            fake_logits = discriminator(fake)
        return loss.real(real_logits) + loss.fake(fake_logits), real_logits, fake_logits

    d_gradient = ms.value_and_grad(discriminator_loss, None, movers[1].parameters, has_aux=True)

    def generator_loss(fake):
        return loss.generator(discriminator(fake))

    direction_of = ms.value_and_grad(generator_loss, 0)

    def play(real, latents):
        fake = generator(latents)
        constant = ops.stop_gradient(fake)
        (d_loss, real_logits, fake_logits), gradients = d_gradient(real, constant)
        movers[1](gradients)
        g_loss, direction = direction_of(constant)
        g_loss = known(fake, ops.stop_gradient(direction), ops.stop_gradient(g_loss))
        return g_loss, d_loss, real_logits, fake_logits

    g_gradient = ms.value_and_grad(play, None, movers[0].parameters, has_aux=True)

    def step(real, latents):
        outputs, gradients = g_gradient(real, latents)
        movers[0](gradients)
        return (
            outputs[1],
            outputs[0],
            ops.mean(ops.sigmoid(outputs[2])),
            ops.mean(ops.sigmoid(outputs[3])),
        )

    return ms.jit(step)
