import builtins
import os
import subprocess
import sys
import types

import numpy
import pytest

from stages.__main__ import STAGES
from stages.gan.common.errors import UserError
from stages.tools.upkeep import smoke


def test_this_pair_works():
    assert "works" in smoke.check()


def test_numpy_2_is_named(monkeypatch):
    monkeypatch.setattr(numpy, "__version__", "2.1.0")
    with pytest.raises(UserError, match=r"NumPy 2.1.0 .* works with NumPy 1 only"):
        smoke.check()


@pytest.mark.slow
def test_everything_is_imported_and_kept_compiled(tmp_path):
    """In another process, whose compiled modules lie in a folder of their own."""
    code = (
        "import sys; from stages.tools.upkeep import smoke; smoke.import_all(); "
        "print(*sorted(name for name in sys.modules if name.startswith('stages.')))"
    )
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert {f"stages.{name}" for name in STAGES} <= set(ran.stdout.split())
    kept = {file.name.partition(".")[0] for file in tmp_path.rglob("*.pyc")}
    # Of each of these one module that a stage imports late, or only for some data.
    assert {"reproduce", "backend_agg", "onnxruntime_inference_collection", "_base"} <= kept


@pytest.mark.parametrize("fault", [ImportError("Numpy init failed"), SystemError("null")])
def test_a_broken_mindspore_is_named(monkeypatch, fault):
    original = builtins.__import__

    def broken(name, *arguments, **keywords):
        if name == "mindspore":
            raise fault
        return original(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(UserError, match="MindSpore does not run with NumPy"):
        smoke.check()


def test_a_wrong_result_is_named(monkeypatch):
    class Wrong:
        def __add__(self, other):
            return self

        def asnumpy(self):
            return numpy.zeros(3)

    fake = types.SimpleNamespace(Tensor=lambda _: Wrong(), __version__="2.10.0")
    monkeypatch.setitem(__import__("sys").modules, "mindspore", fake)
    with pytest.raises(UserError, match="installation is broken"):
        smoke.check()
