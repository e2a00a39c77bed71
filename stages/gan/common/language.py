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
import re
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from string import Formatter

from stages.gan.common.errors import UserError

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
# As `lang` of a page names them.
TAGS = {ENGLISH: "en", "zh": "zh-CN"}
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


# The line in which a command, or a rank of a job, reports its error.
ERROR = marked("error: {message}")


def retold(text: str, *templates: str) -> str:
    """A filled-in English text, in the language now spoken.

    Outs of the pipeline that are no pages hold English texts, so that their bytes do not depend on
    a language. A page finds the template that made such a text, and fills in its translation.

    Parameters
    ----------
    text : str
    templates : str
        What was `marked`, with places such as {loss:.4g}. Of several that fit, the one with the
        longest text of its own is taken. If none fits, the text is taken for a message itself.

    Examples
    --------
    >>> with speaking("en"):
    ...     retold("step 3 of 10", "step {step} of {all:,}")
    'step 3 of 10'
    """
    for template in sorted(templates, key=_own_letters, reverse=True):
        if found := _pattern(template).fullmatch(text):
            pieces = []
            for literal, name, _spec, _conversion in Formatter().parse(translated(template)):
                pieces += [literal, found[name] if name else ""]
            return "".join(pieces)
    return translated(text)


@functools.cache
def _pattern(template: str) -> re.Pattern[str]:
    parts, seen = [], set()
    for literal, name, _spec, _conversion in Formatter().parse(template):
        parts.append(re.escape(literal))
        if name:
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
            seen.add(name)
    return re.compile("".join(parts), re.DOTALL)


def _own_letters(template: str) -> int:
    return sum(len(literal) for literal, *_ in Formatter().parse(template))


def editions(message: str) -> list[str]:
    """A `marked` text in all languages: what another process may have said."""
    found = [message]
    for language in LANGUAGES:
        if language != ENGLISH:
            found += [_catalogue(language, each).gettext(message) for each in (TERMINAL, PAGES)]
    return list(dict.fromkeys(found))


def beginnings(message: str) -> list[str]:
    """What stands before the first place of a `marked` text, in all languages.

    Examples
    --------
    >>> beginnings(ERROR)[0]
    'error: '
    """
    return [each.partition("{")[0] for each in editions(message)]


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


@contextmanager
def to_terminal() -> Iterator[None]:
    """Within it, messages are those of the terminal, even while a page is written.

    It decorates functions that pages use and that raise errors: the terminal shows an error.

    Examples
    --------
    >>> with speaking("zh"), to_terminal():
    ...     spoken() == of_terminal()
    True
    """
    token = _page.set(None)
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
    """The terminal's language. A bad value was reported when the command began: see `command`.

    It is English where the terminal cannot show the language: escapes could not be read.
    """
    try:
        language = of_terminal()
    except UserError:
        return ENGLISH
    return language if language == ENGLISH or _can_be_shown("中文") else ENGLISH


def _can_be_shown(text: str) -> bool:
    for stream in (sys.stdout, sys.stderr):
        try:
            text.encode(getattr(stream, "encoding", None) or "utf-8")
        except UnicodeEncodeError:
            return False
    return True


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
