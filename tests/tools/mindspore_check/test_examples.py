"""The page about MindSpore: its examples run, and its headings are those of the checks."""

import re
import runpy

import pytest

from stages.tools.mindspore_check.running import GROUPS
from tests.helpers.project import ROOT

PAGE = (ROOT / "docs" / "mindspore.md").read_text(encoding="utf-8")
PRELUDE, *EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
HEADINGS = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)


def test_the_page_has_the_facts_in_the_order_of_the_checks():
    assert [fact.heading for facts in GROUPS.values() for fact in facts] == HEADINGS


def test_the_page_has_the_groups_of_the_checks():
    parts = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert parts[: len(GROUPS)] == list(GROUPS)


def test_each_fact_says_what_was_seen_and_what_to_do_and_shows_it():
    facts = re.split(r"^### .+$", PAGE, flags=re.MULTILINE)[1:]
    for heading, text in zip(HEADINGS, facts, strict=True):
        for part in ("**Seen.** ", "**Instead.** ", "```python\n"):
            assert text.count(part) == 1, heading


@pytest.mark.parametrize("example", EXAMPLES, ids=HEADINGS)
def test_the_examples_of_the_page_run(example, tmp_path, monkeypatch):
    """In a file, because MindSpore reads the source of what it compiles."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "example.py"
    file.write_text(PRELUDE + "\n\n" + example, encoding="utf-8")
    runpy.run_path(str(file))


def test_most_examples_say_what_must_come_out():
    without = [h for h, example in zip(HEADINGS, EXAMPLES, strict=True) if "assert" not in example]
    assert len(without) <= 4, without


def test_an_example_that_is_wrong_fails(tmp_path):
    file = tmp_path / "example.py"
    file.write_text(PRELUDE + "\n\nassert not x.asnumpy().any()\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        runpy.run_path(str(file))
