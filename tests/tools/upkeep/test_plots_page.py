"""Plots of DVC's that are drawn without a network."""

import re
from html.parser import HTMLParser

import pytest
from dvc_render.vega import VegaRenderer

from stages.gan.pages.charts import vega
from stages.tools.upkeep import plots_page
from tests.helpers.data import message_of
from tests.helpers.processes import chromium


class Named(HTMLParser):
    """Collects the files that the tags of a page name; what scripts hold is no tag."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "srcset")]


@pytest.fixture
def drawn(copied):
    """The page of `dvc plots show` after the set-up."""
    copied.run("python", "-m", "stages", "plots_page")
    copied.run("dvc", "plots", "show", "-o", "plots")
    return copied.folder / "plots/index.html"


@pytest.mark.pipeline
def test_the_page_of_plots_names_no_file_but_the_images_beside_it(copied, drawn):
    assert "jsdelivr" not in drawn.read_text()
    assert drawn.read_text().count("vegaEmbed('#") >= 6
    copied.run("dvc", "plots", "diff", "HEAD", "-o", "compared")
    for page in (drawn, copied.folder / "compared/index.html"):
        named = Named(page.read_text()).found
        assert any(name.endswith("reports_mnist_evaluation_generated.png") for name in named)
        for name in named:
            assert name.startswith("static/")
            assert (page.parent / name).is_file()


@pytest.mark.pipeline
@chromium.needed
def test_a_browser_draws_the_plots(drawn):
    marks = re.findall(
        r'<canvas width="(\d+)" height="(\d+)" class="marks"', chromium.dom(drawn)[0]
    )
    # Losses and gradients of each data set, and one curve by epoch and one by step.
    assert sum(int(width) > 100 and int(height) > 100 for width, height in marks) >= 6


@pytest.mark.pipeline
def test_it_is_of_this_clone_alone(copied):
    copied.run("python", "-m", "stages", "plots_page")
    assert copied.run("git", "status", "--porcelain").stdout == ""
    assert "html_template = plots_page.html" in (copied.folder / ".dvc/config.local").read_text()
    clone = copied.folder.parent / "clone"
    copied.run("git", "clone", "-q", ".", str(clone))
    assert not (clone / ".dvc/plots_page.html").exists()
    # Where images are not on this machine, DVC shows no plot but those that are asked for.
    shown = copied.run("dvc", "--cd", str(clone), "plots", "show", "-o", "plots", "mnist losses")
    assert "index.html" in shown.stdout
    page = (clone / "plots/index.html").read_text()
    assert page.count("vegaEmbed('#") == 1
    assert Named(page).found  # as DVC makes it


@pytest.mark.pipeline
def test_a_page_that_the_user_has_named_stays(copied):
    copied.run("dvc", "config", "--local", "plots.html_template", "mine.html")
    said = copied.run("python", "-m", "stages", "plots_page").stdout
    assert "DVC uses mine.html" in said
    assert copied.run("dvc", "config", "plots.html_template").stdout == "mine.html\n"


def test_the_scripts_are_of_the_major_versions_that_dvc_asks_for():
    asked = dict(re.findall(r"npm/([a-z-]+)@(\d+)", VegaRenderer.SCRIPTS))
    assert tuple(f"{name}{major}.js" for name, major in asked.items()) == vega.SCRIPTS
    page = plots_page.page()
    for mark in ("{plot_divs}", "{refresh_tag}"):
        assert page.count(mark) == 1
    assert "{scripts}" not in page  # DVC's list of them, which names a server


def test_a_script_with_a_mark_of_dvcs_is_not_used(monkeypatch):
    monkeypatch.setattr(plots_page.vega, "scripts", lambda: ["", "a = '{plot_divs}'", ""])
    assert "holds {plot_divs}" in message_of(plots_page.page)


def test_outside_of_a_project_it_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "run this from the project's folder" in message_of(plots_page.main)
    assert list(tmp_path.iterdir()) == []
