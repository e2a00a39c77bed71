from types import ModuleType

from stages.tools.mindspore_check.facts import Fact, Seen, fact, facts_of


def test_a_function_becomes_a_fact_with_its_heading():
    @fact("A heading")
    def check() -> Seen:
        return Seen(True, "1, 2")

    assert check.heading == "A heading"
    assert check.check() == Seen(True, "1, 2")


def test_the_facts_of_a_module_come_in_their_order():
    module = ModuleType("one")
    module.second = Fact("b", lambda: Seen(True, ""))  # type: ignore[attr-defined]
    module.other = 3  # type: ignore[attr-defined]
    module.first = Fact("a", lambda: Seen(True, ""))  # type: ignore[attr-defined]
    assert [each.heading for each in facts_of(module)] == ["b", "a"]
