"""The section "Ask D" in a real browser: by mouse, finger, keys and files."""

import base64
import io
import math

import numpy as np
import pytest
from PIL import Image

from stages.gan import losses
from stages.gan.data.prepared import Split, normalise
from stages.gan.data.raw.idx import bundled, raw
from stages.gan.evaluation import judge
from stages.gan.evaluation.judge import classifier
from stages.gan.losses import equilibrium
from stages.gan.pages.play import contents, page_of, pictures, reference
from stages.gan.params import Judge as Settings
from tests.helpers.browser import make_page, opened

pytestmark = pytest.mark.slow

# Bytes before the values of an IDX file.
IMAGE_HEADER, LABEL_HEADER = 16, 8
SHOWN = 60
SHAPE = (1, 28, 28)
# Lines of digits, in shares of the paper: small and beside its middle, as a hand may draw them.
PEN = {
    "0": [[(0.5 + 0.2 * math.sin(t / 3), 0.4 - 0.3 * math.cos(t / 3)) for t in range(20)]],
    "1": [[(0.35, 0.3), (0.52, 0.12), (0.52, 0.9)]],
    "3": [
        [
            *((0.3, 0.18), (0.5, 0.12), (0.66, 0.22), (0.62, 0.4), (0.45, 0.48)),
            *((0.64, 0.56), (0.7, 0.72), (0.55, 0.88), (0.3, 0.84)),
        ]
    ],
    "4": [[(0.5, 0.1), (0.28, 0.58), (0.74, 0.58)], [(0.58, 0.34), (0.55, 0.92)]],
}
GRADIENT = """async index => [...engine.network(play.data.networks.discriminator)
    .gradient(await images.heldOut(index))]"""


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """The bundled digits to train on, and those held out, as the pipeline prepares them."""
    folder = tmp_path_factory.mktemp("idx")
    bundled.make(folder, None, lambda _: np.random.default_rng(0))
    found = []
    for names in (raw.TRAIN_IMAGES, raw.TRAIN_LABELS), (raw.TEST_IMAGES, raw.TEST_LABELS):
        images, labels = (np.frombuffer((folder / name).read_bytes(), np.uint8) for name in names)
        images = normalise(images[IMAGE_HEADER:].reshape(-1, *SHAPE))
        codes = np.zeros((len(images), 1), np.float32)
        found.append(Split(images, codes, labels[LABEL_HEADER:]))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory, splits):
    """A page of digits: a judge that has learned them, real ones held out, and a random D."""
    settings = Settings(
        epochs=4, max_steps=None, batch_size=64, learning_rate=0.003, widths=[8, 16],
        feature_size=32, classes=10, shift=2, seed=1,
    )  # fmt: skip
    trained = judge.make(*splits, settings)
    assert trained.accuracy > 0.9
    shown = splits[1].images[:SHOWN].astype(np.float32)
    known = contents.Judge(
        trained.network,
        [str(number) for number in range(10)],
        classifier.Look(trained.network)(shown)[1],
    )
    small = make_page(
        tmp_path_factory.mktemp("digits"), "mlp", judged=False, image_shape=SHAPE,
        discriminator_widths=(64, 32),
    )  # fmt: skip
    codes = np.zeros((1, small.data["latent"]["size"]), np.float32)
    data = {
        **small.data,
        "networks": contents.networks(small.generator, small.discriminator, codes, shown, known),
        "classes": known.classes,
        "held_out": pictures.sheet(shown),
    }
    small.file.write_text(page_of(data), encoding="utf-8")
    return small, shown


@pytest.fixture(scope="module")
def colour(tmp_path_factory):
    """A page of small colour images, without a judge."""
    folder = tmp_path_factory.mktemp("colour")
    return make_page(folder, "dcgan", judged=False, image_shape=(3, 16, 16))


def part(page, name):
    return page.locator(f"#ask [data-part={name}]")


def settled(page):
    """The logit of the image in hand, once the page has shown it."""
    page.wait_for_function("document.getElementById('ask').dataset.logit !== undefined")
    # Two frames: what was asked for is drawn in the next one.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 60)))")
    return float(page.evaluate("document.getElementById('ask').dataset.logit"))


def shown_image(page, name="plain"):
    """The pixels of a canvas of the section, (height, width, 4) levels."""
    url = page.evaluate(
        "name => document.querySelector(`#ask [data-part=${name}]`).toDataURL()", name
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))


