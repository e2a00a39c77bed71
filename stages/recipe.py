"""List the recipes, or try one: an experiment with params.yaml as it is and the recipe's changes.

python -m stages.recipe                     list them
python -m stages.recipe NAME [OPTION...]    options are those of `dvc exp run`
"""

import argparse
import shlex
import subprocess
import sys

from stages.command import guarded, say
from stages.gan import paths, recipes
from stages.gan.yaml_files import as_yaml, read_mapping


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", nargs="?", help="a file of recipes/ without its ending")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="passed on to `dvc exp run`")
    arguments = parser.parse_args()
    if arguments.name is None:
        for each in map(recipes.load, recipes.names()):
            say(f"{each.name} ({each.dataset}): {each.about}")
        return
    recipe = recipes.load(arguments.name)
    recipe.applied(read_mapping(paths.PARAMS))  # before DVC would add what is not there
    command = ["exp", "run", "--name", recipe.name]
    for name, value in recipe.changes.items():
        command += ["--set-param", f"{name}={as_yaml(value)}"]
    # The user's own come last, as the last of two that set the same wins.
    command += [*arguments.options, f"report@{recipe.dataset}"]
    say(f"dvc {shlex.join(command)}")
    sys.exit(subprocess.call([sys.executable, "-m", "dvc", *command]))


if __name__ == "__main__":
    guarded(main)
