"""Measure the trained networks on held-out images and fresh latent codes, and draw samples."""

import numpy as np

from stages.command import run_stage, say
from stages.gan import losses
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_folder, write_json
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation import scoring
from stages.gan.evaluation.neighbours import nearest
from stages.gan.losses import equilibrium
from stages.gan.params import Dataset
from stages.gan.trained import checkpoints, grids
from stages.gan.trained.sampling import generate, interpolate, logits

GRID = 25
INTERPOLATIONS = 5


def evaluate(dataset: str, params: Dataset) -> None:
    """Write metrics/<dataset>/evaluate.json and the evaluation pictures."""
    settings = params.evaluate
    held_out = prepared.load(paths.prepared(dataset), "test")
    known = prepared.load(paths.prepared(dataset), "train")
    about = prepared.description(paths.prepared(dataset))
    checkpoint = checkpoints.load(paths.models(dataset))
    checkpoint.check_images(held_out.images.shape[1:])
    generator, discriminator = checkpoint.networks()

    count = min(settings.samples, len(held_out))
    size = checkpoint.description.latent_size
    codes = latent_codes(stream(settings.seed, "evaluation latents"), count, size)
    fake = generate(generator, codes)
    real_logits = logits(discriminator, held_out.images[:count])
    fake_logits = logits(discriminator, fake)
    if not (np.isfinite(real_logits).all() and np.isfinite(fake_logits).all()):
        raise UserError(
            f"the discriminator of {dataset} gives numbers that are not finite, as its training "
            f"diverged, and there is nothing to measure: {paths.failure(dataset)} shows when; a "
            "smaller learning_rate is the first thing to try"
        )
    bce = equilibrium.bce_terms(real_logits, fake_logits)
    loss = losses.of_params(params.train)
    point = equilibrium.point(loss)
    own = equilibrium.loss_terms(loss, point, real_logits, fake_logits)
    # For the pictures; of all others the levels are enough, in half the memory.
    drawn, fake = fake[: max(GRID, settings.nearest)].copy(), prepared.to_levels(fake)
    others = latent_codes(stream(settings.seed, "critic latents"), count, size)
    fresh = generate(generator, others, kept_as=prepared.to_levels)
    scores = scoring.score(known, held_out, paths.judge(dataset), fake, fresh, settings)
    metrics = {
        "samples": count,
        "quality": scores["quality"],
        "critic": scores["critic"],
        "judge": scores["judge"],
        "averaged_generator": checkpoint.averaged,
        "bce": {name: term.to_json() for name, term in bce.items()},
        "training_loss": {
            "name": params.train.loss,
            "equilibrium_point": point.to_json() if point else None,
            **{name: term.to_json() for name, term in own.items()},
        },
        "real_probability": float(equilibrium.probability(real_logits).mean()),
        "fake_probability": float(equilibrium.probability(fake_logits).mean()),
        "accuracy": float(((real_logits > 0).mean() + (fake_logits <= 0).mean()) / 2),
        "jsd_lower_bound": equilibrium.jsd_lower_bound(bce["discriminator"].value),
        "data": about["source"],
        "bundled_data": about["bundled"],
    }
    with whole_folder(paths.evaluation_pictures(dataset)) as folder:
        write_json(folder / paths.CLASSES, scores["histograms"])
        grids.grid(drawn[:GRID]).save(folder / "generated.png")
        grids.grid(held_out.images[:GRID]).save(folder / "real.png")
        ways = [
            interpolate(
                codes[2 * i % count], codes[(2 * i + 1) % count], settings.interpolation_steps
            )
            for i in range(INTERPOLATIONS)
        ]
        between = generate(generator, np.concatenate(ways))
        grids.grid(between, columns=settings.interpolation_steps).save(folder / "interpolation.png")
        shown = drawn[: settings.nearest]
        indices, _ = nearest(shown, known.images)
        pairs = np.concatenate([shown, known.batch(indices)])
        grids.grid(pairs, columns=len(shown)).save(folder / "nearest.png")
    write_json(paths.metrics(dataset) / "evaluate.json", metrics)
    for line in scoring.lines(scores):
        say(f"{dataset}: {line}")
    if checkpoint.averaged:
        say(f"{dataset}: the generator has the moving average of its weights")
    say(
        f"{dataset}: on {count:,} held-out images D's BCE is {bce['discriminator'].value:.4f}, "
        f"{bce['discriminator'].distance:.4f} from equilibrium; G's "
        f"{bce['generator'].value:.4f}, {bce['generator'].distance:.4f} from it"
    )


if __name__ == "__main__":
    run_stage(evaluate, "evaluate", "train.loss", "train.loss_options")
