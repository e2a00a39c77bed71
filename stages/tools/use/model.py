"""The networks that a command uses: those of --model, or those that `evaluate` scores."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.language import _
from stages.gan.trained import checkpoints, choice


def add_options(parser: ArgumentParser) -> None:
    """Add the data set and --model."""
    parser.add_argument("dataset", help=_("a key of params.yaml's `datasets`"))
    parser.add_argument(
        "--model",
        type=Path,
        help=_("a checkpoint folder; default: the checkpoint of this run that `evaluate` scores"),
    )


def of(arguments: Namespace) -> checkpoints.Checkpoint:
    """The checkpoint to use. Without --model, a line on stderr says which it is.

    Raises
    ------
    UserError
        If there is no such data set or checkpoint, or if it is damaged.
    """
    dataset = arguments.dataset
    if arguments.model:
        params.check_name(paths.PARAMS, dataset)
        return checkpoints.load(arguments.model)
    which = params.load(paths.PARAMS, dataset).evaluate.checkpoint
    checkpoint = choice.load(paths.models(dataset), which)
    print(
        _("{dataset}: {folder}, epoch {epoch} (evaluate.checkpoint is {which})").format(
            dataset=dataset, folder=checkpoint.folder, epoch=checkpoint.epoch, which=which
        ),
        file=sys.stderr,
    )
    return checkpoint
