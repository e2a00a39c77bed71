"""The language of messages: English in the sources, Chinese from the catalogues of gettext.

A message is written in English where it is said, as `_("{file} is missing").format(file=file)`.
The catalogues are `stages/languages/<language>/LC_MESSAGES/<domain>.mo`, made by
`python -m stages messages`, in two domains. `pages` has what is said on pages, and stages that
write pages depend on it. `terminal` has the rest, and no stage depends on it: a translation that is
changed never makes a training run again. For that reason they do not lie in this folder either.

Without a catalogue, or without a message in it, the English text is said. Nothing fails.
"""

import functools
import gettext
import locale
import os
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from stages.gan.common.errors import UserError

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
# The environment variable that chooses the terminal's language.
VARIABLE = "GAN_LANGUAGE"
FOLDER = Path(__file__).parents[2] / "languages"
PAGES, TERMINAL = "pages", "terminal"

# Of the page that is being written; None between pages, when the terminal is spoken to.
_page: ContextVar[str | None] = ContextVar("language of the page", default=None)


def _(message: str) -> str:
    """A message in the language now spoken. Write it out: no f-string and no name.

    Only a literal can be extracted. `translated` takes a constant that was `marked`.

    Examples
    --------
    >>> with speaking("en"):
    ...     _("{count} images").format(count=3)
    '3 images'
    """
    return translated(message)


def n_(one: str, many: str, count: int) -> str:
    """A message in the form that fits a count. Chinese has one form for all counts.

    Examples
    --------
    >>> with speaking("en"):
    ...     [n_("{n} epoch", "{n} epochs", n).format(n=n) for n in (1, 2)]
    ['1 epoch', '2 epochs']
    """
    for catalogue in _catalogues():
        found = catalogue.ngettext(one, many, count)
        if found not in (one, many):
            return found
    return one if count == 1 else many


def marked(message: str) -> str:
    """The same text: it is extracted here, and said later by `translated`."""
    return message


def translated(message: str) -> str:
    """A text that was `marked`, in the language now spoken; any other text as it is."""
    if not message:  # gettext would give the catalogue's own header
        return message
    for catalogue in _catalogues():
        found = catalogue.gettext(message)
        if found != message:
            return found
    return message


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it, messages are those of a page in this language, whatever the terminal's is.

    Only the catalogue `pages` is used, because stages that write pages depend on no other.

    Parameters
    ----------
    language : str
        One of LANGUAGES.
    """
    token = _page.set(language)
    try:
        yield
    finally:
        _page.reset(token)


def spoken() -> str:
    """The language now spoken: one of LANGUAGES."""
    return _page.get() or _lenient()


def of_terminal(environment: Mapping[str, str] = os.environ) -> str:
    """The terminal's language: that of GAN_LANGUAGE, else of the locale, else English.

    Raises
    ------
    UserError
        If GAN_LANGUAGE names no language that is known.

    Examples
    --------
    >>> of_terminal({"LANG": "zh_CN.UTF-8"}), of_terminal({"LANG": "de_DE.UTF-8"})
    ('zh', 'en')
    """
    named = environment.get(VARIABLE, "")
    if named:
        if named not in LANGUAGES:
            raise UserError(f"{VARIABLE} is {named!r}; valid: {', '.join(LANGUAGES)}")
        return named
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):  # the first that is set decides, as in POSIX
        if environment.get(variable):
            return "zh" if environment[variable].lower().startswith("zh") else ENGLISH
    if sys.platform == "win32":  # which sets none of these, and writes languages' names in full
        return "zh" if (locale.getlocale()[0] or "").startswith(("zh", "Chinese")) else ENGLISH
    return ENGLISH


def _lenient() -> str:
    """The terminal's language. A bad value was reported when the command began: see `command`."""
    try:
        return of_terminal()
    except UserError:
        return ENGLISH


def _catalogues() -> list[gettext.NullTranslations]:
    page = _page.get()
    if page is not None:
        return [] if page == ENGLISH else [_catalogue(page, PAGES)]
    language = _lenient()
    return [] if language == ENGLISH else [_catalogue(language, d) for d in (TERMINAL, PAGES)]


@functools.cache
def _catalogue(language: str, domain: str) -> gettext.NullTranslations:
    """A catalogue; one without messages if the file is missing or damaged.

    A run of hours must not end for a translation.
    """
    file = FOLDER / language / "LC_MESSAGES" / f"{domain}.mo"
    try:
        with file.open("rb") as content:
            return gettext.GNUTranslations(content)
    except (OSError, ValueError, struct.error):
        return gettext.NullTranslations()
