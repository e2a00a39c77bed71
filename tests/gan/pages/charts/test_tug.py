"""The drawing of what both players could gain."""

import re
from xml.etree import ElementTree

import pytest

from stages.gan.pages.charts import tug


def places(drawing: str) -> list[float]:
    """Where the dot is, and the ends of D's and of G's bar."""
    root = ElementTree.fromstring(drawing)
    bars = [line for line in root.iter("line") if line.get("stroke-width") == "5"]
    (dot,) = root.iter("circle")
    return [float(dot.get("cx")), *(float(bar.get("x2")) for bar in bars)]


def test_d_pulls_to_the_right_and_g_to_the_left():
    dot, d, g = places(tug.draw(-1.2, 0.4, 2.0, -1.386))
    assert g < dot < d
    assert (dot - g) / (d - dot) == pytest.approx(5.0, rel=0.01)


def test_the_figures_are_told_in_words():
    told = re.search("<title>(.*)</title>", tug.draw(-1.2, 0.4, 2.0, -1.386))[1]
    assert told == "M = -1.2; D could raise it to -0.8, G could lower it to -3.2"
    assert "equilibrium -1.39" in tug.draw(-1.2, 0.4, 2.0, -1.386)
    assert "equilibrium" not in tug.draw(-1.2, 0.4, 2.0, None)


@pytest.mark.parametrize("gains", [(0.0, 0.0), (-0.1, 0.0)])
def test_a_pair_that_cannot_gain_has_no_bars(gains):
    dot, d, g = places(tug.draw(-1.386, *gains, -1.386))
    assert dot == d == g
