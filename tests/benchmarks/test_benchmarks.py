"""Measurements are run by hand: that they no longer fit the library could stay unseen."""

import json

import pytest

from benchmarks import lecture, penalties, verdicts
from stages.gan.common.errors import UserError
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


def test_a_measurement_trains_as_the_stage_does():
    """By `Assembly.train`. Else lookahead would move neither slow weights nor the average."""
    texts = {
        file.relative_to(ROOT / "benchmarks").as_posix(): file.read_text(encoding="utf-8")
        for file in (ROOT / "benchmarks").rglob("*.py")
    }
    trains = {name for name, text in texts.items() if "players.train(" in text}
    assert trains >= {
        "costs.py", "memory.py", "scaling.py", "trajectories.py", "verdicts.py", "watching.py",
    }  # fmt: skip
    # PyTorch's step is none of `Assembly`.
    own = {name for name, text in texts.items() if "training.loop import train" in text}
    assert own == {"scores/twin.py"}
    # These runs take turns, step by step.
    single = {name for name, text in texts.items() if "players.step(" in text}
    assert single == {"penalties.py"}
    assert "players.after_step(" in texts["penalties.py"]


def test_the_lectures_params_take_changes_by_name_and_refuse_names_that_are_none():
    changed = lecture.settings("mnist", {"generator.widths": [8, 4], "r1": 2.0}, "dcgan")
    assert (changed.kind.network, changed.train.r1) == ("dcgan", 2.0)
    assert lecture.settings("mnist").train.r1 == 0.0
    with pytest.raises(UserError, match=r"no mnist\.train\.r3"):
        lecture.settings("mnist", {"r3": 1.0})
    for run in verdicts.RUNS.values():
        assert verdicts.settings_of(run).train.max_steps == run.steps
    for changes in penalties.runs(1.0).values():
        assert penalties.settings_of("mnist", "mlp", changes, 7).train.max_steps == 7
