"""Have DVC draw its plots without a network: write the page that carries Vega's scripts.

Without it `dvc plots show` and `dvc plots diff` make a page that loads them from a server. They are
taken from a package of the set-up, and the page is named in .dvc/config.local, so that a clone
without it is as DVC makes it.
"""

import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

from stages.command import guarded, say
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_file

# In the package: of the major versions that DVC's own page asks for, in the order of their use.
PACKAGE = "js_lib_vega_embed"
SCRIPTS = ("vega5.js", "vega-lite5.js", "vega-embed6.js")
# In a folder that DVC does not clean up; ignored by git.
PAGE = Path(".dvc/plots_page.html")
_OPTION = "plots.html_template"
_DVC = [sys.executable, "-m", "dvc"]
# DVC fills in the names in braces, and takes out those that it does not find. Its list of scripts
# is left out: it names the server.
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
    named = subprocess.run([*_DVC, "config", _OPTION], capture_output=True, text=True).stdout
    if named.strip() not in ("", PAGE.name):
        say(f"wrote {PAGE}; DVC uses {named.strip()}, as {_OPTION} in its configuration asks for")
        return
    # DVC takes the name from its own folder.
    command = [*_DVC, "config", "--quiet", "--local", _OPTION, PAGE.name]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"DVC could not be told of {PAGE}: {done.stderr or done.stdout}")
    say(f"plots are drawn without a network: {PAGE}")


def page() -> str:
    """The page, with a place for what DVC draws.

    Raises
    ------
    UserError
        If the package with the scripts is not installed, or holds no such scripts.
    """
    tags = []
    for name in SCRIPTS:
        try:
            text = (resources.files(PACKAGE) / "static" / PACKAGE / name).read_text("utf-8")
        except (ModuleNotFoundError, FileNotFoundError):
            raise UserError(
                f"{name} of the package django-js-lib-vega-embed is not installed: run `make setup`"
            ) from None
        # As it would end the script within it, and braces as they would be filled in.
        for mark in ("</script", "{scripts}", "{plot_divs}", "{refresh_tag}"):
            if mark in text:
                raise UserError(f"{name} {versions()} holds {mark}, so it cannot stand in a page")
        tags.append(f"<script>\n{text.strip()}\n</script>")
    # `%` would be looked for in the scripts as well, were they not what it fills in.
    return _HTML.replace("%s", "\n".join(tags))


def versions() -> str:
    """That of the package."""
    return metadata.version("django-js-lib-vega-embed")


if __name__ == "__main__":
    guarded(main)
