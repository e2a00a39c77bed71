import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.pages import embedded_json
from stages.gan.pages.charts import vega
from tests.helpers.data import message_of
from tests.helpers.processes import chromium
from tests.helpers.project import ROOT

LEVELS = {"D at equilibrium": 1.3863, "G at equilibrium": 0.6931}
# What the page's own parts are to the script that draws.
PAGE = """<!DOCTYPE html>
<html><head><style>
:root {{ --ink: #000; --soft: #666; --paper: #fff; --line: #ccc; --blue: #00f; --orange: #f80; }}
</style></head><body>
<figure data-chart="one"><div class="chart" style="width: 600px"></div>
<noscript>a picture</noscript>
<div class="controls" hidden><button data-zoom="in">+</button><button data-zoom="right">r</button>
<button data-zoom="all">all</button></div></figure>
<pre id="found"></pre>
<script type="application/json" id="charts">{charts}</script>
{scripts}
<script>{drawing}</script>
<script>{probe}</script>
</body></html>"""
PROBE = """
const figure = document.querySelector('[data-chart]');
const domain = (name) => figure.view.scale(name).domain();
const press = async (name) => {
  figure.querySelector(`[data-zoom="${name}"]`).click();
  await figure.view.runAsync();
  return domain('x');
};
const wait = async () => {
  if (figure.querySelector('.controls').hidden) return setTimeout(wait, 20);
  const found = { x: domain('x'), y: domain('y') };
  const data = Object.keys(figure.view._runtime.data).map((name) => figure.view.data(name) ?? []);
  found.drawn = data.find((rows) => rows.some((row) => 'value' in row))
    .map(({ x, line, value }) => [x, line, value]);
  found.in = await press('in');
  found.right = await press('right');
  found.all = await press('all');
  const canvas = figure.querySelector('canvas');
  found.size = [canvas.width, canvas.height];
  document.getElementById('found').textContent = JSON.stringify(found);
};
wait();
"""


def chart(x=(1, 2, 3), levels=LEVELS, **others):
    lines = {"discriminator": [1.0, 1.2, 1.3], "generator": [0.9, 0.8, 0.7]}
    return vega.curves(x, others.pop("lines", lines), levels, "epoch", "loss", **others)


def layers(made, kind):
    """The layers of a chart with one kind of mark."""
    return [layer for layer in made["spec"]["layer"] if layer["mark"]["type"] == kind]


def test_a_page_gets_every_script_once_and_none_ends_its_element():
    found = vega.scripts()
    assert len(found) == len(vega.SCRIPTS) == 3
    assert all("</script" not in text for text in found)
    assert sum(map(len, found)) < 900_000


def test_without_the_package_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(vega, "PACKAGE", "js_lib_of_nobody")
    assert "run `make setup`" in message_of(vega.scripts)
    monkeypatch.setattr(vega, "PACKAGE", "js_lib_vega_embed")
    monkeypatch.setattr(vega, "SCRIPTS", ("vega99.js",))
    assert "vega99.js" in message_of(vega.scripts)


@given(st.lists(st.floats(), min_size=1, max_size=20))
def test_numbers_are_shortened_and_what_is_not_finite_is_left_out(values):
    made = chart(range(len(values)), lines={"a": values})
    for given_value, shown in zip(values, made["columns"]["a"], strict=True):
        if abs(given_value) < 1e300:
            assert shown == pytest.approx(given_value, rel=1e-4)
        elif not math.isfinite(given_value):
            assert shown is None
    json.loads(embedded_json(made))  # which would refuse NaN
    low, high = layers(made, "line")[0]["encoding"]["y"]["scale"]["domain"]
    assert low < high or not math.isfinite(high - low)


def test_the_same_chart_is_the_same_text():
    assert embedded_json(chart()) == embedded_json(chart())


def test_levels_have_the_colours_of_their_lines_if_there_are_as_many():
    (dashed, *_) = layers(chart(), "rule")
    assert dashed["encoding"]["color"]["field"] == "line"
    assert [row["line"] for row in dashed["data"]["values"]] == ["discriminator", "generator"]
    assert [row["label"] for row in dashed["data"]["values"]] == [
        "D at equilibrium: 1.386",
        "G at equilibrium: 0.6931",
    ]
    (alone, *_) = layers(chart(levels={"equilibrium": 0.5}), "rule")
    assert "field" not in alone["encoding"]["color"]
    assert not layers(chart(levels={}), "text")


def test_the_label_of_the_highest_level_is_above_and_the_others_are_below():
    (dashed, *_) = layers(chart(), "rule")
    assert [row["up"] for row in dashed["data"]["values"]] == [True, False]


@pytest.mark.parametrize(
    ("values", "kind", "domain"),
    [
        ([0.3, 20.0], "log", [0.1, 100.0]),
        ([1e-7, 5.0], "log", [1e-7, 10.0]),
        ([0.0, 5.0], "symlog", [0.0, 10.0]),
        ([0.0, 0.0], "symlog", [0.0, 10.0]),
    ],
)
def test_a_logarithmic_scale_holds_a_zero_only_if_there_is_one(values, kind, domain):
    made = chart(range(2), levels={}, lines={"a": values}, logarithmic=True)
    height = layers(made, "line")[0]["encoding"]["y"]
    assert height["scale"]["type"] == kind
    assert height["scale"]["domain"] == domain
    assert (0.0 in height["axis"]["values"]) == (kind == "symlog")
    assert len(height["axis"]["values"]) <= 10


def test_a_few_points_are_drawn_as_dots():
    assert layers(chart(), "line")[0]["mark"]["point"]
    many = chart(range(100), lines={"a": [1.0] * 100})
    assert not layers(many, "line")[0]["mark"]["point"]


@pytest.mark.slow
@chromium.needed
def test_a_browser_draws_it_and_zooms(tmp_path):
    lines = {"D(x), real": [5.0, math.nan, 6.0, 5.5], "fake": [7.0, 7.0, math.inf, 6.5]}
    made = vega.curves([1, 2, 3, 5], lines, {"equilibrium": 5.2}, "epoch", "loss")
    script = (ROOT / "stages/gan/pages/templates/_charts.js").read_text(encoding="utf-8")
    scripts = "\n".join(f"<script>{text}</script>" for text in vega.scripts())
    file = tmp_path / "page.html"
    charts = embedded_json({"one": made})
    file.write_text(
        PAGE.format(charts=charts, scripts=scripts, drawing=script, probe=PROBE), encoding="utf-8"
    )
    page, said = chromium.dom(file)
    assert said == []  # neither an error nor a warning
    found = json.loads(re.search(r'<pre id="found">(.*?)</pre>', page)[1])
    # Values that are not there are left out, and are no 0.
    expected = {(1, "D(x), real", 5), (3, "D(x), real", 6), (5, "D(x), real", 5.5)}
    expected |= {(1, "fake", 7), (2, "fake", 7), (5, "fake", 6.5)}
    assert {tuple(row) for row in found["drawn"]} == expected
    assert found["y"][0] >= 5
    assert found["x"] == found["all"] == [1, 5]
    assert found["in"] == [2, 4]
    assert found["right"] == [2.5, 4.5]
    assert found["size"][0] > 500
