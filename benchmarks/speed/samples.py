"""How long a trained generator takes for many samples, in evaluation mode, after start-up.

python -m benchmarks.speed.samples NETWORK COUNT
"""

import json
import sys
import time

import numpy as np

from benchmarks.speed.recipes import description, recipe
from stages.gan.common import runtime


def main() -> None:
    """Print one JSON line: seconds for COUNT samples, and for judging as many."""
    runtime.wait_without_spinning()
    from stages.gan import networks
    from stages.gan.trained.sampling import generate, logits

    runtime.bound_threads()
    problem, count = recipe(sys.argv[1]), int(sys.argv[2])
    generator, discriminator = networks.build(description(problem), 1)
    codes = np.random.default_rng(0).standard_normal((count, problem.latent_size))
    codes = codes.astype(np.float32)
    logits(discriminator, generate(generator, codes[:25]))
    began = time.perf_counter()
    images = generate(generator, codes)
    made = time.perf_counter()
    logits(discriminator, images)
    judged = time.perf_counter()
    print(json.dumps({"samples": count, "generate_s": made - began, "judge_s": judged - made}))


if __name__ == "__main__":
    main()
