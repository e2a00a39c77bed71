"""Babel's part: messages from the sources into .po files, and .po files into .mo files."""

import ast
import io
import re
from collections.abc import Mapping
from pathlib import Path

from babel.messages import extract, mofile, pofile
from babel.messages.catalog import Catalog

from stages.gan.common.language import FOLDER, PAGES, TERMINAL
from stages.tools.recipe.recipes import about

ROOT = FOLDER.parents[1]
STAGES = FOLDER.parent
# Where messages come from that stand on pages and cards, or are stored in an out and said there.
# All others belong to the terminal. A message of both kinds is in the pages' catalogue.
OF_PAGES = (
    "gan/data/raw/account.py",
    "gan/data/raw/copies.py",
    "gan/data/raw/leftovers.py",
    "gan/export",
    "gan/measures",
    "gan/pages",
    "gan/params/choices.py",
    "gan/training/watch",
    "tools/collapse/page.py",
    "tools/compare/page.py",
    "tools/compare/ranking.py",
    "tools/compare/runs.py",
    "tools/course/collecting/bundles.py",
    "tools/course/collecting/table.py",
    "tools/course/collecting/templates",
)
# The functions of `language`, with the places of their messages among the arguments.
KEYWORDS: Mapping[str, tuple[int, ...] | None] = {"_": None, "n_": (1, 2), "marked": None}
# In templates, besides `{% trans %}`, which the extractor knows.
_IN_TEMPLATES: Mapping[str, tuple[int, ...] | None] = {
    "_": None, "gettext": None, "ngettext": (1, 2),
}  # fmt: skip
# Folders of files whose first comment is said: the question of a sweep is the title of its page.
_ABOUT = (("sweeps", PAGES), ("recipes", TERMINAL))
# As `pages.render` reads templates.
_AS_IN_PAGES = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
# Longer lines are not broken: a changed word then changes one line.
_WIDTH = 0


def sources() -> list[Path]:
    """All files that may hold messages: modules, and what is in folders `templates`."""
    modules = STAGES.rglob("*.py")
    templates = (each for kind in ("html", "js") for each in STAGES.rglob(f"templates/*.{kind}"))
    return sorted((*modules, *templates))


def extracted() -> dict[str, Catalog]:
    """The messages of the sources, domain by domain, without translations."""
    found = {PAGES: _empty(PAGES), TERMINAL: _empty(TERMINAL)}
    for file in sources():
        place = file.relative_to(STAGES).as_posix()
        of_page = any(f"{place}/".startswith(f"{room}/") for room in OF_PAGES)
        for line, message in _messages(file):
            found[PAGES if of_page else TERMINAL].add(
                message, locations=[(file.relative_to(ROOT).as_posix(), line)]
            )
    for folder, domain in _ABOUT:
        for file in sorted((ROOT / folder).glob("*.yaml")):
            if message := about(file):
                found[domain].add(message, locations=[(file.relative_to(ROOT).as_posix(), 1)])
    for shown in list(found[PAGES]):
        if shown.id:
            found[TERMINAL].delete(shown.id)
    return found


def _messages(file: Path) -> list[tuple[int, str | tuple[str, ...]]]:
    """Line and message; a message with a plural is a pair."""
    is_module = file.suffix == ".py"
    rows = extract.extract(
        "python" if is_module else "jinja2.ext:babel_extract",
        io.BytesIO(file.read_bytes()),
        keywords=KEYWORDS if is_module else _IN_TEMPLATES,
        options={} if is_module else _AS_IN_PAGES,
    )
    found = [(line, message) for line, message, _comments, _context in rows]
    return [*_description(file), *found] if is_module else found


def _description(file: Path) -> list[tuple[int, str]]:
    """The first line of a command's docstring: the list of commands and its help show it."""
    text = file.read_text(encoding="utf-8")
    if not re.search("^if __name__ ==", text, re.MULTILINE):
        return []
    docstring = ast.get_docstring(ast.parse(text)) or ""
    return [(1, docstring.partition("\n")[0])] if docstring else []


def file(language: str, domain: str, kind: str = "po") -> Path:
    """The catalogue of a language and a domain: the text (po), or what gettext reads (mo)."""
    return FOLDER / language / "LC_MESSAGES" / f"{domain}.{kind}"


def load(language: str, domain: str) -> Catalog:
    """The catalogue with its translations; an empty one if there is no file yet."""
    source = file(language, domain)
    if not source.exists():
        return Catalog(language, domain=domain)
    with source.open("rb") as content:
        return pofile.read_po(content, locale=language, domain=domain, abort_invalid=True)


def update(language: str, domain: str, messages: Catalog) -> Catalog:
    """Bring a catalogue to the messages of the sources, and compile it."""
    catalogue = load(language, domain)
    catalogue.update(messages, no_fuzzy_matching=False)
    catalogue.obsolete.clear()
    target = file(language, domain)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text(catalogue))
    file(language, domain, "mo").write_bytes(compiled(catalogue))
    return catalogue


def text(catalogue: Catalog) -> bytes:
    """The .po file. It names files and no lines, and has no date, so that it changes little."""
    buffer = io.BytesIO()
    pofile.write_po(
        buffer, _Plain(catalogue), width=_WIDTH, sort_by_file=True, include_lineno=False
    )
    return buffer.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """The .mo file: what is translated, without fuzzy messages."""
    buffer = io.BytesIO()
    mofile.write_mo(buffer, _Plain(catalogue))
    return buffer.getvalue()


class _Plain(Catalog):
    """A copy of a catalogue whose header has no date and no version of Babel.

    So equal translations give equal bytes, and a file that is written again reruns no stage.
    """

    def __init__(self, catalogue: Catalog) -> None:
        super().__init__(
            catalogue.locale,
            catalogue.domain,
            header_comment="# Updated by `python -m stages messages`: translate, and run it again.",
            fuzzy=False,
        )
        for message in catalogue:
            if message.id:
                # Without lines, a file that says a message twice stands there once.
                message.locations = [
                    (file, 0) for file in sorted({p for p, _ in message.locations})
                ]
                self[message.id] = message

    @property  # type: ignore[misc]  # Babel's can be set, which nobody does
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", str(self.locale)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def _empty(domain: str) -> Catalog:
    return Catalog(domain=domain)
