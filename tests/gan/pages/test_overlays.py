import io
import math

from PIL import Image

from stages.gan.pages import overlays


def draw(lines, levels):
    return overlays.draw(lines, levels, "epoch", "loss")


def colours(png):
    """The colours of a drawing, and how many pixels have each."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return {colour: count for count, colour in picture.getcolors(1 << 20)}


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def test_the_same_lines_give_the_same_bytes():
    lines = {"a": ([1, 2], [1.0, 2.0]), "b": ([1, 2, 3], [3.0, 2.0, 1.0])}
    png = draw(lines, {"a": 1.4, "b": 1.4})
    assert png == draw(lines, {"a": 1.4, "b": 1.4})
    assert {BLUE, ORANGE} <= set(colours(png))


def test_a_level_of_its_own_has_the_colour_of_its_line():
    lines = {"a": ([1, 2], [1.0, 1.0]), "b": ([1, 2], [1.0, 1.0])}
    common = colours(draw(lines, {"a": 1.5, "b": 1.5}))
    own = colours(draw(lines, {"a": 1.5, "b": 0.5}))
    assert own[ORANGE] > common[ORANGE]
    assert own[BLUE] > common[BLUE]
    # One that has no equilibrium draws none, and the other's is not taken for that of both.
    half = colours(draw(lines, {"a": 1.5, "b": None}))
    assert half[BLUE] > common[BLUE]
    assert half[ORANGE] == common[ORANGE]


def test_what_is_not_finite_is_left_out_and_said():
    finite = draw({"a": ([1, 2, 3], [1.0, 2.0, 1.5])}, {})
    assert draw({"a": ([1, 2, 3, 4], [1.0, 2.0, 1.5, math.inf])}, {}) == finite
    nothing = draw({"a": ([1, 2], [math.nan, math.inf])}, {})
    assert nothing != finite


def test_a_run_that_lies_far_off_does_not_hide_the_others():
    """The height of the usual lines in pixels, beside one that is at 50."""
    usual = [1.0, 2.0, 1.0, 2.0]
    png = draw({"a": (range(4), usual), "b": (range(4), [1.5] * 3 + [50.0])}, {})
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    rows = {y for y in range(picture.height) for x in range(100, 400)
            if picture.getpixel((x, y)) == BLUE}  # fmt: skip
    assert max(rows) - min(rows) > 20
