"""The lecture's code: MindSpore's own layers, run operator by operator (PyNative)."""

import os
from types import SimpleNamespace

from benchmarks.speed.problems import batches


def plain_step(generator, discriminator, generator_optimizer, discriminator_optimizer):
    """One step of the recipe as the lecture writes it: two gradients, one after the other."""
    import mindspore as ms
    from mindspore import nn, ops

    loss = nn.BCELoss(reduction="mean")

    def d_loss(real, fake):
        on_real = discriminator(real)
        on_fake = discriminator(fake)
        return loss(on_real, ops.ones_like(on_real)) + loss(on_fake, ops.zeros_like(on_fake))

    def g_loss(codes):
        judged = discriminator(generator(codes))
        return loss(judged, ops.ones_like(judged))

    d_gradient = ms.value_and_grad(d_loss, None, discriminator_optimizer.parameters)
    g_gradient = ms.value_and_grad(g_loss, None, generator_optimizer.parameters)

    def step(real, codes):
        d_value, gradients = d_gradient(real, ops.stop_gradient(generator(codes)))
        discriminator_optimizer(gradients)
        g_value, gradients = g_gradient(codes)
        generator_optimizer(gradients)
        return d_value, g_value

    return step


def make(problem: SimpleNamespace, batch: int):
    """A function that runs step number `index` to its end and returns both losses."""
    import mindspore as ms
    from mindspore import Tensor, nn

    from stages.gan.export.plain import plain_networks

    # It must not profit from the cure of stages.gan.common.runtime, which halves its time.
    assert "MS_DEV_HOST_BLOCKING_RUN" not in os.environ
    ms.set_seed(1)
    generator, logits = plain_networks(problem)
    discriminator = nn.SequentialCell(logits, nn.Sigmoid())
    for cell in (generator, discriminator):
        cell.set_train()
    optimizers = [
        nn.Adam(
            cell.trainable_params(), problem.learning_rate, beta1=problem.beta1, beta2=problem.beta2
        )
        for cell in (generator, discriminator)
    ]
    step = plain_step(generator, discriminator, *optimizers)
    images, codes = batches(problem, batch)

    def one(index: int) -> tuple[float, float]:
        at = index % len(images)
        d_value, g_value = step(Tensor(images[at]), Tensor(codes[at]))
        return float(d_value.asnumpy()), float(g_value.asnumpy())

    return one
