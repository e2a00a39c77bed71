"""All that this project uses of DVC's private modules: what an upgrade of DVC may break.

DVC promises to keep `dvc.api` and its commands. Every other name is listed here with its place. The
reason stands in the first lines of that module. After an upgrade run `pytest tests/tools/dvc`.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOM = "stages/tools/dvc"

# Module that imports -> names of DVC's that it imports.
USED = {
    "stages/tools/dvc/attached.py": {"dvc.cli.main"},
    "stages/tools/dvc/pipeline.py": {
        "dvc.dvcfile.load_file",
        "dvc.exceptions.DvcException",
        "dvc.fs.localfs",
        "dvc.repo.Repo",
    },
    "stages/tools/dvc/running.py": {
        "dvc.lock.LockError",
        "dvc.lock.make_lock",
        "dvc.rwlock.RWLOCK_LOCK",
    },
    # Tests hold what this project writes or draws against DVC's own reader and renderer.
    "tests/gan/common/test_yaml_files.py": {"dvc.utils.hydra.apply_overrides"},
    "tests/pipeline/test_params_file.py": {"dvc.utils.hydra.apply_overrides"},
    "tests/tools/upkeep/test_plots_page.py": {"dvc_render.vega.VegaRenderer"},
}

# Class -> what is asked of its objects.
MEMBERS = {
    "dvc.repo.Repo": ("cache", "config", "dvcignore"),
    "dvc.dvcfile.ProjectFile": ("lockfile_contents", "stages"),
    "dvc.stage.PipelineStage": ("addressing", "cmd_changed", "deps", "outs", "params"),
    "dvc.output.Output": ("def_path", "hash_info", "use_cache"),
    "dvc.dependency.param.ParamsDependency": ("workspace_status",),
    "dvc.ignore.DvcIgnoreFilter": ("find",),
}  # fmt: skip


def is_private(name: str) -> bool:
    """Whether a name belongs to DVC or its parts, and DVC does not promise to keep it."""
    parts = name.split(".")
    of_dvc = parts[0] == "dvc" or parts[0].startswith("dvc_")
    return of_dvc and parts[:2] != ["dvc", "api"] and name != "dvc"


def imported(source: str) -> Iterator[str]:
    """Every name that a source imports, wherever it stands, by statement or by its text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            function = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            first = node.args[0]
            if function == "import_module" and isinstance(first, ast.Constant):
                yield str(first.value)


def found(*folders: str) -> dict[str, set[str]]:
    files = (file for folder in folders for file in sorted((ROOT / folder).rglob("*.py")))
    names = {
        file.relative_to(ROOT).as_posix(): set(filter(is_private, imported(file.read_text())))
        for file in files
    }
    return {file: private for file, private in names.items() if private}


def resolve(name: str):
    module, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), last)
    except (ImportError, AttributeError) as error:
        pytest.fail(f"this DVC has no {name} any more ({error}): see {ROOM}")


def test_private_names_are_used_where_the_list_says_and_nowhere_else():
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert found("stages", "tests", "benchmarks") == USED, (
        f"list it in {here}, and keep it in {ROOM}"
    )


def test_stages_use_them_in_one_room():
    outside = [file for file in found("stages") if not file.startswith(f"{ROOM}/")]
    assert not outside, f"what needs DVC's private modules belongs into {ROOM}: {outside}"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import dvc.repo", {"dvc.repo"}),
        ("def f():\n    from dvc.repo import Repo, locked", {"dvc.repo.Repo", "dvc.repo.locked"}),
        ("import importlib\nimportlib.import_module('dvc.lock')", {"dvc.lock"}),
        ("from dvc import repo", {"dvc.repo"}),
        ("import dvc_data.index", {"dvc_data.index"}),
        ("import dvc.api\nfrom dvc.api import read\nimport dvc", set()),
        ("from stages.tools.dvc import cache", set()),
    ],
)
def test_every_way_to_import_is_seen(source, names):
    assert set(filter(is_private, imported(source))) == names


@pytest.mark.parametrize("name", sorted(set().union(*USED.values())))
def test_this_dvc_has_each_name(name):
    resolve(name)


@pytest.mark.parametrize("name", MEMBERS)
def test_this_dvc_has_what_is_asked_of_its_objects(name):
    owner = resolve(name)
    source = "".join(
        inspect.getsource(each) for each in owner.__mro__ if each.__module__ != "builtins"
    )
    for member in MEMBERS[name]:
        # What objects get when they are made is no attribute of the class.
        made = re.search(rf"\bself\.{member}\b[^=\n]*=[^=]|^    {member}:", source, re.MULTILINE)
        if not hasattr(owner, member) and not made:
            pytest.fail(f"{name} of this DVC has no {member} any more: see {ROOM}")


@pytest.mark.parametrize("file", [file for file in USED if file.startswith(ROOM)])
def test_the_reason_stands_in_the_first_lines(file):
    text = ast.get_docstring(ast.parse((ROOT / file).read_text())) or ""
    assert re.search(r"private\s+modules?\s+of\s+DVC", text, re.IGNORECASE)
    for name in USED[file]:
        assert f"`{name.rpartition('.')[0]}`" in text
