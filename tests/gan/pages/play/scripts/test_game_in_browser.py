"""The section "Be D" in a real browser, and its arithmetic against SciPy and our own."""

import re

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from stages.gan.losses.equilibrium import bce_terms
from stages.gan.pages.play import reference
from tests.helpers.browser import HELD_OUT, make_page, opened

pytestmark = pytest.mark.slow

ROUNDS = 20
PROBABILITIES = (0.99, 0.8, 0.55)
# The images of a seed's rounds, as the networks take them.
IMAGES = """async seed => Promise.all(rounds.of(seed, play.data.held_out.count).map(async round =>
    [...(round.real ? await images.heldOut(round.index) :
        engine.network(play.data.networks.generator).forward(images.code(round.seed)))]))"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("game"), "mlp")


@pytest.fixture(scope="module")
def truths_of(browser, made):
    """Which of a seed's rounds are real."""

    def find(seed):
        with opened(browser, made.file) as page:
            return page.evaluate(f"rounds.of({seed}, {HELD_OUT}).map(round => round.real)")

    return find


def part(page, name):
    return page.locator(f"#game [data-part={name}]")


def shows(page, number):
    """Wait until the game asks about the image with this number."""
    page.wait_for_function(
        """number => document.querySelector('#game [data-part=progress]').textContent
            === `Image ${number} of 20`""",
        arg=number,
    )


def play(page, answers):
    """A whole game by keyboard: for each image whether it is called real, and how surely."""
    part(page, "start").focus()
    page.keyboard.press("Enter")
    for number, (real, level) in enumerate(answers, 1):
        shows(page, number)
        page.keyboard.press(str(level + 1))
        keys = ("g", "r") if number % 2 else ("ArrowRight", "ArrowLeft")
        page.keyboard.press(keys[real])
    part(page, "result").wait_for()


def numbers(text):
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", text)]


def scores(page):
    """The table of the result: who to its cells."""
    return {
        row.locator("th").inner_text(): [cell.inner_text() for cell in row.locator("td").all()]
        for row in page.locator("#game [data-part=scores] tr").all()
    }


