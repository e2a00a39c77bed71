"""Pictures are drawn in a process of their own: matplotlib reads its settings at its import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
CHARTS = """
from stages.gan.pages.charts import png
drawn = png.curves([1, 2, 3], {"a": [1, 2, 3], "b": [3, 2, 1]}, {"level": 2.0}, "x", "y")
drawn += png.bars({"a": [1.0, 2.0]}, "x", "y")
drawn += png.overlay({"run": ([1, 2], [3.0, 4.0])}, {"run": 1.0}, "x", "y")
"""
BENCHMARK = """
import pathlib
from benchmarks.speed import plot
part = {"batch": 8, "milliseconds": {"ours": {"mean": 2.0, "p5": 1.0, "p95": 3.0}}}
plot.draw({"mlp": part}, pathlib.Path("drawn.png"))
drawn = pathlib.Path("drawn.png").read_bytes()
"""
FONT = "savefig.dpi: 300\nfont.family: SimHei\naxes.grid: True\n"
TEX = "text.usetex: True\nbackend: TkAgg\ntoolbar: toolmanager\n"
NOTEBOOK = "module://matplotlib_inline.backend_inline"


def digest(folder, code=CHARTS, before="", **environment):
    """The hash of what is drawn in a folder, which is the home, too."""
    unset = {"MPLBACKEND": "", "MATPLOTLIBRC": "", "MPLCONFIGDIR": "", "XDG_CONFIG_HOME": ""}
    # The list of fonts is kept: it takes seconds to make.
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    start = f"import hashlib, os, sys; sys.path.insert(0, {str(ROOT)!r})\n"
    ended = subprocess.run(
        [sys.executable, "-c", f"{start}{before}{code}print(hashlib.sha256(drawn).hexdigest())"],
        cwd=folder,
        env={**os.environ, **unset, "HOME": str(folder), "XDG_CACHE_HOME": cache, **environment},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module", params=[CHARTS, BENCHMARK], ids=["charts", "benchmark"])
def drawing(request, tmp_path_factory):
    """Code that draws, and the hash of what it draws where nothing is set."""
    return request.param, digest(tmp_path_factory.mktemp("plain"), request.param)


def written(file, settings):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(settings, encoding="gbk")
    return file


@pytest.mark.parametrize("settings", [FONT, TEX], ids=["font", "tex"])
def test_a_matplotlibrc_changes_no_byte(tmp_path, drawing, settings):
    code, expected = drawing
    for name in ("folder/matplotlibrc", "home/.config/matplotlib/matplotlibrc"):
        place = tmp_path / name.partition("/")[0]
        written(tmp_path / name, settings)
        assert digest(place, code) == expected, name
    mine = written(tmp_path / "mine", settings)
    assert digest(tmp_path, code, MATPLOTLIBRC=str(mine)) == expected


def test_settings_that_cannot_be_read_do_no_harm(tmp_path, drawing):
    code, expected = drawing
    mine = written(tmp_path / ".config/matplotlib/matplotlibrc", f"# 字体\n{FONT}")
    assert digest(tmp_path, code) == expected
    assert digest(tmp_path, code, MATPLOTLIBRC=str(mine)) == expected


@pytest.mark.parametrize("backend", [NOTEBOOK, "no_such_backend", "TkAgg"])
def test_the_backend_of_the_environment_is_not_used(tmp_path, drawing, backend):
    code, expected = drawing
    assert digest(tmp_path, code, MPLBACKEND=backend) == expected


def test_settings_of_a_process_that_has_matplotlib_change_no_byte(tmp_path, drawing):
    code, expected = drawing
    mine = written(tmp_path / "mine", FONT)
    assert digest(tmp_path, code, "import matplotlib\n", MATPLOTLIBRC=str(mine)) == expected


def test_the_environment_is_as_it_was(monkeypatch):
    from stages.gan.pages.charts.plain_matplotlib import plain

    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.delenv("MATPLOTLIBRC", raising=False)
    with plain():
        assert os.environ["MPLBACKEND"] == "Agg"
    assert os.environ["MPLBACKEND"] == "svg"
    assert "MATPLOTLIBRC" not in os.environ