def paper(page):
    """Where the paper lies in the window, once what stands above it no longer grows."""
    pad = part(page, "pad")
    box = None
    while box != (box := pad.bounding_box()):
        pad.evaluate("pad => pad.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(100)
    return box


def draw(page, lines):
    """Draw lines on the paper by mouse."""
    box = paper(page)
    for line in lines:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in line]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()


def dropped(page, name, content, kind):
    """Drop a file on the image."""
    transfer = page.evaluate_handle(
        """([name, content, kind]) => {
            const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, {type: kind}));
            return transfer;
        }""",
        [name, base64.b64encode(content).decode(), kind],
    )
    page.dispatch_event("#ask [data-part=hand]", "drop", {"dataTransfer": transfer})


def png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def number(text):
    return float(text.replace("\N{MINUS SIGN}", "-"))


def test_each_held_out_image_has_the_logit_of_onnx_runtime(browser, made):
    page_made, shown = made
    logits = reference.run_file(page_made.discriminator, shown[:6])[:, 0]
    assert np.ptp(logits) > 0.05
    with opened(browser, page_made.file) as page:
        found = [settled(page)]
        for _ in range(5):
            part(page, "next-real").click()
            found.append(settled(page))
        assert "6 of 60" in part(page, "origin").inner_text()
        assert "ask.index=5" in page.url
    np.testing.assert_allclose(found, logits, atol=0.01 * max(1, np.ptp(logits)))


def test_the_terms_are_those_of_our_losses(browser, made):
    page_made, _ = made
    with opened(browser, page_made.file, "ask.kind=generated&ask.seed=3") as page:
        logit = settled(page)
        assert number(part(page, "logit").inner_text()) == pytest.approx(logit, abs=6e-4)
        rows = page.locator("#ask [data-part=terms] tr").all()
        cells = [
            [number(text) for cell in row.locator("td").all() for text in
             cell.inner_text().split("\n")]
            for row in rows
        ]  # fmt: skip
    assert len(cells) == 4
    for name, row in zip(("bce", "bce_with_logits", "mse", "hinge"), cells, strict=True):
        loss = losses.build(name)
        given = np.full(2, logit)
        terms = equilibrium.loss_terms(loss, None, given, given)
        middle = equilibrium.loss_terms(loss, None, np.zeros(2), np.zeros(2))
        for place, term in enumerate(("real", "fake", "generator")):
            assert row[2 * place] == pytest.approx(terms[term].value, abs=6e-4), name
            away = terms[term].value - middle[term].value
            assert row[2 * place + 1] == pytest.approx(away, abs=1.1e-3), name


def test_the_slope_is_that_of_onnx_runtime_and_so_are_its_colours(browser, made):
    page_made, shown = made
    with opened(browser, page_made.file, "ask.index=2") as page:
        settled(page)
        slope = np.array(page.evaluate(GRADIENT, 2))
        heat = shown_image(page, "heat").astype(int)
        before = settled(page)
        part(page, "towards").click()
        more = settled(page)
        assert "changed" in part(page, "origin").inner_text()
        part(page, "away").click()
        part(page, "away").click()
        less = settled(page)
    ways = np.random.default_rng(5).standard_normal((20, slope.size)).astype(np.float32)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    image = shown[2].reshape(-1)
    up, down = (
        reference.run_file(page_made.discriminator, (image + step * ways).reshape(-1, *SHAPE))
        for step in (0.01, -0.01)
    )
    differences = (up - down)[:, 0] / 0.02
    assert np.abs(slope).max() > 1e-3
    np.testing.assert_allclose(ways @ slope, differences, atol=0.02 * np.abs(differences).max())
    strong = (np.abs(slope) > 0.5 * np.abs(slope).max()).reshape(28, 28)
    positive = slope.reshape(28, 28) > 0
    blue, red = heat[..., 2], heat[..., 0]
    assert (heat[strong][:, 3] > 100).all()
    assert (blue[strong & positive] > red[strong & positive]).all()
    assert (blue[strong & ~positive] < red[strong & ~positive]).all()
    assert less < before < more


