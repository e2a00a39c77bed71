import gettext
import os
import subprocess
import sys

import pytest

from stages.gan.common import language
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, n_, of_terminal, speaking, spoken, translated
from tests.helpers.project import ROOT


class Numbered(gettext.NullTranslations):
    """Translates one message, and one with a plural."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self.mark = mark

    def gettext(self, message):
        return f"{self.mark}{{n}}" if message == "count {n}" else message

    def ngettext(self, one, many, count):
        return f"{self.mark}{{n}}" if one == "count {n}" else (one if count == 1 else many)


@pytest.fixture
def catalogues(monkeypatch):
    found = {"pages": Numbered("页"), "terminal": Numbered("端")}
    monkeypatch.setattr(language, "_catalogue", lambda spoken, domain: found[domain])


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_CTYPE": "zh_CN.UTF-8"}, "en"),
        ({"GAN_LANGUAGE": "en", "LC_ALL": "zh_CN.UTF-8"}, "en"),
        ({"GAN_LANGUAGE": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ({"GAN_LANGUAGE": "", "LANG": "zh_CN.UTF-8"}, "zh"),
    ],
)
def test_the_terminal_speaks_the_language_of_the_variable_or_the_locale(environment, expected):
    assert of_terminal(environment) == expected


@pytest.mark.parametrize("value", ["fr", "ZH", "zh_CN", "english"])
def test_a_bad_value_of_the_variable_is_named(value):
    with pytest.raises(UserError, match=f"^GAN_LANGUAGE is '{value}'; valid: en, zh$"):
        of_terminal({"GAN_LANGUAGE": value})


def test_a_command_ends_with_one_line_about_a_bad_value():
    done = subprocess.run(
        [sys.executable, "-m", "stages"],
        cwd=ROOT,
        env={**os.environ, "GAN_LANGUAGE": "fr"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: GAN_LANGUAGE is 'fr'; valid: en, zh\n"


def test_a_page_speaks_its_own_language_and_uses_its_own_catalogue(catalogues, monkeypatch):
    assert _("count {n}").format(n=3) == "count 3"
    with speaking("zh"):
        assert spoken() == "zh"
        assert _("count {n}").format(n=3) == "页3"
        assert n_("count {n}", "counts {n}", 3).format(n=3) == "页3"
        with speaking("en"):
            assert _("count {n}").format(n=3) == "count 3"
        assert translated("count {n}") == "页{n}"
    assert spoken() == "en"
    monkeypatch.setenv("GAN_LANGUAGE", "zh")
    assert _("count {n}").format(n=3) == "端3"
    with speaking("en"):
        assert _("count {n}").format(n=3) == "count 3"


def test_what_has_no_translation_is_said_in_english(catalogues):
    with speaking("zh"):
        assert _("never translated") == "never translated"
        assert n_("one", "many", 1) == "one"
        assert n_("one", "many", 2) == "many"
        assert _("") == ""


@pytest.mark.parametrize(
    "content", [None, b"", b"no catalogue", b"\xde\x12\x04\x95" + 40 * b"\xff"]
)
def test_a_missing_or_damaged_catalogue_breaks_nothing(content, tmp_path, monkeypatch):
    file = tmp_path / "zh" / "LC_MESSAGES" / "pages.mo"
    if content is not None:
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    language._catalogue.cache_clear()
    try:
        with speaking("zh"):
            assert _("count {n}") == "count {n}"
    finally:
        language._catalogue.cache_clear()


def test_the_tests_speak_english():
    assert os.environ["GAN_LANGUAGE"] == "en"
