"""The house itself: where things lie, which way imports point, and how full a folder may be."""

import ast
from pathlib import Path

import pytest

from tests.conftest import LONGEST
from tests.helpers.project import ROOT

STAGES = ROOT / "stages"
SOURCES = sorted(STAGES.rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py"))
# Rooms of stages/gan from the ground up: each uses those below its floor, and none beside it.
FLOORS = (
    {"common"},
    {"measures"},
    {"params", "layers"},
    {"data", "networks", "losses"},
    {"trained"},
    {"training"},
    {"evaluation", "export", "pages"},
)
# A newcomer looks through so many names at a glance.
ENTRIES = 12
# Of a stage script, which reads top to bottom and holds no algorithm.
LINES = 100
# Modules without a test module of their own name, and what tests them.
TESTED_ELSEWHERE = {
    "__init__.py": "what it does to signals: tests/command/test_command.py",
    "gan/evaluation/quality/scores.py": "tests/gan/evaluation/quality/test_measuring.py",
    "gan/export/licences.py": "tests/gan/export/test_model_card.py",
    "gan/export/plain/activations.py": "tests/gan/export/plain/test_plain.py, for every kind",
    "gan/export/plain/dcgan.py": "tests/gan/export/plain/test_plain.py, for every kind",
    "gan/export/plain/composed.py": "tests/gan/export/plain/test_plain.py, for every kind",
    "gan/export/plain/mixed.py": "tests/gan/export/plain/test_plain.py, for every kind",
    "gan/export/plain/mlp.py": "tests/gan/export/plain/test_plain.py, for every kind",
    "gan/export/plain/residual.py": "tests/gan/export/plain/test_plain.py, for every kind",
    "gan/networks/dcgan/__init__.py": "tests/gan/networks/test_networks.py, for every kind",
    "gan/networks/mlp/__init__.py": "tests/gan/networks/test_networks.py, for every kind",
    "gan/networks/residual/__init__.py": "tests/gan/networks/test_networks.py, for every kind",
    "tools/bundle/summary.py": "tests/tools/bundle/test_bundle_command.py",
    "gan/common/errors.py": "one exception without behaviour: tests/command/test_command.py",
    "gan/common/processes.py": "tests/pipeline/test_survival.py and tests/tools/sweep",
    **{
        f"tools/mindspore_check/{group}.py": "test_running.py there, fact by fact"
        for group in (
            "compiling",
            "evaluating",
            "exporting",
            "feeding",
            "loading",
            "measuring",
            "penalising",
            "training",
        )
    },
}


def name(path: Path) -> str:
    return path.relative_to(STAGES).as_posix()


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_door(path: Path) -> bool:
    """Whether a file is a package's `__init__` that holds nothing but its docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name == "__init__.py" and len(body) == 1 and isinstance(body[0], ast.Expr)


def imported(path: Path) -> set[str]:
    """All modules of this project that a file imports, early or late."""
    known = {module(each) for each in SOURCES + TESTS}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {each for each in found if each.split(".")[0] in ("stages", "tests")}


def floor(name_of_module: str) -> int | None:
    parts = name_of_module.split(".")
    if parts[:2] != ["stages", "gan"] or len(parts) < 3:
        return None
    (found,) = (number for number, rooms in enumerate(FLOORS) if parts[2] in rooms)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_each_folder_and_module_says_what_it_is_for(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text, path
    assert text.split("\n")[0].strip().endswith((".", "?", "]")), path


def test_imports_point_one_way():
    for path in SOURCES:
        own = module(path)
        for other in imported(path):
            if own.startswith("stages.gan"):
                assert other.startswith("stages.gan"), f"{own} imports {other}"
                below, here = floor(other), floor(own)
                if below is None or here is None or own.split(".")[2] == other.split(".")[2]:
                    continue
                assert below < here, f"{own} imports {other}, which is not on a lower floor"
            elif own.startswith("stages.command") or (
                not own.startswith("stages.tools") and own != "stages.__main__"
            ):
                assert not other.startswith("stages.tools"), f"{own} imports {other}"


def test_no_stage_script_is_imported():
    scripts = {module(path) for path in STAGES.glob("*.py") if path.name != "__init__.py"}
    for path in SOURCES:
        assert not imported(path) & scripts, path


def test_no_import_runs_in_a_circle():
    graph = {module(path): imported(path) for path in SOURCES}
    done: set[str] = set()

    def visit(one: str, way: tuple[str, ...]) -> None:
        assert one not in way, " -> ".join([*way[way.index(one) :], one])
        if one in done:
            return
        for other in graph.get(one, ()):
            if other != one and not one.startswith(f"{other}."):  # a package's own door
                visit(other, (*way, one))
        done.add(one)

    for start in graph:
        visit(start, ())


def test_no_test_module_imports_another():
    for path in TESTS:
        others = {each for each in imported(path) if each.startswith("tests.")}
        assert not [each for each in others if each.split(".")[-1].startswith("test_")], path


@pytest.mark.parametrize("top", ["stages", "tests"])
def test_no_folder_is_crowded(top):
    for folder in [ROOT / top, *(path for path in (ROOT / top).rglob("*") if path.is_dir())]:
        if folder.name == "__pycache__":
            continue
        names = {path.name for path in folder.iterdir()}
        inside = names - {"__init__.py", "__main__.py", "__pycache__"}  # beside the doors
        assert len(inside) <= ENTRIES, f"{folder.relative_to(ROOT)} has {len(inside)} entries"


def test_the_files_that_come_first_are_there():
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []


def test_a_test_module_mirrors_each_module():
    for path in SOURCES:
        place = path.relative_to(STAGES)
        if is_door(path) or place.as_posix() in TESTED_ELSEWHERE:
            continue
        room, stem = place.parent, path.stem
        if room == Path("."):
            room = Path("stages")
        if stem == "__main__":
            stem = f"{place.parent.name or 'stages'}_command"
        elif stem == "__init__":
            stem = place.parent.name or "package"
        folder = ROOT / "tests" / room
        assert list(folder.glob(f"test_{stem}*.py")), f"tests/{room}/test_{stem}.py is missing"


def test_stage_scripts_are_short():
    for path in STAGES.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) < LINES, path
