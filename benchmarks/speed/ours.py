"""The step of this project."""

from types import SimpleNamespace

from benchmarks.speed.problems import batches


def make(problem: SimpleNamespace, batch: int):
    """A function that runs step number `index` to its end and returns both losses."""
    from stages.gan.common import runtime

    runtime.wait_without_spinning()
    from benchmarks.speed.recipes import description
    from stages.gan import losses, networks
    from stages.gan.common.tensors import as_tensor
    from stages.gan.training.optimizers import adam
    from stages.gan.training.step import make_step

    runtime.bound_threads()
    rates = (problem.learning_rate, problem.beta1, problem.beta2)
    generator, discriminator = networks.build(description(problem), 1)
    step = make_step(
        generator,
        discriminator,
        losses.build("bce"),
        adam(generator, "generator", *rates),
        adam(discriminator, "discriminator", *rates),
    )
    images, codes = batches(problem, batch)

    def one(index: int) -> tuple[float, float]:
        at = index % len(images)
        outputs = [value.asnumpy() for value in step(as_tensor(images[at]), as_tensor(codes[at]))]
        return float(outputs[0]), float(outputs[1])

    return one
