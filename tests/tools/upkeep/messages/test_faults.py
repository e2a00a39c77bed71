import pytest
from babel.messages.catalog import Catalog

from stages.tools.upkeep.messages import faults


def catalogue(message, text, flags=()):
    made = Catalog("zh", domain="pages")
    made.add(message, text, flags=flags)
    return made


def test_a_right_translation_has_no_fault():
    good = catalogue(
        "{count} of 10,000 images in {time:.1f} s, %(share)s %%",
        "10000 张图像中的 {count} 张，用时 {time:.1f} 秒，%(share)s %%",
    )
    assert faults.of_catalogue(good) == []
    assert faults.of_catalogue(catalogue(("{n} day", "{n} days"), ("{n} 天",))) == []
    assert faults.of_catalogue(catalogue(("one day", "{n} days"), ("{n} 天",))) == []


@pytest.mark.parametrize(
    ("message", "text", "fault"),
    [
        ("an image", "", "no translation"),
        (("{n} day", "{n} days"), ("",), "no translation"),
        ("{name} is missing", "缺少文件", "placeholders {name} became none"),
        ("{name} is missing", "缺少 {nome}", "placeholders {name} became {nome}"),
        ("{rate:.2f} at most", "最大 {rate:.3f}", "placeholders {rate:.2f} became {rate:.3f}"),
        ("{a} and {a}", "{a}", "placeholders {a}, {a} became {a}"),
        ("%(share)s of all", "全部的 {share}", "placeholders %(share)s became {share}"),
        ("missing", "缺少 {name}", "placeholders none became {name}"),
        ("at least 0.6931", "至少为 0.693", "numbers 0.6931 became 0.693"),
        ("at most 3 of 10", "最多 10 个", "numbers 10, 3 became 10"),
        ("a few", "3 个", "numbers none became 3"),
        ("13.8155 at 1e-6", "13.8155，当 1e-7", "numbers 13.8155, 1e-6 became 13.8155, 1e-7"),
    ],
)
def test_each_kind_of_fault_is_found(message, text, fault):
    (found,) = faults.of_catalogue(catalogue(message, text))
    assert found.endswith(fault)


def test_a_fuzzy_translation_is_a_fault():
    (found,) = faults.of_catalogue(catalogue("an image", "一张图像", flags=["fuzzy"]))
    assert "fuzzy" in found


def test_messages_of_only_one_side_are_faults():
    ours, theirs = catalogue("old", "旧"), catalogue("new", "")
    assert faults.of_missing(ours, theirs) == [
        "pages: 'new': not in the catalogue",
        "pages: 'old': in no source any more",
    ]
    assert faults.of_missing(ours, ours) == []


@pytest.mark.parametrize(
    "call",
    ['_(f"{a} is")', "_(text)", '_("a" + b)', '_("a {}".format(b))', "n_(one, many, 3)",
     "marked(x)", 'n_("one", f"{n} days", n)', "_()"],
)  # fmt: skip
def test_a_call_without_a_literal_is_a_fault(call):
    (found,) = faults.of_source(f"\nx = {call}\n")
    assert found.startswith("2: ")


@pytest.mark.parametrize("text", ['"the file is missing"', 'f"{a} is not {b}: valid is {c}"'])
def test_an_error_in_plain_english_is_a_fault(text):
    (found,) = faults.of_source(f"raise UserError({text})")
    assert found == "1: UserError() takes a sentence from _() only"
    assert faults.of_source(f"raise UserError(_({text.removeprefix('f')}))") == []


def test_a_call_within_an_f_string_is_a_fault():
    (found,) = faults.of_source("x = f\"{_('text')}\"")
    assert found == "1: _() stands within an f-string"


def test_literals_are_no_faults():
    text = '_("a" "b").format(c=d)\nn_("one", "many", count)\nmarked("""x""")\ntranslated(text)\n'
    assert faults.of_source(text) == []


def test_a_function_that_hides_the_translation_is_a_fault():
    text = 'def f(pair):\n    _, value = pair\n    return _("a").format(b=value)\n'
    (found,) = faults.of_source(text)
    assert found == "2: f binds `_`, and calls _(): use another name"
    own = 'def f(pairs):\n    return [_ for _, b in pairs], _("a")\n'
    assert faults.of_source(own) == []
