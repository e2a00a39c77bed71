"""Give a trained generator an average of its weights of another length, without training again.

It needs a run with train.average_snapshots; see docs/averages.md.
"""

from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_folder
from stages.gan.common.language import _
from stages.gan.trained.averaging import snapshots
from stages.gan.trained.averaging.profiles import LONGEST
from stages.tools.average import sweep
from stages.tools.use import model

# From the shortest that snapshots can give to nearly equal weights.
SWEEP = (0.02, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25)


def main() -> None:
    """Parse the command line, and write a checkpoint, or the pictures and scores of a sweep."""
    parser = argument_parser()
    model.add_options(parser)
    parser.add_argument(
        "--length",
        type=float,
        action="append",
        help=_(
            "length of the average as a share of the run, above 0 to below {longest:.3f}; "
            "with --sweep it may be given several times"
        ).format(longest=LONGEST),
    )
    parser.add_argument(
        "--sweep", action="store_true", help=_("draw and score several lengths on the same codes")
    )
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        help=_("a new folder: a checkpoint, or sweep.png and scores.json with --sweep"),
    )
    arguments = parser.parse_args()
    settings = params.load(paths.PARAMS, arguments.dataset)
    if arguments.to.exists():
        raise UserError(
            _("{folder} exists already: choose another name, or remove it first").format(
                folder=arguments.to
            )
        )
    checkpoint = model.of(arguments)
    if arguments.sweep:
        lengths = sorted(set(arguments.length or SWEEP))
        averages = snapshots.combine(checkpoint, lengths)
        with whole_folder(arguments.to) as folder:
            sweep.write(folder, arguments.dataset, settings.evaluate, checkpoint, averages, say)
        say(f"{arguments.dataset}: {arguments.to}")
        return
    if len(arguments.length or []) != 1:
        raise UserError(_("--length is needed once: valid is one length, or --sweep"))
    (average,) = snapshots.combine(checkpoint, arguments.length)
    with whole_folder(arguments.to) as folder:
        checkpoint.copy_with(average.as_average(checkpoint), folder)
    say(
        _(
            "{dataset}: the average of length {length} at step {step:,}, combined with an "
            "error of {error:.1%}: {folder}"
        ).format(
            dataset=arguments.dataset,
            length=average.length,
            step=checkpoint.step,
            error=average.error,
            folder=arguments.to,
        )
    )


if __name__ == "__main__":
    guarded(main)
