import mindspore
import pytest

from stages.tools.mindspore_check.facts import Fact, Seen
from stages.tools.mindspore_check.running import CHANGED, GROUPS, HOLDS, UNKNOWN, look
from tests.helpers.project import ROOT

FACTS = [fact for facts in GROUPS.values() for fact in facts]


@pytest.mark.parametrize(("holds", "state"), [(True, HOLDS), (False, CHANGED)])
def test_a_fact_holds_or_has_changed(holds, state):
    outcome = look(Fact("A heading", lambda: Seen(holds, "1, 2")))
    assert (outcome.state, outcome.seen) == (state, "1, 2")


def test_an_error_is_no_answer():
    def check() -> Seen:
        raise RuntimeError("\n-----\nUnsupported op [X] on CPU\nmore")

    outcome = look(Fact("A heading", check))
    assert outcome.state == UNKNOWN
    assert outcome.seen == "RuntimeError: Unsupported op [X] on CPU"


def test_an_error_without_words_is_named():
    def check() -> Seen:
        raise ValueError

    assert look(Fact("A heading", check)).seen == "ValueError: no reason given"


def test_no_heading_comes_twice():
    headings = [fact.heading for fact in FACTS]
    assert len(headings) == len(set(headings)) > 40


@pytest.mark.slow
@pytest.mark.parametrize("fact", FACTS, ids=[fact.heading for fact in FACTS])
def test_the_fact_holds_in_the_pinned_version(fact):
    """If it fails with a new MindSpore: the fault is mended. Say so on the page."""
    outcome = look(fact)
    assert outcome.state == HOLDS, outcome.seen


def test_the_page_names_the_pinned_version():
    pinned = f"mindspore=={mindspore.__version__}"
    assert pinned in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "mindspore.md").read_text(encoding="utf-8")
    assert f"MindSpore {mindspore.__version__}" in page
