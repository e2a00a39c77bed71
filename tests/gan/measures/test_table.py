"""One list names all that evaluation measures, and what shows scores leaves none out."""

import subprocess
import sys

import pytest

from stages.gan.evaluation import game
from stages.gan.evaluation.critic import two_sample
from stages.gan.evaluation.quality import measuring
from stages.gan.measures import table as measures
from stages.tools.compare.__main__ import figures
from tests.helpers.project import ROOT

SCORE = {"value": 0.5, "error": 0.1, "floor": 0.4, "floor_error": None}


def evaluate(**changes):
    """The part of evaluate.json that holds scores."""
    return {
        "quality": dict.fromkeys(measuring.NAMES, SCORE),
        "critic": dict.fromkeys(two_sample.NAMES, SCORE),
        "game": dict.fromkeys(game.NAMES, SCORE),
        **changes,
    }


def test_the_list_has_just_what_is_measured_in_the_same_order():
    assert tuple(measure.key for measure in measures.QUALITY) == measuring.NAMES
    assert tuple(measure.key for measure in measures.CRITIC) == two_sample.NAMES
    assert tuple(measure.key for measure in measures.GAME) == game.NAMES
    for section, listed in (
        ("quality", measures.QUALITY), ("critic", measures.CRITIC), ("game", measures.GAME),
    ):  # fmt: skip
        assert {measure.section for measure in listed} == {section}


@pytest.mark.parametrize("measure", measures.ALL, ids=lambda measure: measure.key)
def test_each_measure_says_what_it_is_and_which_way_is_better(measure):
    assert measure.name
    assert measure.sentence.endswith((".", "?"))
    assert measure.better in ("higher", "lower", "floor")


def test_names_are_told_apart_where_all_stand_in_one_table():
    for names in ([m.full_name for m in measures.ALL], [m.head for m in measures.ALL]):
        assert len(set(names)) == len(measures.ALL)


def test_what_has_no_value_is_left_out():
    known = dict.fromkeys(measuring.NAMES, SCORE)
    known["recall"] = {**SCORE, "value": None}
    del known["near_copies"]  # of a run that is older than the measure
    found = [measure.key for measure, _ in measures.scored(evaluate(quality=known))]
    expected = [name for name in measuring.NAMES if name not in ("recall", "near_copies")]
    assert found == [*expected, *two_sample.NAMES, *game.NAMES]


def test_a_game_that_was_not_played_is_left_out():
    content = evaluate()
    del content["game"]
    sections = {measure.section for measure, _ in measures.scored(content)}
    assert sections == {"quality", "critic"}


def test_the_comparison_leaves_none_out():
    term = {"value": 1.0, "equilibrium": 1.0}
    terms = dict.fromkeys(("real", "fake", "discriminator", "generator"), term)
    rest = dict.fromkeys(("real_probability", "fake_probability", "accuracy", "jsd_lower_bound"), 0)
    own = {**terms, "name": "bce", "equilibrium_point": None}
    found = figures(evaluate(bce=terms, training_loss=own, **rest), {})
    assert {measure.full_name for measure in measures.ALL} <= set(found)


def test_the_table_of_the_documentation_has_each():
    words = {"higher": "higher", "lower": "lower", "floor": "nearest to the floor"}
    table = (ROOT / "docs/samples.md").read_text(encoding="utf-8")
    rows = [
        f"| {each.head} | `{each.section}.{each.key}` | {words[each.better]} |\n"
        for each in measures.ALL
    ]
    assert "".join(rows) in table


def test_it_needs_nothing_heavy():
    code = (
        "import sys; import stages.gan.measures.headline, stages.gan.measures.table; "
        "print(sorted({'numpy', 'scipy', 'mindspore'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
