"""The section "Draw from G" as a reader uses it."""

import numpy as np
import pytest

from stages.gan.pages.play import reference
from stages.gan.trained import sampling
from tests.helpers.browser import EPOCHS, make_page, opened

pytestmark = pytest.mark.slow

# Levels of a canvas, of the section or of one of its buttons: one number for each pixel.
PIXELS = """canvas => {
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, i) => i % 4 === 0);
}"""
CODE = "seed => [...images.code(seed)]"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("draw"))


def code_of(page, seed):
    return np.array(page.evaluate(CODE, seed), np.float32)


def drawn_of(made, code):
    """The levels of G's image of a code, by ONNX Runtime."""
    image = reference.run_file(made.generator, np.float32(code)[None])[0, 0]
    return np.rint(image.reshape(-1) * 127.5 + 127.5)


def part(page, name):
    return page.locator(f'[data-draw="{name}"]')


def settled(page):
    """Wait until nothing waits to be drawn: small networks draw all in a few frames."""
    page.evaluate(
        "() => new Promise(done => { let n = 20; (function next() {"
        " n-- ? requestAnimationFrame(next) : done(); })(); })"
    )


def seen(page, name="large"):
    settled(page)
    return np.array(part(page, name).evaluate(PIXELS), float)


def set_slider(page, slider, value):
    slider.evaluate(
        """(slider, value) => {
            slider.value = value;
            for (const name of ['input', 'change']) slider.dispatchEvent(new Event(name));
        }""",
        str(value),
    )


def test_the_field_shows_25_codes_and_a_click_opens_one(browser, made):
    with opened(browser, made.file, "draw.field=70") as page:
        buttons = part(page, "field").locator("button")
        assert buttons.count() == 25
        settled(page)
        for index in (0, 7, 24):
            levels = np.array(buttons.nth(index).locator("canvas").evaluate(PIXELS), float)
            assert np.abs(levels - drawn_of(made, code_of(page, 70 + index))).max() <= 2
        assert np.abs(seen(page) - drawn_of(made, code_of(page, 70))).max() <= 2
        buttons.nth(7).click()
        assert np.abs(seen(page) - drawn_of(made, code_of(page, 77))).max() <= 2
        assert buttons.nth(7).get_attribute("aria-pressed") == "true"
        assert "draw.code=77" in page.url
        logit = reference.run_file(
            made.discriminator, reference.run_file(made.generator, code_of(page, 77)[None])
        )
        answer = f"{1 / (1 + np.exp(-logit[0, 0])):.2f}"
        assert answer in part(page, "answer").inner_text()


def test_the_keyboard_reaches_every_code(browser, made):
    with opened(browser, made.file, "draw.field=5") as page:
        part(page, "field").locator("button").first.focus()
        for key, seed in (
            ("ArrowRight", 6), ("ArrowDown", 11), ("ArrowLeft", 10), ("ArrowUp", 5), ("ArrowUp", 5),
        ):  # fmt: skip
            page.keyboard.press(key)
            pressed = part(page, "field").locator('[aria-pressed="true"]')
            assert pressed.count() == 1
            assert pressed.get_attribute("aria-label") == f"image {seed - 4} of 25"
            assert pressed.evaluate("button => button === document.activeElement")
        # One stop of the Tab key for all 25: the next one is the button below.
        page.keyboard.press("Tab")
        assert part(page, "others").evaluate("button => button === document.activeElement")


def test_a_slider_moves_the_code_along_its_direction(browser, made):
    with opened(browser, made.file, "draw.code=9") as page:
        before = seen(page)
        sliders = part(page, "directions").locator("input")
        assert sliders.count() == len(made.data["directions"])
        set_slider(page, sliders.nth(1), 2.5)
        after = seen(page)
        vector = np.array(made.data["directions"][1]["values"])
        assert np.abs(after - drawn_of(made, code_of(page, 9) + 2.5 * vector)).max() <= 2
        assert np.abs(after - before).max() > 2
        assert "direction 2: +2.5" in part(page, "directions").inner_text()
        assert "draw.direction2=2.5" in page.url
        part(page, "back").click()
        assert np.array_equal(seen(page), before)
        sliders.nth(0).focus()
        page.keyboard.press("ArrowRight")
        assert "direction 1: +0.1" in part(page, "directions").inner_text()


def test_the_first_direction_changes_images_more_than_the_last(browser, made):
    with opened(browser, made.file) as page:
        changes = page.evaluate(
            """() => {
                const network = engine.network(play.data.networks.generator);
                return play.data.directions.map(({values}) => {
                    let sum = 0;
                    for (let seed = 0; seed < 40; seed++) {
                        const code = images.code(seed);
                        const one = network.forward(draw.moved(code, [values], [0.05]));
                        const two = network.forward(draw.moved(code, [values], [-0.05]));
                        one.forEach((value, i) => { sum += (value - two[i]) ** 2; });
                    }
                    return sum;
                });
            }"""
        )
    assert changes[0] > 1.5 * changes[-1]


