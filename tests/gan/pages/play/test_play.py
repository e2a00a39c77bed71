import re

from stages.gan.pages.play import SECTIONS, page_of
from tests.helpers.browser import make_page


def test_the_page_is_one_file_that_repeats(tmp_path):
    made = make_page(tmp_path / "one")
    page = made.file.read_text(encoding="utf-8")
    again = make_page(tmp_path / "two").file.read_text(encoding="utf-8")
    assert page == again
    assert str(tmp_path) not in page
    links = re.findall(r"""(?:src|href)="([^"]*)""", page)
    assert set(links) == {"#", "index.html"}  # the sections, and the report beside it
    # No address but the name of SVG's elements, which nobody fetches.
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    for section in SECTIONS:
        assert f'<section id="{section}" aria-labelledby="{section}-title">' in page
        assert page.count(f'id="{section}-title"') == 1


def test_no_text_of_the_data_ends_the_script(tmp_path):
    data = make_page(tmp_path).data
    page = page_of({**data, "title": "</script><b>&"})
    assert page.count("</script>") == 2
    assert "<b>" not in page
    assert "<title>&lt;/script&gt;&lt;b&gt;&amp;</title>" in page