def test_chance_is_that_of_scipy(browser, made):
    counts = range(1, 41)
    with opened(browser, made.file) as page:
        found = page.evaluate(
            """counts => counts.map(count => [binomial.interval(count, 0.95),
                Array.from({length: count + 1}, (_, right) => binomial.pValue(count, right)),
                binomial.masses(count)])""",
            list(counts),
        )
    for count, (interval, values, masses) in zip(counts, found, strict=True):

        def inside(low, count=count):
            return binom.cdf(count - low, count, 0.5) - binom.cdf(low - 1, count, 0.5)

        low = max(each for each in range(count // 2 + 1) if inside(each) >= 0.95)
        assert (interval["low"], interval["high"]) == (low, count - low)
        assert interval["probability"] == pytest.approx(inside(low), abs=1e-12)
        np.testing.assert_allclose(masses, binom.pmf(range(count + 1), count, 0.5), rtol=1e-9)
        expected = [binomtest(right, count).pvalue for right in range(count + 1)]
        np.testing.assert_allclose(values, expected, rtol=1e-9)
    assert (found[19][0]["low"], found[19][0]["high"]) == (6, 14)


def test_a_seed_fixes_the_rounds_and_a_coin_decides_each(browser, made):
    with opened(browser, made.file) as page:
        games = page.evaluate(
            f"Array.from({{length: 300}}, (_, seed) => rounds.of(seed, {HELD_OUT}))"
        )
        again = page.evaluate(f"rounds.of(7, {HELD_OUT})")
        few = page.evaluate("rounds.of(7, 3)")
    assert again == games[7]
    assert all(len(game) == ROUNDS for game in games)
    reals = np.array([[each["real"] for each in game] for game in games])
    # 6,000 fair coins, none of which depends on its place or on the one before.
    assert binomtest(int(reals.sum()), reals.size).pvalue > 1e-3
    assert binomtest(int((reals[:, 1:] == reals[:, :-1]).sum()), reals[:, 1:].size).pvalue > 1e-3
    assert len(set(reals.sum(axis=1))) > 5
    for game in games:
        shown = [each["index"] for each in game if each["real"]]
        assert len(set(shown)) == len(shown)
        assert all(0 <= index < HELD_OUT for index in shown)
        assert len({each["seed"] for each in game if not each["real"]}) == ROUNDS - len(shown)
    assert {each["index"] for each in few if each["real"]} <= {0, 1, 2}


def test_a_whole_game_by_keyboard(browser, made, truths_of):
    seed = 7
    truths = truths_of(seed)
    # Half of the answers right, with each of the levels.
    answers = [(truth if at % 2 else not truth, at % 3) for at, truth in enumerate(truths)]
    with opened(browser, made.file, f"game.seed={seed}") as page:
        play(page, answers)
        table = scores(page)
        headline = part(page, "headline").inner_text()
        chance = part(page, "chance-words").inner_text()
        value = part(page, "p-value").inner_text()
        marked = page.locator("#game .chart .name").all_text_contents()
        label = page.locator("#game [data-part=bce-chart] svg").get_attribute("aria-label")
        shape = (-1, *(made.data["image"][side] for side in ("channels", "height", "width")))
        images = np.float32(page.evaluate(IMAGES, seed)).reshape(shape)
        strip = page.locator("#game [data-part=strip] button").all()
        names = [button.get_attribute("aria-label") for button in strip]
    real = np.array(truths)
    given = np.array([PROBABILITIES[level] for _, level in answers])
    mine = np.log(given / (1 - given)) * np.where([says for says, _ in answers], 1, -1)
    theirs = reference.run_file(made.discriminator, images)[:, 0].astype(np.float64)

    def bce(logits):
        parts = [bce_terms(logits[real], logits[~real])[name].value for name in ("real", "fake")]
        return (parts[0] * real.sum() + parts[1] * (~real).sum()) / ROUNDS

    right = int(((theirs > 0) == real).sum())
    count = f"{real.sum()} + {(~real).sum()}"
    assert table["You"] == [count, "50.0 %", f"{bce(mine):.3f}"]
    assert table["D, same images"][:2] == [count, f"{100 * right / ROUNDS:.1f} %"]
    assert numbers(table["D, same images"][2])[0] == pytest.approx(bce(theirs), abs=0.01)
    # The sums of the small page's scores are 1.2 and 0.9: half of it for an answer.
    assert table["D, many images"] == ["40 + 40", "65.0 %", "0.600"]
    assert table["Critic, many images"] == ["40 + 40", "80.0 %", "0.450"]
    assert table["Always 0.5"][1:] == ["50.0 %", "0.693"]
    assert headline == f"You got 10 of 20 right. D got {right} right."
    assert "6 to 14 of 20 right in 95.9 % of all games" in chance
    assert "does not show" in chance
    assert value.startswith("p = 1.000")
    assert f"you {10}" in marked
    assert "ln 2 0.693" in marked
    assert "ln 2 = 0.693" in label
    assert len(names) == ROUNDS
    for name, truth, (says, level) in zip(names, truths, answers, strict=True):
        words = {True: "real", False: "generated"}
        expected = f"is {words[truth]}. You said {words[says]} ({PROBABILITIES[level]:.2f})"
        assert expected in name


@pytest.mark.parametrize(("right", "words"), [(True, "which is more"), (False, "wrong names")])
def test_all_right_and_all_wrong_are_no_chance(browser, made, truths_of, right, words):
    answers = [(truth == right, 1) for truth in truths_of(3)]
    with opened(browser, made.file, "game.seed=3") as page:
        play(page, answers)
        assert words in part(page, "chance-words").inner_text()
        assert part(page, "p-value").inner_text().startswith("p = 1.9e\N{MINUS SIGN}6:")
        assert f"{20 if right else 0} of 20" in part(page, "headline").inner_text()
        better = "below" if right else "above"
        assert f"is {better} ln 2" in part(page, "bce-words").inner_text()


def test_buttons_play_too_and_an_image_opens_in_ask(browser, made, truths_of):
    truths = truths_of(1)
    with opened(browser, made.file, width=360, dark=True) as page:
        part(page, "start").click()
        for number in range(1, ROUNDS + 1):
            shows(page, number)
            page.locator("#game [data-part=levels] label").nth(number % 3).click()
            part(page, "real").click()
        part(page, "result").wait_for()
        assert part(page, "headline").inner_text().startswith(f"You got {sum(truths)} of 20")
        wide = page.evaluate(
            """[...document.querySelectorAll('#game *')].filter(each => !each.closest('.wide')
                && each.getBoundingClientRect().right > 360).map(each => each.outerHTML)"""
        )
        assert wide == []
        at = truths.index(False)
        said = page.evaluate(
            """async at => engine.network(play.data.networks.discriminator).forward(
                engine.network(play.data.networks.generator).forward(
                    images.code(rounds.of(1, play.data.held_out.count)[at].seed)))[0]""",
            at,
        )
        page.locator("#game [data-part=strip] button").nth(at).click()
        page.wait_for_function(
            "said => Math.abs(document.getElementById('ask').dataset.logit - said) < 1e-6", arg=said
        )
        assert "Generated by G" in page.locator("#ask [data-part=origin]").inner_text()
        # Other images, and their seed in the address.
        part(page, "again").click()
        shows(page, 1)
        assert "game.seed=" in page.url
        assert "game.seed=1&" not in f"{page.url}&"


def test_other_keys_and_other_places_answer_nothing(browser, made):
    with opened(browser, made.file, "game.seed=2") as page:
        page.wait_for_function("document.getElementById('ask').dataset.logit !== undefined")
        page.keyboard.press("r")  # before the game has begun
        part(page, "start").click()
        shows(page, 1)
        for key in ("x", "Enter", "Shift", "ArrowUp", "4"):
            page.keyboard.press(key)
        page.locator("#ask [data-part=next-real]").focus()
        page.keyboard.press("g")
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        page.keyboard.press("g")  # the game is far below
        page.locator("#game input").nth(0).focus()
        page.keyboard.press("ArrowRight")  # moves how sure one is
        assert page.locator("#game input").nth(1).is_checked()
        assert part(page, "progress").inner_text() == "Image 1 of 20"
        page.keyboard.press("g")
        shows(page, 2)
