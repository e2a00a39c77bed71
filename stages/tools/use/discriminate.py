"""Print the probability that images are real, according to a trained discriminator."""

import sys
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.language import _
from stages.gan.losses.equilibrium import probability
from stages.gan.trained.sampling import logits
from stages.tools.use import model
from stages.tools.use.images import SIGNED, files_of, read


def main() -> None:
    """Parse the command line; print the logit and the probability of being real of each image.

    A loss of pairs does not determine a constant in D's logits, so there is no probability of a
    single image.
    """
    parser = argument_parser()
    model.add_options(parser)
    parser.add_argument(
        "images", nargs="+", type=Path, help=_("PNG, JPEG or .npy files, or folders")
    )
    arguments = parser.parse_args()
    loss = params.load(paths.PARAMS, arguments.dataset).train.loss
    is_paired = params.choices.LOSSES[loss].is_paired
    checkpoint = model.of(arguments)
    shape = checkpoint.description.image_shape
    files = [file for place in arguments.images for file in files_of(place)]
    batches = [read(file, shape, unsure=SIGNED) for file in files]
    _generator, discriminator = checkpoint.networks()
    if is_paired:
        print(
            _(
                "{dataset}: train.loss is {loss}, which judges pairs: only differences of logits "
                "mean something, and a single image has no probability of being real"
            ).format(dataset=arguments.dataset, loss=loss),
            file=sys.stderr,
        )
    for file, images in zip(files, batches, strict=True):
        found = logits(discriminator, images)
        for index, (logit, chance) in enumerate(zip(found, probability(found), strict=True)):
            name = f"{file}[{index}]" if len(images) > 1 else str(file)
            say(f"{name}\t{logit:.4g}" + ("" if is_paired else f"\t{chance:#.3g}"))


if __name__ == "__main__":
    guarded(main)
