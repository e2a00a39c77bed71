"""Write one page in which both networks run: draw from G, ask D, be D, and train a small GAN."""

import numpy as np

from stages.command import run_stage, say
from stages.gan.common import paths
from stages.gan.common.files import read_json, whole_file
from stages.gan.common.language import _
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation.judge import LABELS, storage
from stages.gan.pages.play import contents, page_of, pictures, reference
from stages.gan.params import Dataset

SEED = 1
# The page's networks are compared with the exported ones on so many codes, and on as many images,
# of which half are real. The directions are a mean over the same codes.
COMPARED = 16
MEASURED = ("samples", "bce", "accuracy", "training_loss", "critic")
USES = ("language", "report")


def play(dataset: str, params: Dataset) -> None:
    """Write reports/<dataset>/play.html."""
    generator, discriminator = (
        paths.export(dataset) / f"{name}.onnx" for name in ("generator", "discriminator")
    )
    held_out = prepared.load(paths.prepared(dataset), "test")
    judge = storage.load(paths.judge(dataset))
    scores = read_json(paths.metrics(dataset) / paths.SCORES, *MEASURED)
    draw = stream(SEED, "play")
    order = draw.permutation(len(held_out))
    codes = latent_codes(draw, COMPARED, held_out.latents.shape[1])
    images = np.concatenate(
        [
            held_out.batch(order[: COMPARED // 2]),
            reference.run_file(generator, codes[: COMPARED // 2]),
        ]
    )
    known = None
    if judge.task == LABELS:
        known = contents.Judge(
            judge.network,
            [str(label) for label in range(judge.classes)],
            judge.look(images)[1],
        )
    shape = held_out.images.shape[1:]
    shown = held_out.batch(order[: pictures.how_many(shape)])
    networks = contents.networks(generator, discriminator, codes, images, known)
    page = page_of(
        {
            **contents.of_run(params.report.title, dataset, shape, codes.shape[1], scores),
            "networks": networks,
            "classes": known and known.classes,
            "directions": contents.ways(generator, codes),
            "held_out": pictures.sheet(shown),
            "epochs": pictures.epochs(paths.training_pictures(dataset) / paths.EPOCHS),
        },
        params.language,
    )
    with whole_file(paths.play(dataset)) as scratch:
        scratch.write_text(page, encoding="utf-8", newline="\n")
    apart = networks["generator"]["difference"]
    say(f"{dataset}: {paths.play(dataset)}, {len(page.encode()) / 1e6:.1f} MB")
    say(
        _(
            "{dataset}: images in it differ by at most {apart:g} of 255 levels from the network's"
        ).format(dataset=dataset, apart=apart)
    )


if __name__ == "__main__":
    run_stage(play, *USES)
