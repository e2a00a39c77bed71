import io
import math
from statistics import geometric_mean

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from stages.gan.pages.charts import png
from stages.gan.pages.charts.png import curves, encoded

BLUE, ORANGE, GREEN = (31, 119, 180), (255, 127, 14), (44, 160, 44)


def figure_of(height):
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([0, height])
    return encoded(figure)


def test_it_is_a_png_of_the_figures_size_without_date_or_version():
    with Image.open(io.BytesIO(figure_of(1))) as picture:
        assert (picture.format, picture.size) == ("PNG", (100, 50))
        assert not {"Software", "Creation Time", "date"} & set(picture.info)


def test_the_same_drawing_is_the_same_bytes():
    assert figure_of(1) == figure_of(1)
    assert figure_of(1) != figure_of(-1)


def test_curves_are_pngs_without_date_or_version_and_repeat():
    arguments = ([1, 2, 3], {"a": [1, 2, 3], "b": [3, 2, 1]}, {"level": 2.0}, "epoch", "loss")
    once, again = curves(*arguments), curves(*arguments)
    assert once == again
    with Image.open(io.BytesIO(once)) as picture:
        assert picture.format == "PNG"
        assert not {"Software", "Creation Time", "date"} & set(picture.info)


def test_the_level_is_drawn():
    with_level = curves([1, 2], {"a": [1, 2]}, {"level": 1.5}, "x", "y", (0, 3))
    without = curves([1, 2], {"a": [1, 2]}, {}, "x", "y", (0, 3))
    assert with_level != without


def test_the_mark_is_drawn():
    with_mark = curves([1, 2], {"a": [1, 2]}, {}, "x", "y", marks={"here": 1.5})
    assert with_mark != curves([1, 2], {"a": [1, 2]}, {}, "x", "y")


def bars_of(**groups):
    return np.asarray(Image.open(io.BytesIO(png.bars(groups, "class", "share"))).convert("RGB"))


def coloured(picture, colour):
    """How many pixels have just that colour."""
    return int((picture == colour).all(axis=2).sum())


def test_the_area_of_bars_follows_their_heights():
    picture = bars_of(real=[2, 2], generated=[1, 1])
    assert 1.6 < coloured(picture, BLUE) / coloured(picture, ORANGE) < 2.4


def test_both_groups_are_seen_where_they_are_equal():
    picture = bars_of(real=[1, 2, 3], generated=[1, 2, 3])
    assert 0.9 < coloured(picture, BLUE) / coloured(picture, ORANGE) < 1.1


def test_the_same_bars_are_the_same_bytes():
    assert png.bars({"a": [1, 2]}, "x", "y") == png.bars({"a": [1, 2]}, "x", "y")
    assert b"Software" not in png.bars({"a": [1, 2]}, "x", "y")


def overlay(lines, levels):
    return png.overlay(lines, levels, "epoch", "loss")


def colours(png):
    """The colours of a drawing, and how many pixels have each."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return {colour: count for count, colour in picture.getcolors(1 << 20)}


def test_the_same_lines_give_the_same_bytes():
    lines = {"a": ([1, 2], [1.0, 2.0]), "b": ([1, 2, 3], [3.0, 2.0, 1.0])}
    png = overlay(lines, {"a": 1.4, "b": 1.4})
    assert png == overlay(lines, {"a": 1.4, "b": 1.4})
    assert {BLUE, ORANGE} <= set(colours(png))


def test_a_level_of_its_own_has_the_colour_of_its_line():
    lines = {"a": ([1, 2], [1.0, 1.0]), "b": ([1, 2], [1.0, 1.0])}
    common = colours(overlay(lines, {"a": 1.5, "b": 1.5}))
    own = colours(overlay(lines, {"a": 1.5, "b": 0.5}))
    assert own[ORANGE] > common[ORANGE]
    assert own[BLUE] > common[BLUE]
    # One that has no equilibrium draws none, and the other's is not taken for that of both.
    half = colours(overlay(lines, {"a": 1.5, "b": None}))
    assert half[BLUE] > common[BLUE]
    assert half[ORANGE] == common[ORANGE]


def test_what_is_not_finite_is_left_out_and_said():
    finite = overlay({"a": ([1, 2, 3], [1.0, 2.0, 1.5])}, {})
    assert overlay({"a": ([1, 2, 3, 4], [1.0, 2.0, 1.5, math.inf])}, {}) == finite
    nothing = overlay({"a": ([1, 2], [math.nan, math.inf])}, {})
    assert nothing != finite


def test_a_run_that_lies_far_off_does_not_hide_the_others():
    """The height of the usual lines in pixels, beside one that is at 50."""
    usual = [1.0, 2.0, 1.0, 2.0]
    png = overlay({"a": (range(4), usual), "b": (range(4), [1.5] * 3 + [50.0])}, {})
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    rows = {y for y in range(picture.height) for x in range(100, 400)
            if picture.getpixel((x, y)) == BLUE}  # fmt: skip
    assert max(rows) - min(rows) > 20


def test_lines_of_a_group_have_one_colour():
    lines = {"a1": ([1, 2], [1.0, 1.0]), "a2": ([1, 2], [2.0, 2.0]), "b": ([1, 2], [3.0, 3.0])}
    drawn = colours(png.overlay(lines, {}, "epoch", "loss", {"a1": "a", "a2": "a", "b": "b"}))
    apart = colours(png.overlay(lines, {}, "epoch", "loss"))
    assert GREEN in apart
    assert GREEN not in drawn
    assert {BLUE, ORANGE} <= set(drawn)
    assert drawn[BLUE] > 1.5 * drawn[ORANGE]


def test_each_group_of_dots_has_its_row_and_its_colour():
    drawn = colours(png.points({"a": [1.0], "b": [2.0, 2.5]}, "score"))
    assert {BLUE, ORANGE} <= set(drawn)  # the lines at the means
    assert png.points({"a": [1.0, 2.0]}, "x") == png.points({"a": [1.0, 2.0]}, "x")
    assert png.points({"a": [1.0, 9.0]}, "x") != png.points({"a": [1.0, 9.0]}, "x", geometric_mean)
    assert png.points({"a": [0.0, 100.0]}, "x") != png.points({"a": [0.001, 100.0]}, "x")
