"""Compile kernels.c once for this machine, where it has a C compiler, and hand out its kernels."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from mindspore import ops

SOURCE = Path(__file__).with_name("kernels.c")
# Without contraction: a product and a sum rounded once would differ from MindSpore's own.
_FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC", "-pthread")
_SECONDS = 120


def folder() -> Path:
    """Where libraries are kept: in the virtual environment, as it is bound to one machine."""
    return Path(sys.prefix) / "lib" / "gan-equilibrium"


@cache
def library() -> Path | None:
    """The compiled library, or None where there can be none. `reason` tells why."""
    return _library_or_reason()[0]


@cache
def reason() -> str:
    """One line for the log: which form of the layers is in use, and why."""
    return _library_or_reason()[1]


@cache
def _library_or_reason() -> tuple[Path | None, str]:
    without = "convolutions without compiled kernels, about three times as slow: "
    if os.environ.get("GAN_KERNELS") == "pure":
        return None, without + "GAN_KERNELS=pure"
    if platform.system() != "Linux":
        return None, without + f"MindSpore's custom operators do not work on {platform.system()}"
    wanted = os.environ.get("CC")
    compiler = shutil.which(wanted) if wanted else shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        missing = f"CC={wanted}" if wanted else "a C compiler (cc or gcc)"
        return None, without + f"{missing} was not found"
    target = folder() / f"kernels-{_identity(compiler)}.so"
    if not target.exists():
        failure = _compile(compiler, target)
        if failure:
            return None, without + failure
    return target, "convolutions with compiled kernels"


def _identity(compiler: str) -> str:
    """Names the library after all that it depends on: source, flags, compiler, processor."""
    parts = [SOURCE.read_bytes(), " ".join(_FLAGS).encode(), os.path.realpath(compiler).encode()]
    processor = Path("/proc/cpuinfo")
    if processor.exists():
        flags = [line for line in processor.read_text().splitlines() if line.startswith("flags")]
        parts.append(flags[0].encode() if flags else b"")
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _compile(compiler: str, target: Path) -> str | None:
    """Make the library, complete or not at all; returns why it could not be made."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            failure = _run([compiler, *_FLAGS, "-o", str(made), str(SOURCE)])
            if failure is None:
                made.replace(target)
            return failure
    except OSError as error:
        return f"{target.parent}: {error.strerror or error}"


def _run(command: list[str]) -> str | None:
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} took more than {_SECONDS} s"
    except OSError as error:
        return f"{command[0]}: {error.strerror or error}"
    if result.returncode == 0:
        return None
    first = next(iter(result.stderr.strip().splitlines()), f"exit code {result.returncode}")
    return f"{command[0]} failed: {first}"


def kernel(name: str, shape: Callable[..., tuple[int, ...]], sides: tuple[int, ...] = ()) -> Any:
    """A function of kernels.c as an operator, or None where there is no library.

    Parameters
    ----------
    name : str
    shape : callable
        The inputs' shapes to the output's.
    sides : tuple of int
        What `shape` uses beside its arguments. Outside a graph, MindSpore remembers the output's
        shape by the operator's name, attributes and input shapes alone; so they must be told.
    """
    found = library()
    if found is None:
        return None
    operator = ops.Custom(f"{found}:{name}", shape, lambda first, *_others: first, "aot")
    operator.add_prim_attr("sides", str(sides))
    return operator
