from hypothesis import given
from hypothesis import strategies as st

from stages.tools.compare.runs import differing, matters, shown

PARAMS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2))


@given(st.lists(PARAMS, max_size=4))
def test_just_the_names_whose_values_differ_are_found_once(contents):
    found = differing(contents)
    assert len(set(found)) == len(found)
    for name in "abcd":
        values = {each.get(name) for each in contents}
        assert (name in found) == (len(values) > 1)


def test_a_value_and_its_absence_differ():
    assert differing([{"a": None}, {}]) == ["a"]
    assert shown({"a": None}, "a") != shown({}, "a") == "(none)"


def test_what_changes_only_reports_does_not_matter():
    assert matters("train.beta1")
    assert not matters("train.on_failure")
    assert not matters("report.title")
    assert not matters("language")
