"""List the recipes, or try one: run an experiment with its changes of params.yaml.

python -m stages recipe                     list them
python -m stages recipe NAME [OPTION...]    options are those of `dvc exp run`

Without a stage among the options, the pages of all the recipe's data sets are made.
"""

import argparse
import os
import re
import shlex
import sys

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.language import _, translated
from stages.gan.common.yaml_files import as_yaml, read_mapping
from stages.tools.dvc import limits, revisions
from stages.tools.dvc.commands import DVC
from stages.tools.recipe import recipes

_STAGE = re.compile(r"[a-z]+@[^=]+")


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument("name", nargs="?", help=_("a file in recipes/, without .yaml"))
    parser.add_argument("options", nargs=argparse.REMAINDER, help=_("passed on to `dvc exp run`"))
    arguments = parser.parse_args()
    if arguments.name is None:
        for each in map(recipes.load, recipes.names()):
            datasets = ", ".join(each.datasets)
            say(
                _("{name} ({about}): {how}").format(
                    name=each.name, about=datasets, how=translated(each.about)
                )
            )
        return
    recipe = recipes.load(arguments.name)
    params.check_names(paths.PARAMS)
    recipe.applied(read_mapping(paths.PARAMS))  # DVC would add unknown params without an error
    limits.complain_if_copies_are_asked_for(arguments.options)
    for dataset in recipe.datasets:
        of_it = [name for name in recipe.changes if name.startswith(f"{dataset}.")]
        limits.complain_if_not_settable(dataset, of_it)
    command = ["exp", "run"]
    if not {"-n", "--name"} & set(arguments.options):
        command += ["--name", revisions.free_name(recipe.name)]
    for name, value in recipe.changes.items():
        command += ["--set-param", f"{name}={as_yaml(value)}"]
    # The user's options come last, because the last of two values for one param wins.
    command += arguments.options
    if not any(_STAGE.fullmatch(option) for option in arguments.options):
        command += [f"report@{dataset}" for dataset in recipe.datasets]
    say(f"dvc {shlex.join(command)}")
    # DVC replaces this process, so that it gets Ctrl-C and all other signals itself.
    os.execv(sys.executable, [*DVC, *command])


if __name__ == "__main__":
    guarded(main)
