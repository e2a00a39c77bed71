import gettext
import io

import pytest
from babel.messages import pofile

from stages.gan.common.language import LANGUAGES
from stages.tools.upkeep.messages import catalogues, faults

DOMAINS = ("pages", "terminal")
OTHERS = tuple(each for each in LANGUAGES if each != "en")


@pytest.fixture(scope="module")
def extracted():
    return catalogues.extracted()


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_each_message_of_the_sources_is_in_the_catalogue(language, domain, extracted):
    ours = catalogues.load(language, domain)
    assert faults.of_missing(ours, extracted[domain]) == [], "run: python -m stages messages"


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_each_translation_has_the_placeholders_and_numbers_of_its_message(language, domain):
    assert faults.of_catalogue(catalogues.load(language, domain)) == []


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_that_of_the_text(language, domain):
    compiled = catalogues.compiled(catalogues.load(language, domain))
    assert catalogues.file(language, domain, "mo").read_bytes() == compiled, (
        "run: python -m stages messages"
    )
    gettext.GNUTranslations(io.BytesIO(compiled))


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_the_text_is_as_it_is_written(language, domain):
    assert catalogues.file(language, domain).read_bytes() == catalogues.text(
        catalogues.load(language, domain)
    ), "run: python -m stages messages"


def test_all_calls_can_be_extracted():
    assert faults.of_calls(catalogues.sources()) == []


def test_messages_of_pages_are_in_no_catalogue_of_the_terminal(extracted):
    pages, terminal = ({each.id for each in extracted[d] if each.id} for d in DOMAINS)
    assert not pages & terminal


def test_modules_and_templates_are_read(tmp_path, monkeypatch):
    room = tmp_path / "stages" / "gan" / "pages"
    (room / "templates").mkdir(parents=True)
    (room / "page.py").write_text(
        'from x import _, marked, n_\n_("one {a}").format(a=1)\nA = marked("two")\n'
        'n_("{n} day", "{n} days", 3)\n'
    )
    (room / "templates" / "page.html").write_text(
        "<p>{% trans count=3 %}\n  three\n  <b>{{ count }}</b>\n{% endtrans %} {{ _('four') }}</p>"
    )
    (room / "templates" / "_page.js").write_text("const text = {{ _('five')|tojson }};")
    (tmp_path / "stages" / "command.py").write_text('_("two")\n_("six")\n')
    monkeypatch.setattr(catalogues, "STAGES", tmp_path / "stages")
    monkeypatch.setattr(catalogues, "ROOT", tmp_path)
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path / "stages" / "languages")
    found = catalogues.extracted()
    assert {each.id for each in found["pages"] if each.id} == {
        "one {a}",
        "two",
        ("{n} day", "{n} days"),
        "three <b>%(count)s</b>",
        "four",
        "five",
    }
    assert [each.id for each in found["terminal"] if each.id] == ["six"]

    # A translation stays when the catalogue is written again, and the bytes do, too.
    catalogues.update("zh", "terminal", found["terminal"])
    place = catalogues.file("zh", "terminal")
    text = place.read_text("utf-8").replace('"six"\nmsgstr ""', '"six"\nmsgstr "六"')
    place.write_text(text, encoding="utf-8")
    again = catalogues.update("zh", "terminal", catalogues.extracted()["terminal"])
    assert place.read_text("utf-8") == text
    assert faults.of_catalogue(again) == []
    compiled = catalogues.file("zh", "terminal", "mo").read_bytes()
    assert gettext.GNUTranslations(io.BytesIO(compiled)).gettext("six") == "六"
    assert pofile.read_po(io.BytesIO(text.encode()))["six"].string == "六"
