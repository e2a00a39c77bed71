"""List all commands, or run one: python -m stages [COMMAND [ARGUMENT ...]].

A stage of the pipeline is a command, too: DVC starts `python -m stages.train`, for example.
"""

import ast
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from stages.command import guarded, say
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, translated
from stages.gan.params.explanations import nearest

STAGES = ("download", "preprocess", "judge", "train", "evaluate", "report", "export", "play")
TOOLS = {
    "collapse": "stages.tools.collapse",
    "recipe": "stages.tools.recipe",
    "sweep": "stages.tools.sweep",
    "compare": "stages.tools.compare",
    "generate": "stages.tools.use.generate",
    "discriminate": "stages.tools.use.discriminate",
    "score": "stages.tools.use.score",
    "average": "stages.tools.average",
    "bundle": "stages.tools.bundle",
    "course": "stages.tools.course",
    "verify": "stages.tools.verify",
    "scratch": "stages.tools.upkeep.scratch",
    "unlock": "stages.tools.upkeep.unlock",
    "side_by_side": "stages.tools.upkeep.side_by_side",
    "smoke": "stages.tools.upkeep.smoke",
    "plots_page": "stages.tools.upkeep.plots_page",
    "messages": "stages.tools.upkeep.messages",
    "mindspore_check": "stages.tools.mindspore_check",
}
COMMANDS = {**TOOLS, **{name: f"stages.{name}" for name in STAGES}}


def main() -> None:
    """List the commands, or report an unknown name."""
    name = sys.argv[1] if sys.argv[1:] else "--help"
    if name not in ("-h", "--help"):
        raise UserError(
            _("no command {name!r}{nearest}").format(name=name, nearest=nearest(name, COMMANDS))
        )
    listing()


def listing() -> None:
    """Print one line per command: the first line of its docstring."""
    say(_("usage: python -m stages COMMAND [ARGUMENT ...]; COMMAND --help lists its arguments\n"))
    for name in TOOLS:
        say(f"  {name:15} {translated(first_line(COMMANDS[name]))}")
    say(_("\nstages of the pipeline, which `dvc repro` runs; each takes a data set's name:\n"))
    for name in STAGES:
        say(f"  {name:15} {translated(first_line(COMMANDS[name]))}")


def first_line(module: str) -> str:
    """The first line of a command's docstring, read without importing the command."""
    spec = find_spec(module)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = find_spec(f"{module}.__main__")
    assert spec is not None
    assert spec.origin is not None
    text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in COMMANDS:
        # Not within `guarded`: the command lets the signals in itself, after its imports.
        module = COMMANDS[sys.argv.pop(1)]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        guarded(main)
