"""Measure the trained networks on held-out images and fresh latent codes, and draw samples."""

from stages.command import run_stage, say
from stages.command.recorded import Files
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_folder, write_json
from stages.gan.common.language import _
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation import discriminator, game, pictures, scoring
from stages.gan.measures import headline
from stages.gan.params import Dataset
from stages.gan.trained import choice
from stages.gan.trained.grids import COUNT
from stages.gan.trained.sampling import generate, logits

_PARTS = ("quality", "critic", "game", "judge")


def evaluate(dataset: str, params: Dataset) -> None:
    """Write metrics/<dataset>/scores.json and evaluate.json, and the evaluation pictures."""
    settings = params.evaluate
    held_out = prepared.load(paths.prepared(dataset), "test")
    known = prepared.load(paths.prepared(dataset), "train")
    about = prepared.description(paths.prepared(dataset))
    checkpoint = choice.load(paths.models(dataset), settings.checkpoint)
    checkpoint.check_images(held_out.images.shape[1:])
    generator, d = checkpoint.networks()

    count = min(settings.samples, len(held_out))
    size = checkpoint.description.latent_size
    codes = latent_codes(stream(settings.seed, "evaluation latents"), count, size)
    fake = generate(generator, codes)
    try:
        of_d = discriminator.measure(
            params.train, logits(d, held_out.images[:count]), logits(d, fake)
        )
    except UserError as error:
        raise UserError(
            _("{dataset}: {error}: {page} shows when; first try a smaller learning_rate").format(
                dataset=dataset, error=error, page=paths.failure(dataset)
            )
        ) from None
    # The pictures need float32. For all other images the levels suffice, in half the memory.
    drawn, fake = fake[: max(COUNT, settings.nearest)].copy(), prepared.to_levels(fake)
    others = latent_codes(stream(settings.seed, "critic latents"), count, size)
    fresh = generate(generator, others, kept_as=prepared.to_levels)
    scores = scoring.score(known, held_out, paths.judge(dataset), fake, fresh, settings)
    if played := game.measure(checkpoint, known, held_out, params.train, settings):
        scores["game"] = played
    elif settings.game.steps:
        say(f"{dataset}: {game.too_few(count)}")
    with whole_folder(paths.evaluation_pictures(dataset)) as folder:
        write_json(folder / paths.CLASSES, scores["histograms"])
        pictures.draw(folder, generator, codes, drawn, known, held_out, settings)
    metrics = {
        "samples": count,
        **{part: scores[part] for part in _PARTS if part in scores},
        "averaged_generator": checkpoint.averaged,
        "epoch": checkpoint.epoch,
        **of_d,
        "data": about["source"],
        "bundled_data": about["bundled"],
    }
    write_json(paths.metrics(dataset) / paths.SCORES, metrics)
    write_json(paths.metrics(dataset) / "evaluate.json", scoring.compared(metrics))
    for line in scoring.lines(scores):
        say(f"{dataset}: {line}")
    if found := headline.finding(metrics):
        say(f"{dataset}: {found.seen}")
    if settings.checkpoint == "best":
        told = choice.about(paths.models(dataset), checkpoint.epoch)
        say(f"{dataset}: {told}")
    if checkpoint.averaged:
        say(
            _("{dataset}: the generator has the moving average (EMA) of its weights").format(
                dataset=dataset
            )
        )
    say(f"{dataset}: {discriminator.line(of_d, count)}")


def files(dataset: str) -> Files:
    """What this stage reads and writes."""
    metrics = paths.metrics(dataset)
    written = [metrics / paths.SCORES, metrics / "evaluate.json"]
    return Files(
        reads=[paths.judge(dataset), paths.prepared(dataset), paths.models(dataset)],
        writes=[paths.evaluation_pictures(dataset), *written],
    )


if __name__ == "__main__":
    run_stage(evaluate, "evaluate", "train.loss", "train.loss_options", files=files)
