"""A session of ten minutes in one: through all sections of one page, as a reader uses them."""

import re
import zipfile

import pytest

from tests.helpers.browser import make_page, opened

pytestmark = pytest.mark.slow

LOGIT = "Number(document.getElementById('ask').dataset.logit)"


def slide(page, slider, value):
    slider.evaluate(
        """(slider, value) => {
            slider.value = value;
            for (const name of ['input', 'change']) slider.dispatchEvent(new Event(name));
        }""",
        str(value),
    )


def section(page, name):
    page.locator(f'a[data-section="{name}"]').click()
    return page.locator(f"#{name}")


def test_a_reader_goes_through_the_whole_page(browser, tmp_path):
    made = make_page(tmp_path / "page", image_shape=(1, 28, 28))
    with opened(browser, made.file) as page:
        page.context.tracing.start(screenshots=True, snapshots=True)

        # Draw from G: another code, moved along a direction.
        draw = section(page, "draw")
        draw.get_by_role("button", name="Another code", exact=True).click()
        slide(page, draw.locator('[data-draw="directions"] input').first, 3)
        page.wait_for_function(
            "document.querySelector('[data-draw=\"answer\"]').textContent.includes('probability')"
        )
        assert "direction 1: +3.0" in draw.inner_text()

        # Ask D: a real image, then a digit drawn by mouse.
        ask = section(page, "ask")
        page.wait_for_function(f"Number.isFinite({LOGIT})")
        before = page.evaluate(LOGIT)
        pad = ask.locator("[data-part=pad]")
        pad.evaluate("pad => pad.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(300)
        box = pad.bounding_box()
        ways = ((0.5, 0.2), (0.5, 0.8))
        page.mouse.move(*(box[a] + w * box[s] for a, w, s in _corner(ways[0])))
        page.mouse.down()
        page.mouse.move(*(box[a] + w * box[s] for a, w, s in _corner(ways[1])), steps=8)
        page.mouse.up()
        page.wait_for_function(f"{LOGIT} !== {before}")

        # Be D: a whole game by mouse.
        game = section(page, "game")
        game.locator("[data-part=start]").click()
        for number in range(1, 21):
            page.wait_for_function(
                """number => document.querySelector('#game [data-part=progress]').textContent
                    .includes(`${number} of 20`)""",
                arg=number,
            )
            game.locator(f"[data-part={'real' if number % 2 else 'generated'}]").click()
        game.locator("[data-part=result]").wait_for()
        assert re.search(r"\d+ of 20", game.locator("[data-part=headline]").inner_text())

        # The loss: a logit so large that float32's sigmoid is exactly 1.
        loss = section(page, "loss")
        loss.get_by_role("button", name="As wrong as you like").click()
        assert "loss d:13.815511, loss g:" in loss.inner_text()

        # The small GAN: to its collapse, and out of it.
        small = section(page, "small_gan")
        small.get_by_role("button", name="The lecture's failing run", exact=True).click()
        page.wait_for_function(
            "document.querySelector('#small_gan-lecture').textContent"
            " === 'loss d:13.815511, loss g:-0.000000'"
        )
        small.get_by_role("button", name="Mend this run", exact=True).click()
        page.wait_for_function("smallGan.gan().seen.gradientG > 0")
        small.get_by_role("button", name="Pause", exact=True).click()

        for name in ("draw.code", "draw.direction1", "page.section"):
            assert name in page.url
        page.context.tracing.stop(path=tmp_path / "session.zip")
    # To be looked at with `playwright show-trace`.
    with zipfile.ZipFile(tmp_path / "session.zip") as recorded:
        assert len([name for name in recorded.namelist() if name.endswith(".jpeg")]) > 5


def _corner(way):
    across, down = way
    return (("x", across, "width"), ("y", down, "height"))