@pytest.mark.parametrize("digit", PEN)
def test_a_drawn_digit_is_recognised(browser, made, digit):
    with opened(browser, made[0].file) as page:
        settled(page)
        draw(page, PEN[digit])
        settled(page)
        assert part(page, "origin").inner_text() == "Your drawing."
        says = part(page, "judge-says").inner_text()
        assert says.startswith(f"{digit}, with a probability"), says
        assert page.locator("#ask .bars .best .name").inner_text() == digit
        part(page, "clear").click()
        settled(page)
        assert part(page, "origin").inner_text().startswith("Empty paper")


def test_a_drawing_takes_the_form_of_the_data(browser, made):
    """However large and wherever it was drawn: the same size, place and ink."""
    _, shown = made
    form = (shown[:, 0] + 1) / 2
    heights = [np.ptp(np.flatnonzero((ink > 0.1).any(axis=1))) + 1 for ink in form]
    with opened(browser, made[0].file) as page:
        settled(page)
        results = []
        for scale, across in ((1.0, 0.0), (0.35, 0.6)):
            part(page, "clear").click()
            draw(page, [[(across + scale * x, scale * y) for x, y in PEN["3"][0]]])
            settled(page)
            assert part(page, "origin").inner_text() == "Your drawing."
            results.append(shown_image(page)[..., 0] / 255)
    large, small = results
    assert np.abs(large - small).mean() < 0.03
    rows = np.flatnonzero((large > 0.1).any(axis=1))
    assert abs(np.ptp(rows) + 1 - np.mean(heights)) <= 2
    assert 0.5 < large.sum() / form.sum(axis=(1, 2)).mean() < 2


def test_a_finger_draws(browser, made):
    with opened(browser, made[0].file, has_touch=True, width=360) as page:
        settled(page)
        box = paper(page)
        places = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            for x, y in PEN["1"][0]
        ]
        session = page.context.new_cdp_session(page)
        for kind, points in (
            ("touchStart", places[:1]),
            *(("touchMove", [place]) for place in places[1:]),
            ("touchEnd", []),
        ):
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        settled(page)
        assert part(page, "judge-says").inner_text().startswith("1, ")


def test_a_file_that_is_no_picture_is_told_in_one_line(browser, made):
    with opened(browser, made[0].file) as page:
        logit = settled(page)
        origin = part(page, "origin").inner_text()
        for content in (b"no picture at all", png(Image.new("L", (9, 9)))[:40]):
            dropped(page, "notes.png", content, "image/png")
            part(page, "complaint").wait_for()
            line = part(page, "complaint").inner_text()
            assert line.startswith("notes.png is no picture")
            assert "\n" not in line
            assert "PNG" in line
            assert settled(page) == logit
            assert part(page, "origin").inner_text() == origin
        dropped(page, "grey.png", png(Image.new("L", (30, 30), 90)), "image/png")
        page.wait_for_function(
            "document.querySelector('#ask [data-part=origin]').textContent.includes('grey.png')"
        )
        assert part(page, "complaint").is_hidden()


def test_a_picture_is_cut_to_its_middle_square_and_made_smaller(browser, colour):
    draws = np.random.default_rng(2)
    pixels = draws.integers(0, 256, (48, 96, 3), np.uint8)
    picture = Image.fromarray(pixels)
    expected = np.asarray(picture.crop((24, 0, 72, 48)).resize((16, 16), Image.Resampling.BOX))
    with opened(browser, colour.file) as page:
        settled(page)
        part(page, "file").set_input_files(
            {"name": "wide.png", "mimeType": "image/png", "buffer": png(picture)}
        )
        page.wait_for_function(
            "document.querySelector('#ask [data-part=origin]').textContent.includes('wide.png')"
        )
        settled(page)
        found = shown_image(page)[..., :3]
    assert np.abs(found.astype(int) - expected).max() <= 2


def test_the_size_of_a_picture_changes_by_means_of_areas(browser, colour):
    """Sides that do not divide each other: each new pixel is the mean of what it covers."""
    pixels = np.random.default_rng(3).integers(0, 256, (7, 7, 4), np.uint8)
    with opened(browser, colour.file) as page:
        found = page.evaluate(
            "pixels => [...pictures.resized(pixels, 7, 7, 5, 5)]", pixels.ravel().tolist()
        )
    shares = np.zeros((5, 7))
    for new in range(5):
        for old in range(7):
            overlap = min(old + 1, (new + 1) * 1.4) - max(old, new * 1.4)
            shares[new, old] = max(0, overlap) / 1.4
    expected = np.einsum("yr,xc,rcl->yxl", shares, shares, pixels.astype(float))
    np.testing.assert_allclose(np.reshape(found, (5, 5, 4)), expected, atol=0.51)


