"""The section loss, driven as a reader drives it."""

import re

import pytest

from tests.helpers.browser import make_page, opened

pytestmark = pytest.mark.slow

WIDER = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def made(browser, tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("play"), judged=False)


@pytest.fixture
def page(browser, made):
    with opened(browser, made.file) as opened_page:
        yield opened_page


def figures(page, name):
    """What a loss's card shows: its value and its gradient."""
    outputs = page.locator(f"#loss-cards [data-loss={name}] output")
    return tuple(outputs.all_inner_texts())


def settled(page):
    """After the frame in which the section draws."""
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def step(page, name):
    page.locator("#loss-steps").get_by_role("button", name=name, exact=True).click()
    settled(page)


def test_the_slider_stops_at_the_logits_of_the_riddle(page):
    stops = page.evaluate("loss.stops")
    assert stops == sorted(set(stops))
    assert {-40, -20, -2, 0, 2, 16, 17, 20, 40} <= set(stops)
    near, far = stops.index(0), stops.index(39.5)
    assert stops[near + 1] - stops[near] < 0.06 < stops[far + 1] - stops[far]


def test_keys_move_the_logit_and_the_address_keeps_it(browser, made, page):
    slider = page.get_by_label("Logit s of the image")
    slider.focus()
    page.keyboard.press("End")
    settled(page)
    assert figures(page, "bce") == ("27.631021", "0")
    assert figures(page, "bce_with_logits") == ("40.000000", "1.000000")
    page.keyboard.press("ArrowLeft")
    settled(page)
    assert figures(page, "bce_with_logits")[0] == "39.500000"
    assert slider.get_attribute("aria-valuetext") == "logit 39.5, probability 1"
    state = page.evaluate("location.hash.slice(1)")
    with opened(browser, made.file, state) as again:
        assert figures(again, "bce_with_logits") == ("39.500000", "1.000000")


@pytest.mark.parametrize(
    ("s", "y", "bce", "logits", "mse"),
    [
        (0, 0, ("0.693147", "0.500000"), ("0.693147", "0.500000"), ("0.250000", "0.250000")),
        (2, 1, ("0.126928", "-0.119203"), ("0.126928", "-0.119203"), ("0.014209", "-0.025031")),
        (17, 0, ("27.631021", "0"), ("17.000000", "1.000000"), ("1.000000", "0")),
        (40, 1, ("-0.000000", "0"), ("0.000000", "0"), ("0.000000", "0")),
    ],
)
def test_cards_show_value_and_gradient(browser, made, s, y, bce, logits, mse):
    with opened(browser, made.file, f"loss.s={s}&loss.y={y}") as page:
        assert figures(page, "bce") == bce
        assert figures(page, "bce_with_logits") == logits
        assert figures(page, "mse") == mse


def test_the_riddle_is_answered_step_by_step(page):
    line = page.locator("#loss-lecture")
    step(page, "A fair coin")
    assert line.inner_text() == "loss d:0.693147, loss g:0.693147"
    step(page, "A very wrong answer")
    assert page.locator("#loss-p").inner_text() == "0.9999999"
    assert float(figures(page, "bce")[1]) == pytest.approx(1, abs=1e-6)
    assert page.locator("#loss-bits .bit").all_inner_texts()[-1] == "0"
    step(page, "One more")
    assert page.locator("#loss-p").inner_text() == "1"
    assert "".join(page.locator("#loss-bits .bit").all_inner_texts()) == f"{0x3F800000:032b}"
    assert figures(page, "bce") == ("27.631021", "0")
    step(page, "The same D on a real image")
    assert figures(page, "bce") == ("-0.000000", "0")
    step(page, "The sum, halved")
    assert line.inner_text() == "loss d:13.815511, loss g:-0.000000"
    assert "(-0.000000 + 27.631021) / 2" in page.locator("#loss-parts").inner_text()
    step(page, "The cure")
    assert figures(page, "bce_with_logits") == ("40.000000", "1.000000")
    assert page.locator("#loss-steps [aria-pressed=true]").count() == 1
    # Whoever moves a slider has left the steps.
    page.get_by_label("Label y of the image").press("ArrowRight")
    settled(page)
    assert page.locator("#loss-steps [aria-pressed=true]").count() == 0


def test_a_label_between_0_and_1_is_only_for_losses_that_take_one(browser, made):
    with opened(browser, made.file, "loss.s=2&loss.y=0.9") as page:
        assert figures(page, "bce") == ("0.326928", "-0.019203")
        for name in ("hinge", "wgan_gp", "rpgan"):
            assert not re.search(r"\d", "".join(figures(page, name)))
            card = page.locator(f"#loss-cards [data-loss={name}]")
            assert "only the labels 0 and 1" in card.inner_text()


def test_d_says_p_to_everything(page):
    slider = page.get_by_label("Probability p that D gives to all images")
    rows = page.locator("#loss-all-table tr")
    assert rows.nth(0).locator("td").all_inner_texts() == ["1.386294", "1.386294"]
    assert rows.nth(1).locator("td").all_inner_texts() == ["0.693147", "0.693147"]
    assert "You are at the equilibrium" in page.locator("#loss-all-verdict").inner_text()
    assert "2 ln 2 = 1.3863" in page.locator("#loss-all-plot").inner_html()
    slider.press("ArrowRight")
    settled(page)
    assert "above its lowest point" in page.locator("#loss-all-verdict").inner_text()
    slider.press("ArrowLeft")
    page.get_by_label("D's loss as").select_option("half")
    settled(page)
    assert rows.nth(0).locator("td").all_inner_texts() == ["0.693147", "0.693147"]
    assert "above its lowest" not in page.locator("#loss-all-verdict").inner_text()
    page.locator("#loss").get_by_label("Loss", exact=True).select_option("mse")
    assert rows.nth(0).locator("td").all_inner_texts() == ["0.250000", "0.250000"]
    assert re.search(r"loss\.name=mse", page.evaluate("location.hash"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_the_window(browser, made, width, dark):
    with opened(browser, made.file, "loss.s=17", width=width, dark=dark) as page:
        assert page.evaluate(WIDER) <= 0
        beyond = page.evaluate(
            "[...document.querySelectorAll('#loss *')].filter("
            "each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.id)"
        )
        assert beyond == []
