import re
from pathlib import Path

import pytest

from stages.gan.pages import play
from stages.gan.pages.play import languages

FOLDER = Path(play.__file__).parent
LANGUAGES = sorted(path.name for path in (FOLDER / "texts").iterdir())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_each_language_with_the_same_places(language):
    def places(value):
        return sorted(re.findall(r"\{\w+\}", value))

    english, table = languages.table("en"), languages.table(language)
    assert set(table) == {*play.SECTIONS, "page"}
    assert {name: set(section) for name, section in table.items()} == {
        name: set(section) for name, section in english.items()
    }
    for name, section in table.items():
        for key, value in section.items():
            assert isinstance(value, str), (name, key)
            assert places(value) == places(english[name][key]), (name, key)


def test_templates_ask_for_texts_that_are_there():
    table = languages.table("en")
    asked = set()
    for file in (FOLDER / "templates").glob("*.html"):
        asked |= set(re.findall(r"text\.(\w+)\.(\w+)", file.read_text(encoding="utf-8")))
    assert asked
    assert [one for one in asked if one[1] not in table[one[0]]] == []
