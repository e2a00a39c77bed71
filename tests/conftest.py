"""What all tests share: their order, MindSpore's threads, and the fixtures of a small project."""

import gc
import os
import shutil
import signal
import sys
from collections.abc import Generator
from pathlib import Path

import filelock
import hypothesis
import pytest
from _pytest.doctest import DoctestModule

from stages.gan.common import language, runtime
from tests.helpers.data import load_params, message_of
from tests.helpers.forks.parse_once import parse_once
from tests.helpers.processes import cores
from tests.helpers.processes.leftovers import keep_in_one_folder, keep_only
from tests.helpers.project import Project, make_project, reproduce

# How long an example takes, to be drawn and to be tried, depends on what else the machine does.
# Half as many examples as Hypothesis tries by default: each run draws others, and what is rare has
# tests of its own.
hypothesis.settings.register_profile(
    "without deadlines",
    deadline=None,
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("without deadlines")

# Tests expect English, whatever the machine's locale; what they start speaks it, too.
os.environ[language.VARIABLE] = language.ENGLISH

# As the Makefile has it: else each process that tests start compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What a test runs of DVC's sends nobody anything: each command would start two more processes.
_DVC_SETTINGS = keep_in_one_folder() / "dvc-settings"
_DVC_SETTINGS.mkdir()
(_DVC_SETTINGS / "config").write_text("[core]\n    analytics = false\n    check_update = false\n")
os.environ["DVC_GLOBAL_CONFIG_DIR"] = str(_DVC_SETTINGS)

# Else workers take the cores from each other: see keep_to_one.
if "PYTEST_XDIST_WORKER" in os.environ:
    _NUMBER = int(os.environ["PYTEST_XDIST_WORKER"].removeprefix("gw"))
    cores.keep_to_one(_NUMBER, int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))

# A shell that starts `pytest ... &` has it ignore Ctrl-C, and all that the tests start would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As the commands do: it takes a third off the time of these tests.
runtime.wait_without_spinning()
parse_once()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only slow tests are wanted, a file without any is not imported: most have none."""
    if config.option.markexpr != "slow" or collection_path.suffix != ".py":
        return None
    return "mark.slow" not in collection_path.read_text(encoding="utf-8") or None


@pytest.hookimpl(wrapper=True)
def pytest_collect_file() -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Examples are looked for in stages/ alone: to look through the tests takes seconds."""
    found = yield
    return [each for each in found if not isinstance(each, DoctestModule)]


# Files that take a worker more than a minute, in `make test` or after it: the longest first.
LONGEST = [
    "gan/training/processes/test_job.py",
    "gan/training/step/test_step.py",
    "tools/sweep/test_cluster.py",
    "tools/course/test_parts.py",
    "pipeline/test_distributed.py",
    "gan/training/step/test_penalties.py",
    "pipeline/test_pipeline.py",
    "pipeline/test_remotes.py",
    "stages/test_train.py",
    "command/test_advice.py",
    "pipeline/test_survival.py",
    "stages/test_elsewhere.py",
    "tools/sweep/test_sweep_command.py",
    "gan/export/test_networks.py",
    "gan/training/watch/test_verdicts_advice.py",
    "tools/mindspore_check/test_running.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take long come first: short ones at the end keep all workers busy.

    Of these, one that needs the reproduced project is the first, so that it is made at once. Those
    that do not need it come next, so that no worker waits for another.
    """
    order = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    long = {item.path for item in items if item.get_closest_marker("pipeline")} | order.keys()
    waiting = [item.path for item in items if "reproduced" in getattr(item, "fixturenames", ())]

    def turn(item: pytest.Item) -> tuple[int, int]:
        place = order.get(item.path, len(order))
        if item.path in waiting[:1]:
            return 0, 0
        return 3 if item.path not in long else 2 if item.path in waiting else 1, place

    items.sort(key=turn)


_failed: set[Path] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note the folders of tests that fail."""
    report = yield
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if report.failed and folder is not None:
        _failed.add(folder)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run would leave 5 GB: only what failed is left, for a look."""
    base = session.config._tmp_path_factory._basetemp
    if base is not None and base.is_dir():
        keep_only(base, _failed)


def pytest_collection_finish() -> None:
    """Once tests have imported MindSpore: what commands do, and what makes tests quicker."""
    runtime.bound_threads()
    # Compiling a step makes Python look through all its objects again and again: not those that
    # stay anyway, which are nearly all.
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module")
def all_cores():
    """What a module's tests start may use all cores, though their worker keeps to one."""
    with cores.on(cores.AVAILABLE):
        yield


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory):
    """Makes mnist's params of training, the shipped ones with a change or two."""
    folder = tmp_path_factory.mktemp("params")
    made = {}

    def make(**changes):
        key = repr(sorted(changes.items()))
        if key not in made:
            named = {f"mnist__train__{name}": value for name, value in changes.items()}
            made[key] = load_params(folder, "mnist", **named).train
        return made[key].model_copy(deep=True)

    return make


@pytest.fixture
def drawn_texts(monkeypatch):
    """Every text that matplotlib draws in a test, one after the other."""
    from matplotlib.text import Text

    from stages.gan.pages.charts import png

    found: list[str] = []
    encoded = png.encoded

    def noted(figure):
        found.extend(each.get_text() for each in figure.findobj(Text))
        return encoded(figure)

    monkeypatch.setattr(png, "encoded", noted)
    return found


@pytest.fixture
def complaint(tmp_path):
    """The message that one wrong value ends in."""

    def of(place, value, dataset="mnist", **changes):
        changes = {**changes, place.replace(".", "__"): value}
        return message_of(load_params, tmp_path, dataset, **changes)

    return of


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh tiny project, without DVC."""
    return make_project(tmp_path / "project")


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A tiny project in git and DVC whose whole pipeline has run once.

    Shared by tests that only read it; who changes it clones it first. It takes a minute: of
    several workers the first makes it, and each has a copy, so that none finds another's locks.
    """
    home = tmp_path_factory.mktemp("reproduced")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return reproduce(home)
    made = tmp_path_factory.getbasetemp().parent / "reproduced"
    with filelock.FileLock(made.with_suffix(".lock")):
        if not made.exists():
            first = tmp_path_factory.mktemp("first")
            reproduce(first)
            first.rename(made)
    shutil.copytree(made, home, symlinks=True, dirs_exist_ok=True)
    return Project(home / "project")


@pytest.fixture
def copied(reproduced: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A copy of the reproduced project with its cache, to be changed; the working directory."""
    folder = tmp_path / "copied"
    shutil.copytree(reproduced.folder, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return Project(folder)


@pytest.fixture(scope="module")
def browser(all_cores: None):
    """Chromium; see tests/helpers/browser.py."""
    from tests.helpers.browser import launched  # late: it imports MindSpore

    with launched() as found:
        yield found
