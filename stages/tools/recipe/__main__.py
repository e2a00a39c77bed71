"""List the recipes, or try one: an experiment with params.yaml as it is and the recipe's changes.

python -m stages recipe                     list them
python -m stages recipe NAME [OPTION...]    options are those of `dvc exp run`
"""

import argparse
import itertools
import os
import shlex
import subprocess
import sys

from stages.command import argument_parser, guarded, say
from stages.gan.common import paths
from stages.gan.common.yaml_files import as_yaml, read_mapping
from stages.tools.recipe import recipes

_DVC = [sys.executable, "-m", "dvc"]


def main() -> None:
    """Run the command."""
    parser = argument_parser()
    parser.add_argument("name", nargs="?", help="a file of recipes/ without its ending")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="passed on to `dvc exp run`")
    arguments = parser.parse_args()
    if arguments.name is None:
        for each in map(recipes.load, recipes.names()):
            say(f"{each.name} ({each.dataset}): {each.about}")
        return
    recipe = recipes.load(arguments.name)
    recipe.applied(read_mapping(paths.PARAMS))  # before DVC would add what is not there
    command = ["exp", "run"]
    if not {"-n", "--name"} & set(arguments.options):
        command += ["--name", _free_name(recipe.name)]
    for name, value in recipe.changes.items():
        command += ["--set-param", f"{name}={as_yaml(value)}"]
    # The user's own come last, as the last of two that set the same wins.
    command += [*arguments.options, f"report@{recipe.dataset}"]
    say(f"dvc {shlex.join(command)}")
    # In place of this process, so that DVC itself hears Ctrl-C and all else that it is sent.
    os.execv(sys.executable, [*_DVC, *command])


def _free_name(name: str) -> str:
    """The name, with a number if an experiment has it already."""
    words = [*_DVC, "exp", "list", "--all-commits", "--name-only"]
    taken = subprocess.run(words, capture_output=True, text=True).stdout.split()
    return next(
        free
        for free in itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        if free not in taken
    )


if __name__ == "__main__":
    guarded(main)
