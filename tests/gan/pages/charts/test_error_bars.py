import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.pages.charts.error_bars import HEIGHT, WIDTH, draw

NUMBERS = st.floats(-1e6, 1e6)
ERRORS = st.none() | st.floats(0.0, 1e6)


def places(drawing):
    """Where things are on x: the floor's line, both ends of its bar and of the value's, the dot."""
    root = ElementTree.fromstring(drawing)
    floor, floor_bar, bar = (
        (float(line.get("x1")), float(line.get("x2"))) for line in root.iter("line")
    )
    (dot,) = root.iter("circle")
    return floor, floor_bar, bar, float(dot.get("cx"))


@given(value=NUMBERS, error=ERRORS, floor=NUMBERS, floor_error=ERRORS)
def test_everything_is_inside_and_in_order(value, error, floor, floor_error):
    line, floor_bar, bar, dot = places(draw(value, error, floor, floor_error))
    assert line[0] == line[1]
    for low, middle, high in ((floor_bar[0], line[0], floor_bar[1]), (bar[0], dot, bar[1])):
        assert 0 <= low <= middle <= high <= WIDTH
    if abs(value - floor) > 0.01 * (abs(value) + abs(floor) + (error or 0) + (floor_error or 0)):
        assert (dot < line[0]) == (value < floor)


def test_bars_reach_two_errors_to_either_side():
    line, floor_bar, bar, dot = places(draw(10.0, 1.0, 0.0, 0.5))
    scale = (dot - line[0]) / 10.0
    assert bar == pytest.approx((dot - 2 * scale, dot + 2 * scale), abs=0.15)
    assert floor_bar == pytest.approx((line[0] - scale, line[0] + scale), abs=0.15)


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 7.0])
def test_without_errors_and_at_the_floor_there_is_a_dot_on_a_line(value):
    line, floor_bar, bar, dot = places(draw(value, None, value, None))
    assert line == floor_bar == bar == (dot, dot)


def test_it_says_the_same_in_figures():
    root = ElementTree.fromstring(draw(3.14159, 0.2222, 0.18, None))
    assert root.find("title").text == "3.142 ± 0.22, real images 0.18"
    assert (root.get("width"), root.get("height")) == (str(WIDTH), str(HEIGHT))
