"""How far the losses stray from those of MindSpore's own layers, step by step.

    ONEDNN_MAX_CPU_ISA=AVX2 python -m benchmarks.speed.trajectory NETWORK [STEPS]

From the same weights, on the same batches: ours against the plain step (nn.Dense or nn.Conv2d,
nn.BatchNorm, PyNative), and the plain step against itself with every weight moved by one unit
in the last place, which tells how much of that any rounding causes. (With the instruction set of
the environment MindSpore's convolutions take 3 seconds a step instead of minutes.)
"""

import sys

import numpy as np

from benchmarks.speed.recipes import description, recipe
from stages.gan.common import runtime

BATCH = {"mlp": 128, "dcgan": 64}


def losses_of(network: str, variant: str, steps: int) -> np.ndarray:
    """Both losses of each step, (steps, 2)."""
    from mindspore import Tensor, nn

    from benchmarks.speed.lecture import plain_step
    from stages.gan import losses, networks
    from stages.gan.export.plain import as_plain
    from stages.gan.training.optimizers import adam
    from stages.gan.training.step import make_step

    problem = recipe(network)
    rates = (problem.learning_rate, problem.beta1, problem.beta2)
    pair = networks.build(description(problem), 1)
    if variant == "ours":
        optimizers = [
            adam(one, name, *rates)
            for one, name in zip(pair, ("generator", "discriminator"), strict=True)
        ]
        step = make_step(*pair, losses.build("bce"), *optimizers)
    else:
        generator, discriminator = as_plain(description(problem), *pair)
        if variant == "moved":
            draw = np.random.default_rng(9)
            for parameter in (*generator.trainable_params(), *discriminator.trainable_params()):
                values = parameter.asnumpy()
                sign = draw.choice([-1, 1], values.shape).astype(np.float32)
                parameter.set_data(Tensor(np.nextafter(values, values + sign)))
        judge = nn.SequentialCell(discriminator, nn.Sigmoid())
        optimizers = [
            nn.Adam(cell.trainable_params(), rates[0], beta1=rates[1], beta2=rates[2])
            for cell in (generator, judge)
        ]
        step = plain_step(generator, judge, *optimizers)
    found = []
    for index in range(steps):
        draw = np.random.default_rng([5, index])
        # Smooth pictures: noise of 8x8 pixels enlarged.
        channels, side, _ = problem.image_shape
        small = np.tanh(draw.standard_normal((BATCH[network], channels, 8, 8))).astype(np.float32)
        large = small.repeat(8, axis=2).repeat(8, axis=3)[:, :, :side, :side]
        codes = draw.standard_normal((BATCH[network], problem.latent_size)).astype(np.float32)
        images = np.ascontiguousarray(large)
        values = step(Tensor(images), Tensor(codes))
        found.append([float(value.asnumpy()) for value in values[:2]])
    return np.array(found)


def main() -> None:
    """Print a line a step: relative differences, the larger of both losses."""
    runtime.wait_without_spinning()
    network, steps = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
    plain, ours, moved = (losses_of(network, way, steps) for way in ("plain", "ours", "moved"))
    print("step  loss d, loss g (plain)   ours - plain   plain moved by one unit - plain")
    for index, row in enumerate(plain):
        differences = [np.abs(other[index] / row - 1).max() for other in (ours, moved)]
        print(
            f"{index + 1:4d}  {row[0]:10.6f} {row[1]:10.6f}   {differences[0]:12.1e}"
            f"   {differences[1]:12.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
