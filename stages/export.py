"""Write the trained networks as ONNX and MindIR, check each file, and write a model card."""

import numpy as np

from stages.command import run_stage, say
from stages.gan.common import paths
from stages.gan.common.files import read_json, whole_folder
from stages.gan.common.language import _, speaking
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.common.yaml_files import flat
from stages.gan.data import prepared
from stages.gan.export import model_card, networks, space
from stages.gan.params import Dataset, shareable
from stages.gan.trained import choice
from stages.gan.trained.sampling import generate

# Files and networks are compared on this number of codes and images; half the images are real.
SEED = 1
COMPARED = 16
USES = ("language", "report", "train", "evaluate.checkpoint")


def export(dataset: str, params: Dataset) -> None:
    """Write models/<dataset>/export: both networks in two formats, model card, and an app."""
    metrics = paths.metrics(dataset)
    which = params.evaluate.checkpoint
    checkpoint = choice.load(paths.models(dataset), which)
    description = checkpoint.description
    held_out = prepared.load(paths.prepared(dataset), "test")
    checkpoint.check_images(held_out.images.shape[1:])
    generator, discriminator = checkpoint.networks()
    facts = model_card.Facts(
        dataset=dataset,
        title=params.report.title,
        description=description,
        averaged=checkpoint.averaged,
        chosen=checkpoint.epoch if which == "best" else None,
        prepared=prepared.description(paths.prepared(dataset)),
        source=read_json(paths.raw(dataset) / "source.json", "sha256"),
        evaluate=read_json(
            metrics / paths.SCORES, "samples", "bce", "accuracy", "quality", "critic", "judge"
        ),
        train=read_json(metrics / "train.json", "steps", "epochs", "went_on_from"),
        verdict=read_json(
            paths.training_pictures(dataset) / "verdict.json", "name", "seen", "meaning"
        ),
        params=flat(shareable(params)["train"]),
    )
    draw = stream(SEED, "export")
    codes = latent_codes(draw, COMPARED, description.latent_size)
    real = held_out.batch(np.sort(draw.integers(0, len(held_out), COMPARED // 2)))
    images = np.concatenate([real, generate(generator, codes[: COMPARED // 2])])
    with whole_folder(paths.export(dataset)) as folder:
        differences = networks.export(folder, description, generator, discriminator, codes, images)
        with speaking(params.language):
            card = model_card.write(facts)
        (folder / "README.md").write_text(card, encoding="utf-8", newline="\n")
        space.write(folder, facts.title, facts.terms)
    for name, apart in differences.items():
        say(
            _("{dataset}: {file}, at most {apart:.1e} from the network").format(
                dataset=dataset, file=paths.export(dataset) / name, apart=apart
            )
        )


if __name__ == "__main__":
    run_stage(export, *USES)
