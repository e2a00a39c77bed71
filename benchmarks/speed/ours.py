"""The step of this project."""

from benchmarks.speed.problems import BETAS, DESCRIPTIONS, LEARNING_RATE, batches


def make(network: str, batch: int):
    """A function that runs step number `index` to its end and returns both losses."""
    from stages.gan import runtime

    runtime.wait_without_spinning()
    from stages.gan import losses, networks
    from stages.gan.layers import as_tensor
    from stages.gan.training import adam, make_step

    description = DESCRIPTIONS[network]
    generator, discriminator = networks.build(description, 1)
    step = make_step(
        generator,
        discriminator,
        losses.build("bce"),
        adam(generator, "generator", LEARNING_RATE, *BETAS),
        adam(discriminator, "discriminator", LEARNING_RATE, *BETAS),
    )
    images, codes = batches(description, batch)

    def one(index: int) -> tuple[float, float]:
        at = index % len(images)
        outputs = [value.asnumpy() for value in step(as_tensor(images[at]), as_tensor(codes[at]))]
        return float(outputs[0]), float(outputs[1])

    return one