def test_a_pen_paints_over_a_colour_image(browser, colour):
    with opened(browser, colour.file, "ask.index=4") as page:
        before = settled(page)
        image = shown_image(page)[..., :3].astype(int)
        page.get_by_role("button", name="red").click()
        draw(page, [[(0.2, 0.5), (0.8, 0.5)]])
        after = settled(page)
        painted = shown_image(page)[..., :3].astype(int)
        assert part(page, "judge").is_hidden()
        assert "changed" in part(page, "origin").inner_text()
    changed = (image != painted).any(axis=2)
    assert changed[7:9, 4:12].all()
    assert not changed[:5].any()
    assert not changed[11:].any()
    assert (painted[7:9, 5:11, 0] > painted[7:9, 5:11, 1] + 50).all()
    assert before != after


def test_arrows_go_through_images_and_a_link_leads_to_one(browser, made):
    page_made, _ = made
    with opened(browser, page_made.file, "ask.index=59") as page:
        settled(page)
        part(page, "pad").focus()
        page.keyboard.press("ArrowRight")
        settled(page)
        assert "image 1 of 60" in part(page, "origin").inner_text()
        page.keyboard.press("ArrowLeft")
        settled(page)
        assert "image 60 of 60" in part(page, "origin").inner_text()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        logit = settled(page)
        assert "seed 2" in part(page, "origin").inner_text()
        part(page, "overlay").fill("80")
        link = page.url.split("#")[1]
    with opened(browser, page_made.file, link) as page:
        assert settled(page) == logit
        assert part(page, "overlay").input_value() == "80"
        code = np.float32(page.evaluate("[...images.code(2)]"))[None]
    image = reference.run_file(page_made.generator, code)
    expected = reference.run_file(page_made.discriminator, image)[0, 0]
    assert logit == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone(browser, made, dark):
    with opened(browser, made[0].file, width=360, dark=dark) as page:
        settled(page)
        wide = page.evaluate(
            """[...document.querySelectorAll('#ask *')].filter(each => !each.closest('.wide')
                && each.getBoundingClientRect().right > 360).map(each => each.outerHTML)"""
        )
    assert wide == []


def test_each_loss_says_how_far_it_is_from_its_own_equilibrium(browser, made):
    """With every loss, and with options, which move the equilibrium."""
    answers = {}
    smooth = losses.Options(label_smoothing=0.1)
    cases = {name: losses.build(name) for name in losses.LOSSES}
    with opened(browser, made[0].file) as page:
        for name, loss in {**cases, "smooth": losses.build("bce", smooth)}.items():
            at = equilibrium.point(loss)
            answers[name] = page.evaluate(
                """([name, equilibrium]) => {
                    play.data.loss = {name, equilibrium};
                    return answers.ownLoss(1.5);
                }""",
                [
                    "bce" if name == "smooth" else name,
                    at
                    and {
                        "probability": at.probability,
                        "logit": at.logit,
                        "discriminator": at.discriminator,
                        "generator": at.generator,
                    },
                ],
            )
    logits = np.full(2, 1.5)
    assert "judges pairs" in answers["rpgan"]
    assert "at equilibrium it is 0" in answers.pop("rpgan")
    for name in answers.keys() & cases.keys():
        loss = cases[name]
        terms = equilibrium.loss_terms(loss, equilibrium.point(loss), logits, logits)
        total, own = terms["discriminator"], terms["generator"]
        if total.equilibrium is None:
            assert "no equilibrium of this kind" in answers[name]
            continue
        assert f"add up to {total.value:.3f}" in answers[name]
        assert f"the sum is {total.equilibrium:.3f}" in answers[name]
        assert f"here it is {total.distance:.3f} higher" in answers[name]
        value = f"{own.value:.3f}".replace("-", "\N{MINUS SIGN}")
        assert answers[name].endswith(f"here it is {value}.")
    assert "D gives 0.45 to every image" in answers["smooth"]
    assert "options" in answers["smooth"]
