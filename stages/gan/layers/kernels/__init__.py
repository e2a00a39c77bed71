"""Compiles files of C kernels once for this machine, if it has a C compiler.

Each file becomes a library of MindSpore custom operators. Code that asks for a kernel must also
work without one.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mindspore import ops

from stages.gan.common.language import marked, retold, translated

HEADER = Path(__file__).with_name("kernel.h")
# No contraction: a product and a sum that are rounded once would differ from MindSpore's own.
# No traps: otherwise gcc uses branches, number by number, in every loop with a rectifier, so that
# an unneeded product does not raise a flag. No result depends on it.
_FLAGS = (
    "-O3",
    "-march=native",
    "-ffp-contract=off",
    "-fno-trapping-math",
    "-shared",
    "-fPIC",
    "-pthread",
)
_SECONDS = 120
# Why something was not compiled, or by another compiler.
_NOT_HERE = marked("MindSpore's custom operators do not work on {system}")
_NO_CC = marked("CC={command} was not found")
_NO_COMPILER = marked("a C compiler (cc or gcc) was not found")
_USED = marked("{compiler} was used")
_SLOW = marked("{compiler} took more than {seconds} s")
_FAILED = marked("{compiler} failed: {message}")
_TEXTS = (_NOT_HERE, _NO_CC, _NO_COMPILER, _USED, _SLOW, _FAILED)
_AND = marked(", and ")


def folder() -> Path:
    """The folder of the libraries: in the virtual environment, which belongs to one machine."""
    return Path(sys.prefix) / "lib" / "gan-equilibrium"


class Compiled(NamedTuple):
    """The library of a C file, or None and the reason in one line; `note` is worth a line, too."""

    path: Path | None
    reason: str = ""
    note: str = ""


@cache
def compile_once(source: Path) -> Compiled:
    """Compile a C file, if that is needed and possible."""
    if os.environ.get("GAN_KERNELS") == "pure":
        return Compiled(None, "GAN_KERNELS=pure")
    if platform.system() != "Linux":
        return Compiled(None, _NOT_HERE.format(system=platform.system()))
    compilers, wrong = [], []
    if wanted := os.environ.get("CC", "").strip():
        if named := _named(wanted):
            compilers.append(named)
        else:
            wrong.append(_NO_CC.format(command=" ".join(wanted.split())))
    usual = _usual()
    if usual is None and not compilers:
        wrong.append(_NO_COMPILER)
    if usual is not None and [usual] not in compilers:
        compilers.append([usual])
    for compiler in compilers:
        target = folder() / f"{source.stem}-{_identity(source, compiler)}.so"
        failure = None if target.exists() else _compile(source, compiler, target)
        if failure is None:
            return Compiled(
                target, note=", ".join([*wrong, _USED.format(compiler=usual)]) if wrong else ""
            )
        wrong.append(failure)
    return Compiled(None, _AND.join(wrong))


def _named(wanted: str) -> list[str]:
    """The command that CC names: a program, perhaps with its first arguments, as `ccache gcc`."""
    for words in ([wanted], _words(wanted)):
        if words and (program := shutil.which(words[0])):
            return [program, *words[1:]]
    return []


def _usual() -> str | None:
    return shutil.which("cc") or shutil.which("gcc")


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quotation mark without its second
        return []


def _identity(source: Path, compiler: Sequence[str]) -> str:
    """A hash of all that the library depends on: sources, flags, compiler, processor."""
    parts = [source.read_bytes(), HEADER.read_bytes(), " ".join(_FLAGS).encode()]
    for word in compiler:
        program = shutil.which(word)
        parts.append((os.path.realpath(program) if program else word).encode())
    processor = Path("/proc/cpuinfo")
    if processor.exists():
        about = processor.read_text(encoding="utf-8", errors="replace")
        flags = [line for line in about.splitlines() if line.startswith("flags")]
        parts.append(flags[0].encode() if flags else b"")
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _compile(source: Path, compiler: Sequence[str], target: Path) -> str | None:
    """Make the library, whole or not at all; return the reason if that fails."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            command = [*compiler, *_FLAGS, f"-I{HEADER.parent}", "-o", str(made)]
            command += [str(source), "-lm"]
            failure = _run(command)
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
        return _SLOW.format(compiler=command[0], seconds=_SECONDS)
    except OSError as error:
        return f"{command[0]}: {error.strerror or error}"
    if result.returncode == 0:
        return None
    first = next(iter(result.stderr.strip().splitlines()), f"exit code {result.returncode}")
    return _FAILED.format(compiler=command[0], message=first)


def _told(text: str, separator: str) -> str:
    """A reason or a note in the language now spoken: `compile_once` makes it once, in English."""
    return translated(separator).join(retold(part, *_TEXTS) for part in text.split(separator))


class Library:
    """The kernels of one C file.

    Parameters
    ----------
    source : Path
    """

    def __init__(self, source: Path) -> None:
        self.source = source

    @property
    def path(self) -> Path | None:
        """The compiled library, or None; then `reason` says why."""
        return compile_once(self.source).path

    @property
    def reason(self) -> str:
        """Why there is no library, in one line; "" if there is one."""
        return _told(compile_once(self.source).reason, _AND)

    @property
    def note(self) -> str:
        """In brackets, that another compiler was used than CC names; "" if none was."""
        note = _told(compile_once(self.source).note, ", ")
        return f" ({note})" if note else ""

    def kernel(self, name: str, shape: Callable[..., tuple[Any, ...]], outputs: int = 1) -> Any:
        """A function of the library as an operator, or None if there is no library.

        Parameters
        ----------
        name : str
        shape : callable
            Takes the inputs' shapes; returns the output's shape, or a tuple of several outputs'.
        outputs : int
            The number of outputs.
        """
        path = self.path
        if path is None:
            return None

        def types(first, *_others):
            return first if outputs == 1 else (first,) * outputs

        operator = ops.Custom(f"{path}:{name}", shape, types, "aot")
        # Outside a graph, MindSpore caches the output's shape by the operator's name, attributes
        # and input shapes only. So all other values that `shape` uses must be attributes.
        known = [cell.cell_contents for cell in shape.__closure__ or ()]
        operator.add_prim_attr("known_sizes", str(known))
        return operator
