"""Score any samples as `evaluate` scores a generator's, by a data set's judge and real images."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file, write_json
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data import prepared
from stages.gan.evaluation import scoring
from stages.gan.evaluation.judge import storage
from stages.tools.use.images import RANGES, samples


def main() -> None:
    """Parse the command line; print every score with its error and its floor."""
    arguments = _arguments()
    dataset = arguments.dataset or params.check_names(paths.PARAMS)[0]
    settings = params.load(paths.PARAMS, dataset).evaluate
    known, held_out = (prepared.load(paths.prepared(dataset), split) for split in prepared.SPLITS)
    about = prepared.description(paths.prepared(dataset))
    place = arguments.judge or paths.judge(dataset)
    judge = storage.load_published(place, arguments.sha256)
    channels, height, width = held_out.images.shape[1:]
    count = min(settings.samples, len(held_out))

    def taken(places: list[Path], position: int, too_few: str) -> NDArray[np.floating]:
        images = samples(places, (channels, height, width), arguments.range)
        if len(images) > count:  # drawn, because the order in a file may matter
            draw = stream(settings.seed, "samples", position)
            images = images[np.sort(draw.permutation(len(images))[:count])]
        if len(images) < (fewest := scoring.FEWEST):
            raise UserError(too_few.format(count=len(images), fewest=fewest))
        return prepared.to_levels(images)

    shown = taken(arguments.samples, 0, _("{count} samples: valid is {fewest} or more"))
    fresh = None
    if arguments.fresh:
        too_few = _("--fresh has {count} samples: valid is {fewest} or more")
        fresh = taken(arguments.fresh, 1, too_few)
    published = arguments.judge is not None
    found = scoring.score(known, held_out, place, shown, fresh, settings, published)
    for line in scoring.lines(found):
        say(line)
    say(
        _("{count:,} samples; judge {sha256}; real images: {source}").format(
            count=len(shown), sha256=judge.sha256[:16], source=about["source"]
        )
    )
    if arguments.output:
        with whole_file(arguments.output) as scratch:
            write_json(scratch, {"samples": len(shown), **found, "data": about["source"]})


def _arguments() -> argparse.Namespace:
    parser = argument_parser()
    parser.add_argument(
        "samples",
        nargs="+",
        type=Path,
        help=_("a .npy or .npz file, PNG or JPEG files, or folders of them"),
    )
    parser.add_argument(
        "--dataset", help=_("a key of params.yaml's `datasets`; default: the first one")
    )
    parser.add_argument(
        "--range",
        choices=tuple(RANGES),
        help=_("what black and white are in an array; needed for floats that all lie in 0..1"),
    )
    parser.add_argument(
        "--fresh",
        nargs="+",
        type=Path,
        help=_("as many other samples: a critic learns from them, and its scores are added"),
    )
    parser.add_argument(
        "--judge",
        type=Path,
        help=_("the file of another judge, or its folder; default: data/<dataset>/judge"),
    )
    parser.add_argument("--sha256", help=_("what the judge's sha256 must be"))
    parser.add_argument("--output", type=Path, help=_("a .json file for all scores"))
    return parser.parse_args()


if __name__ == "__main__":
    guarded(main)
