import json
from string import Formatter

import pytest

from stages.gan.common.language import speaking
from stages.gan.training.watch import changes, sentences, verdicts
from tests.helpers.texts.chinese import english_left, is_chinese

FIGURES = (
    "over 50 steps D's loss is 1.234 (1.386 at equilibrium), G's 0.81 (0.6931), D(x) 0.512, "
    "D(G(z)) 0.431, D's gradient has length 1.2, G's gradient has length 0.5, generated images "
    "differ by 0.71 (real ones by 0.75)"
)
SEEN = (
    FIGURES,
    "over 50 steps D's loss is 1.234, G's 0.81, D(x) 0.512, D(G(z)) 0.431",
    f"{FIGURES}; at the end that is 0.12 of the real images' difference",
    f"{FIGURES}; at the end that is 0.12 of the real images' difference, and it was 0.9 before",
    f"D(G(z)), averaged over 10 steps, turned 12 times by more than 0.2 in the last 750 steps; "
    f"{FIGURES}",
    f"{FIGURES}; G's loss is above 4.269, what it is if D gives every generated image the "
    "probability 0.014",
    "discriminator loss is nan, generator gradient is inf",
    "not finite: generator.a.weight, generator.b.weight",
    "not finite: generator.a.weight, generator.b.weight, generator.c.bias and 4 more",
    "real images have values from 0 to 1, but G draws in [-1, 1]; they are not among the 256 "
    "levels that the stage preprocess makes of images",
    "from step 20 on D's loss is 13.815511 (1.386 at equilibrium) and G's is -0.000000; D(x) is 1 "
    "and D(G(z)) is 1; in 50 steps every measured gradient of both networks was exactly 0",
    f"{FIGURES}; the root mean square of G's gradient is at most 1e-09; below 1e-08 Adam moves no "
    "weight",
    f"{FIGURES}; every measured gradient of G was exactly 0",
)


def templates() -> list[str]:
    """Every sentence of the module."""
    found = []
    for name, value in vars(sentences).items():
        if name.isupper() and not name.startswith("_"):
            found += value.values() if isinstance(value, dict) else [value]
    return found


@pytest.mark.parametrize("seen", SEEN)
def test_what_was_seen_is_told_in_either_language(seen):
    with speaking("en"):
        assert sentences.told(seen) == seen
    with speaking("zh"):
        told = sentences.told(seen)
    assert is_chinese(told)
    names = [word for word in english_left(told) if not word.startswith("generator")]
    assert not names
    for number in ("1.234", "0.431", "13.815511", "-0.000000", "4.269", "1e-09"):
        assert (number in seen) == (number in told)


def test_every_sentence_is_known_to_the_page():
    for template in templates():
        fields = {name for _, name, _, _ in Formatter().parse(template) if name}
        filled = template
        for _literal, name, spec, _ in Formatter().parse(template):
            if name:
                filled = filled.replace(f"{{{name}:{spec}}}" if spec else f"{{{name}}}", "7")
        with speaking("zh"):
            told = (
                sentences.reason(filled) if template == sentences.TIMES else sentences.told(filled)
            )
        assert is_chinese(told) or told != filled, template
        assert told.count("7") >= len(fields)


def test_what_no_sentence_made_stays_as_it_is():
    with speaking("zh"):
        assert sentences.told("somebody's own words; and more") == "somebody's own words；and more"
        assert sentences.reason("because") == "because"


def test_a_verdict_is_told_with_its_changes_and_the_earlier_ones(settings):
    advised = verdicts.advice(verdicts.COLLAPSED, settings(), 200)
    made = verdicts.Verdict(
        verdicts.COLLAPSED, 9, 3, SEEN[0], verdicts.MEANINGS[verdicts.COLLAPSED], advised, True
    )
    stored = {**made.to_json(), "earlier": [made.to_json()], "levels": {"D at equilibrium": 1.0}}
    before = repr(stored)
    with speaking("en"):
        same = sentences.verdict(stored)
        assert json.dumps(same, sort_keys=True) == json.dumps(stored, sort_keys=True)
    with speaking("zh"):
        told = sentences.verdict(stored)
    assert repr(stored) == before
    assert told["name"] == told["earlier"][0]["name"] == "生成器坍塌"
    assert all(is_chinese(each) for each in (told["seen"], told["meaning"]))
    assert all(is_chinese(change["why"]) for change in told["changes"])
    assert [change["value"] for change in told["changes"]] == [each.value for each in advised]
    assert (told["step"], told["since"], told["levels"]) == (9, 3, {"D at equilibrium": 1.0})


@pytest.mark.parametrize("name", verdicts.VERDICTS)
@pytest.mark.parametrize("vanished", [False, True])
def test_every_verdict_and_every_reason_is_translated(name, vanished, settings):
    found = []
    for loss in ("bce", "hinge"):
        for limit in (None, 100):
            given = settings(loss=loss, max_steps=limit, beta1=0.9, discriminator_steps=2, ema=0.0)
            found += verdicts.advice(name, given, 200, vanished)
            found += [changes.longer(given, 100, 2, 4), changes.longer(given, 100, 100, 4)]
    with speaking("zh"):
        for change in found:
            assert is_chinese(sentences.reason(change.why)), change
        told = sentences.verdict({"name": name, "seen": "", "meaning": verdicts.MEANINGS[name]})
    assert is_chinese(told["name"])
    assert not english_left(told["meaning"])