def test_the_walk_is_the_one_of_interpolation(browser, made):
    with opened(browser, made.file, "draw.code=3&draw.to=4&draw.way=0.25") as page:
        ends = code_of(page, 3), code_of(page, 4)
        ours = sampling.interpolate(*ends, 5)
        theirs = page.evaluate(
            "() => [0, 0.25, 0.5, 0.75, 1].map(way =>"
            " [...draw.between(images.code(3), images.code(4), way)])"
        )
        assert np.abs(np.array(theirs) - ours).max() < 1e-5
        assert np.abs(seen(page) - drawn_of(made, ours[1])).max() <= 2
        assert np.abs(seen(page, "from") - drawn_of(made, ends[0])).max() <= 2
        assert np.abs(seen(page, "to") - drawn_of(made, ends[1])).max() <= 2
        same = page.evaluate("() => [...draw.between(images.code(3), images.code(3), 0.5)]")
        assert np.abs(np.array(same) - ends[0]).max() < 1e-6


def test_the_walk_goes_on_until_it_is_paused_or_out_of_view(browser, made):
    with opened(browser, made.file) as page:
        way = "() => document.querySelector('[data-draw=\"walk\"]').valueAsNumber"
        part(page, "play").click()
        page.wait_for_function(f"({way})() > 0.02")
        page.evaluate("() => document.getElementById('small_gan').scrollIntoView()")
        page.evaluate("() => document.body.insertAdjacentHTML('beforeend',"
                      " '<div style=\"height: 3000px\">')")  # fmt: skip
        page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
        settled(page)
        before = page.evaluate(way)
        settled(page)
        assert page.evaluate(way) == before
        page.evaluate("() => window.scrollTo(0, 0)")
        page.wait_for_function(f"({way})() !== {before}")
        before_url = page.url
        page.wait_for_timeout(300)
        assert page.url == before_url  # not in each frame
        part(page, "play").click()
        assert part(page, "play").get_attribute("aria-pressed") == "false"
        settled(page)
        assert f"draw.way={page.evaluate(way):.2f}" in page.url
        before = page.evaluate(way)
        settled(page)
        assert page.evaluate(way) == before


def test_another_gives_other_codes_and_the_address_gives_them_again(browser, made):
    with opened(browser, made.file) as page:
        first = seen(page)
        for button in ("others", "another", "other-end"):
            part(page, button).click()
        set_slider(page, part(page, "walk"), 0.4)
        set_slider(page, part(page, "epoch"), 1)
        shown, end, url = seen(page), seen(page, "to"), page.url
        picture = part(page, "picture").get_attribute("src")
        assert not np.array_equal(shown, first)
    with opened(browser, made.file, url.partition("#")[2]) as page:
        assert np.array_equal(seen(page), shown)
        assert np.array_equal(seen(page, "to"), end)
        assert part(page, "picture").get_attribute("src") == picture


def test_the_epochs_show_what_training_drew(browser, made):
    with opened(browser, made.file) as page:
        slider = part(page, "epoch")
        for place, epoch in enumerate(made.data["epochs"]):
            set_slider(page, slider, place)
            assert part(page, "picture").get_attribute("src") == epoch["picture"]
            assert f"after epoch {place + 1} of {EPOCHS}" in (
                part(page, "epoch-label").inner_text()
            )
        assert slider.get_attribute("max") == str(EPOCHS - 1)


@pytest.mark.parametrize("state", ["draw.field=-5", "draw.field=1e99", "draw.code=x&draw.way=9"])
def test_an_address_with_wrong_values_opens_the_page(browser, made, state):
    with opened(browser, made.file, state) as page:
        assert seen(page).size == 64
        assert page.locator("#draw .error").count() == 0


def test_the_page_says_what_its_packing_changed(browser, made):
    with opened(browser, made.file) as page:
        settled(page)
        said = part(page, "packing").inner_text()
    networks = made.data["networks"]
    assert f"up to {networks['generator']['difference']} of 255 levels" in said
    assert f"D's logits by up to {networks['discriminator']['difference']} of their" in said


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_fits_into_the_window_and_its_words_can_be_read(browser, made, width, dark):
    with opened(browser, made.file, width=width, dark=dark) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        colours = page.evaluate(
            """() => {
                const of = element => getComputedStyle(element);
                const numbers = text => text.match(/\\d+/g).map(Number);
                return [of(document.body).backgroundColor, of(document.body).color,
                    of(document.querySelector('#draw .hint')).color].map(numbers);
            }"""
        )

    def luminance(colour):
        parts = np.array(colour[:3]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    paper, *inks = map(luminance, colours)
    assert (paper < 0.1) == dark
    for ink in inks:  # WCAG 2.1, 1.4.3
        low, high = sorted((paper, ink))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_each_control_has_a_name_for_a_screen_reader(browser, made):
    with opened(browser, made.file) as page:
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('#draw button, #draw input, #draw canvas')]
                .filter(element => !(element.textContent || element.labels?.[0]?.textContent
                    || element.getAttribute('aria-label')
                    || element.closest('button')?.getAttribute('aria-label')).trim())
                .map(element => element.outerHTML)"""
        )
        assert nameless == []


def test_the_links_lead_to_the_sections_and_the_address_keeps_them(browser, made):
    with opened(browser, made.file, "draw.code=3") as page:
        page.locator('a[data-section="loss"]').click()
        assert "page.section=loss" in page.url
        assert "draw.code=3" in page.url
        assert page.evaluate("document.activeElement.id") == "loss-title"
        url = page.url
    with opened(browser, made.file, url.partition("#")[2]) as page:
        assert page.evaluate("document.activeElement.id") == "loss-title"
    with opened(browser, made.file, "page.section=nonsense") as page:
        assert page.evaluate("document.activeElement.id") == ""
