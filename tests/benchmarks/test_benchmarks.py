"""Measurements are run by hand: that they no longer fit the library could stay unseen."""

import json
import re

import pytest

from tests.helpers.project import ROOT, Project

MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in (ROOT / "benchmarks").rglob("*.py")
    if file.name not in ("__init__.py", "__main__.py")
)


# In one process, which imports the libraries and the project once for all of them.
_IMPORT_ALL = """
import importlib, json, sys, traceback
told = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:
        told[name] = traceback.format_exc()
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def failures() -> dict[str, str]:
    """The modules that cannot be imported, with their tracebacks."""
    done = Project(ROOT).run("python", "-c", _IMPORT_ALL, *MODULES)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("module", MODULES)
def test_a_measurement_can_be_imported(failures, module):
    assert module not in failures, failures[module]


def test_a_measurement_that_trains_does_all_that_follows_a_step():
    """Else, with lookahead, neither the slow weights nor the average would ever move."""
    trains = re.compile(r"\btrain\(\s*(?:self\.)?_?players\.step\b")
    texts = {
        file.name: text
        for file in (ROOT / "benchmarks").rglob("*.py")
        if trains.search(text := file.read_text(encoding="utf-8"))
    }
    assert {"costs.py", "game.py", "scaling.py", "trajectories.py", "verdicts.py"} <= set(texts)
    assert [name for name, text in texts.items() if "players.after_step(" not in text] == []
