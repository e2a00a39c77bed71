"""The page one can touch: both networks run in it, in the reader's browser, without a network.

The page is one HTML file. A section is a template, a script and a table of texts of the same name.
A script sees `play.data`, which `page_of` embeds, its texts by `texts.of`, and the state in the
address by `state`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from stages.gan import pages
from stages.gan.common.language import speaking, translated
from stages.gan.pages.play import languages

_FOLDER = Path(__file__).parent
# The sections in their order on the page.
SECTIONS = ("draw", "ask", "game", "loss", "small_gan")
# In the order in which they need each other. `numbers` holds what computes and draws nothing.
_SCRIPTS = (
    "shared/texts",
    "shared/state",
    "shared/figures",
    "numbers/arithmetic",
    "numbers/random",
    "numbers/losses",
    "numbers/small_gan_model",
    "shared/engine",
    "shared/images",
    "draw",
    *(f"ask/{name}" for name in ("strokes", "slopes", "pictures", "answers", "ask")),
    *(f"game/{name}" for name in ("binomial", "rounds", "charts", "game")),
    "loss",
    "small_gan",
    "main",
)


def page_of(data: Mapping[str, Any], language: str = "en") -> str:
    """The page as HTML, which needs no other file.

    Parameters
    ----------
    data
        What the scripts see as `play.data`: plain values that JSON can carry.
    language : str
        A folder of `texts`.
    """
    words = languages.table(language)
    with speaking(language):
        title = translated(data["title"])
    scripts = "\n".join(
        (_FOLDER / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS
    )
    style = (_FOLDER / "templates" / "style.css").read_text(encoding="utf-8")
    return pages.render(
        {
            "title": title,
            "text": words,
            "sections": SECTIONS,
            "style": Markup(style),
            "data": pages.embedded_json({"data": {**data, "title": title}, "texts": words}),
            "scripts": Markup(scripts),
        },
        "play.html",
        _FOLDER / "templates",
    )
