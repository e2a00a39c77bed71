"""Let DVC draw its plots without a network: write a page that contains Vega's scripts.

Without this page `dvc plots show` and `dvc plots diff` write a page that loads the scripts from a
server. `make setup` installs a package with the scripts. .dvc/config.local names the page, so that
a clone without the page uses DVC's default.
"""

import subprocess
from importlib import metadata, resources
from pathlib import Path

from stages.command import guarded, say
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file
from stages.tools.dvc.queue import DVC

# Files in the package: the major versions that DVC's own page uses, in the order of loading.
PACKAGE = "js_lib_vega_embed"
SCRIPTS = ("vega5.js", "vega-lite5.js", "vega-embed6.js")
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
        raise UserError(f"{folder} is not here: run this from the project's folder")
    with whole_file(PAGE) as scratch:
        scratch.write_text(page(), encoding="utf-8")
    named = subprocess.run([*DVC, "config", _OPTION], capture_output=True, text=True).stdout
    if named.strip() not in ("", PAGE.name):
        say(f"wrote {PAGE}, but DVC uses {named.strip()}: its configuration sets {_OPTION}")
        return
    # The name is relative to DVC's own folder.
    command = [*DVC, "config", "--quiet", "--local", _OPTION, PAGE.name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"`dvc config` could not set {_OPTION}: {done.stderr or done.stdout}")
    say(f"DVC now draws plots without a network, with {PAGE}")


def page() -> str:
    """The page, with a place for DVC's plots.

    Raises
    ------
    UserError
        If the package with the scripts is not installed, or lacks a script.
    """
    tags = []
    for name in SCRIPTS:
        try:
            text = (resources.files(PACKAGE) / "static" / PACKAGE / name).read_text("utf-8")
        except (ModuleNotFoundError, FileNotFoundError):
            raise UserError(
                f"{name} of the package django-js-lib-vega-embed is not installed: run `make setup`"
            ) from None
        # The first mark would end the script; DVC would replace the names in braces.
        for mark in ("</script", "{scripts}", "{plot_divs}", "{refresh_tag}"):
            if mark in text:
                raise UserError(f"{name} {versions()} holds {mark}, so it cannot be part of a page")
        tags.append(f"<script>\n{text.strip()}\n</script>")
    return _HTML.replace("%s", "\n".join(tags))


def versions() -> str:
    """The version of the package."""
    return metadata.version("django-js-lib-vega-embed")


if __name__ == "__main__":
    guarded(main)
