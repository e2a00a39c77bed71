"""Let DVC draw its plots without a network: write a page that contains Vega's scripts.

Without this page `dvc plots show` and `dvc plots diff` write a page that loads the scripts from a
server. `make setup` installs a package with the scripts. .dvc/config.local names the page, so that
a clone without the page uses DVC's default.
"""

import subprocess
from pathlib import Path

from stages.command import guarded, say
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.gan.common.language import _
from stages.gan.pages.charts import vega
from stages.tools.dvc.commands import DVC

# DVC does not clean up this folder, and git ignores the file.
PAGE = Path(".dvc/plots_page.html")
_OPTION = "plots.html_template"
# DVC replaces the names in braces. Its list of scripts, {scripts}, is left out: it names the
# server.
_HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
%s
<style>
  body { font: 16px/1.55 system-ui, sans-serif; color: #1d2330; margin: 2rem; }
  table { border-spacing: 15px; }
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def main() -> None:
    """Run the command."""
    folder = PAGE.parent
    if not folder.is_dir():
        raise UserError(
            _("{folder} is not here: run this from the project's folder").format(folder=folder)
        )
    with whole_file(PAGE) as scratch:
        scratch.write_text(page(), encoding="utf-8", newline="\n")
    named = subprocess.run([*DVC, "config", _OPTION], capture_output=True, text=True).stdout
    if named.strip() not in ("", PAGE.name):
        say(
            _("wrote {page}, but DVC uses {named}: its configuration sets {option}").format(
                page=PAGE, named=named.strip(), option=_OPTION
            )
        )
        return
    # The name is relative to DVC's own folder.
    command = [*DVC, "config", "--quiet", "--local", _OPTION, PAGE.name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            _("`dvc config` could not set {option}: {reason}").format(
                option=_OPTION, reason=done.stderr or done.stdout
            )
        )
    say(_("DVC now draws plots without a network, with {page}").format(page=PAGE))


def page() -> str:
    """The page, with a place for DVC's plots.

    Raises
    ------
    UserError
        If the package with the scripts is not installed, or lacks a script.
    """
    found = vega.scripts()
    for name, text in zip(vega.SCRIPTS, found, strict=True):
        for mark in ("{scripts}", "{plot_divs}", "{refresh_tag}"):  # DVC would replace them
            if mark in text:
                raise UserError(
                    _("{name} {version} holds {mark}: DVC cannot use it").format(
                        name=name, version=vega.version(), mark=mark
                    )
                )
    tags = [f"<script>\n{text}\n</script>" for text in found]
    return _HTML.replace("%s", "\n".join(tags))


if __name__ == "__main__":
    guarded(main)
