"""The section small_gan, driven as a reader drives it."""

import re

import pytest

from tests.helpers.browser import make_page, opened

pytestmark = pytest.mark.slow

SEEN = "() => ({...smallGan.gan().seen})"
DEAD = "document.querySelector('#small_gan-verdict').dataset.verdict === 'dead'"


@pytest.fixture(scope="module")
def made(browser, tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("play"), judged=False)


@pytest.fixture
def page(browser, made):
    with opened(browser, made.file) as opened_page:
        opened_page.locator("#small_gan").scroll_into_view_if_needed()
        yield opened_page


def press(page, name):
    page.locator("#small_gan").get_by_role("button", name=name, exact=True).click()


def text(page, name):
    return page.locator(f"#small_gan-{name}").inner_text()


def drawn(page):
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )


def trained(page, steps):
    """Pause, and go on to `steps` steps of G without drawing each.

    How many steps the page takes before it pauses depends on the machine, and clusters are lost and
    found again on the way. The same number of steps gives the same GAN.
    """
    press(page, "Pause")
    page.evaluate(
        "steps => {while (smallGan.gan().seen.stepsG < steps) smallGan.gan().step()}", steps
    )
    press(page, "One step of D")
    drawn(page)


def test_the_lectures_rate_kills_it_and_the_loss_on_the_logit_mends_it(page):
    press(page, "The lecture's failing run")
    page.wait_for_function(DEAD)
    page.wait_for_function("smallGan.gan().seen.stepsG > 5")
    press(page, "Pause")
    drawn(page)
    assert text(page, "lecture") == "loss d:13.815511, loss g:-0.000000"
    assert text(page, "gradient_d") == text(page, "gradient_g") == "exactly 0"
    dead = page.evaluate("[...smallGan.gan().generator.layers[0].values]")
    for _ in range(3):
        press(page, "One step of G")
    drawn(page)
    assert text(page, "lecture") == "loss d:13.815511, loss g:-0.000000"

    press(page, "Mend this run")
    page.wait_for_function(f"!({DEAD}) && smallGan.gan().seen.gradientG > 0")
    alive = page.evaluate("[...smallGan.gan().generator.layers[0].values]")
    assert alive != dead
    trained(page, 1200)
    assert int(text(page, "covered").split()[0]) >= 3
    assert text(page, "gradient_g") != "exactly 0"


def test_a_small_rate_and_the_loss_on_the_logit_learn_all_clusters(page):
    press(page, "The loss on the logit, a small rate")
    page.wait_for_function("smallGan.gan().seen.stepsG > 5")
    trained(page, 1200)
    assert text(page, "covered") == "8 of 8"
    assert "Near equilibrium" in text(page, "verdict")


def test_one_step_moves_one_network(page):
    weights = "name => [...smallGan.gan()[name].layers[0].values]"
    before = {name: page.evaluate(weights, name) for name in ("discriminator", "generator")}
    press(page, "One step of D")
    drawn(page)
    after = {name: page.evaluate(weights, name) for name in before}
    assert after["discriminator"] != before["discriminator"]
    assert after["generator"] == before["generator"]
    assert "1 steps of D, 0 steps of G" in text(page, "counts")
    press(page, "One step of G")
    drawn(page)
    last = {name: page.evaluate(weights, name) for name in before}
    assert last["discriminator"] == after["discriminator"]
    assert last["generator"] != after["generator"]
    press(page, "Reset")
    drawn(page)
    assert {name: page.evaluate(weights, name) for name in before} == before


def test_keys_play_and_pause(page):
    button = page.locator("#small_gan-play")
    button.focus()
    page.keyboard.press("Space")
    page.wait_for_function("smallGan.gan().seen.stepsG > 2")
    assert button.inner_text() == "Pause"
    page.keyboard.press("Space")
    drawn(page)
    seen = page.evaluate(SEEN)
    page.wait_for_timeout(200)
    assert page.evaluate(SEEN) == seen
    assert button.inner_text() == "Play"


def test_nothing_runs_out_of_view(page):
    press(page, "Play")
    page.wait_for_function("smallGan.gan().seen.stepsG > 2")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    seen = page.evaluate(SEEN)
    page.wait_for_timeout(300)
    assert page.evaluate(SEEN) == seen
    page.locator("#small_gan-play").scroll_into_view_if_needed()
    page.wait_for_function("steps => smallGan.gan().seen.stepsG > steps", arg=seen["stepsG"])


def test_the_address_keeps_what_is_chosen(browser, made, page):
    page.locator("#small_gan-loss").select_option("hinge")
    page.locator("#small_gan-data").select_option("spiral")
    page.locator("#small_gan-batch").select_option("32")
    rate = page.locator("#small_gan-rate")
    rate.focus()
    page.keyboard.press("End")
    assert text(page, "rate-value") == "0.1"
    while text(page, "rate-value") != "0.01":
        page.keyboard.press("ArrowLeft")
    press(page, "Another seed")
    drawn(page)
    points = page.evaluate("[...smallGan.gan().sample()]")
    state = page.evaluate("location.hash.slice(1)")
    assert re.search(r"small_gan\.rate=0\.01(&|$)", state)
    with opened(browser, made.file, state) as again:
        assert again.evaluate("smallGan.gan().settings") == {
            "loss": "hinge",
            "rate": 0.01,
            "batch": 32,
            "beta1": 0.5,
            "beta2": 0.999,
            "discriminatorSteps": 1,
        }
        assert again.evaluate("smallGan.gan().points.places.length") == 16
        assert again.evaluate("[...smallGan.gan().sample()]") == points


def test_nonsense_in_the_address_is_left_aside(browser, made):
    state = "small_gan.loss=x&small_gan.data=toString&small_gan.batch=7&small_gan.rate=-3"
    with opened(browser, made.file, state) as page:
        settings = page.evaluate("smallGan.gan().settings")
        assert (settings["loss"], settings["batch"]) == ("bce_with_logits", 64)
        assert settings["rate"] == 1e-5
        assert page.evaluate("smallGan.gan().points.places.length") == 8


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_the_window(browser, made, width, dark):
    with opened(browser, made.file, width=width, dark=dark) as page:
        page.locator("#small_gan").scroll_into_view_if_needed()
        press(page, "The lecture's failing run")
        page.wait_for_function(DEAD)
        beyond = page.evaluate(
            "[...document.querySelectorAll('#small_gan *')].filter("
            "each => each.getBoundingClientRect().right > innerWidth + 1).map(each => each.id)"
        )
        assert beyond == []
