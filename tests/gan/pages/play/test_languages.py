import re
from pathlib import Path

import pytest

from stages.gan.pages import play
from stages.gan.pages.play import languages

FOLDER = Path(play.__file__).parent
LANGUAGES = sorted(path.name for path in (FOLDER / "texts").iterdir())
ENGLISH = languages.table("en")
# Texts of symbols and names alone, which are the same in each language.
SYMBOLS = {
    ("ask", "judge_share"),
    ("ask", "logit"),
    ("ask", "loss_softplus"),
    ("ask", "loss_wgan_gp"),
    ("game", "d_said"),
    ("game", "mark_critic"),
    ("game", "mark_discriminator"),
    ("game", "mark_guess"),
    ("game", "of_each"),
    ("loss", "all_p_value"),
    ("loss", "axis"),
    ("loss", "bce_formula"),
    ("loss", "bce_with_logits_formula"),
    ("loss", "below_one"),
    ("loss", "label_value"),
    ("loss", "lecture_line"),
    ("loss", "logit_value"),
    ("loss", "mse_formula"),
    ("loss", "softplus_formula"),
    ("loss", "wgan_gp"),
    ("page", "between_items"),
    ("page", "between_sentences"),
    ("page", "colon"),
    ("page", "language"),
    ("page", "percent"),
    ("small_gan", "lecture_line"),
    ("small_gan", "legend_field_low"),
    ("small_gan", "of"),
    ("small_gan", "percent"),
}


def every_text(table):
    return {(name, key): value for name, part in table.items() for key, value in part.items()}


def places(value):
    return sorted(re.findall(r"\{\w+\}", value))


def numbers(value):
    """The numbers of a text, but not those in names such as float32 and beta1."""
    return sorted(re.findall(r"(?<![a-zA-Z0-9.])\d[\d,.]*(?:e-?\d+)?(?<![.,])", value))


def is_chinese(value):
    """Whether it has a Chinese character, and nowhere three English words in a row."""
    return bool(re.search(r"[\u4e00-\u9fff]", value)) and not re.search(
        r"(?:[A-Za-z']{2,}[ ,]+){2}[A-Za-z]{2,}", re.sub(r"loss [dg]|et al\.|PNG, JPEG", "", value)
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_each_language_with_the_same_places(language):
    table = languages.table(language)
    assert set(table) == {*play.SECTIONS, "page"}
    texts, english = every_text(table), every_text(ENGLISH)
    assert texts.keys() == english.keys()
    assert [where for where, value in texts.items() if not isinstance(value, str)] == []
    assert [key for key, value in texts.items() if places(value) != places(english[key])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_the_same_in_each_language(language):
    english = every_text(ENGLISH)
    texts = every_text(languages.table(language))
    assert [key for key, value in texts.items() if numbers(value) != numbers(english[key])] == []


def test_no_text_was_left_in_english():
    chinese = every_text(languages.table("zh"))
    left = [key for key, value in chinese.items() if not is_chinese(value) and key not in SYMBOLS]
    assert left == []


@pytest.mark.parametrize(
    "value", ["Both networks learn.", "D 赢了。The losses swing widely.", "ln 2", ""]
)
def test_english_among_chinese_is_found(value):
    assert not is_chinese(value)


def test_numbers_and_names_are_told_apart():
    assert numbers("float32、beta1 和 beta 2 是 27.631, 1e-12。") == ["1e-12", "2", "27.631"]


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("zh", "zh-CN")])
def test_the_page_names_its_language(language, tag):
    page = play.page_of({"title": "A title"}, language)
    assert f'<html lang="{tag}">' in page


def test_templates_ask_for_texts_that_are_there():
    asked = set()
    for file in (FOLDER / "templates").glob("*.html"):
        asked |= set(re.findall(r"text\.(\w+)\.(\w+)", file.read_text(encoding="utf-8")))
    assert asked
    assert [one for one in asked if one[1] not in ENGLISH[one[0]]] == []


def test_templates_hold_no_words_of_their_own():
    left = {}
    for file in (FOLDER / "templates").glob("*.html"):
        shown = re.sub(r"<[^>]*>|\{[{%].*?[%}]\}", " ", file.read_text(encoding="utf-8"))
        left[file.name] = re.findall(r"[^\W\d_]{2,}", shown.replace("'use strict';", ""))
    assert {name: words for name, words in left.items() if words} == {}


def test_scripts_hold_no_words_of_their_own():
    """But for errors of a programmer, and code."""
    left = {}
    for file in (FOLDER / "scripts").rglob("*.js"):
        code = re.sub(r"//.*|new Error\(.*", "", file.read_text(encoding="utf-8"))
        strings = re.findall(r"'([^'\n]*)'|\.textContent = `([^`\n]*)`", code)
        left[file.name] = [
            words
            for words in map("".join, strings)
            if re.search(r"[^\W\d_]{2,} [^\W\d_]{2,}", re.sub(r"\$\{[^}]*\}", "", words))
        ]
    assert {name: words for name, words in left.items() if words} == {}
