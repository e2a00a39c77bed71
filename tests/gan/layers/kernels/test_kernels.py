"""The kernels are compiled once, and whatever prevents it is told in one line."""

import ctypes
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stages.gan.layers import kernels
from stages.gan.networks import dcgan
from stages.gan.networks.dcgan.maps import KERNELS
from tests.helpers.project import ROOT

COMPILER = shutil.which("cc") or shutil.which("gcc")
needs_compiler = pytest.mark.skipif(
    COMPILER is None or platform.system() != "Linux", reason="there is no C compiler for Linux"
)


def forget() -> None:
    """As in a new process."""
    kernels.compile_once.cache_clear()


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty folder for libraries, and nothing remembered of earlier ones."""
    folder = tmp_path / "kept"
    monkeypatch.setattr(kernels, "folder", lambda: folder)
    for name in ("CC", "GAN_KERNELS"):
        monkeypatch.delenv(name, raising=False)
    forget()
    yield folder
    forget()


@pytest.fixture
def without_compiling(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("nothing is to be compiled")

    monkeypatch.setattr(kernels.subprocess, "run", refuse)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def check_refusal(*causes: str) -> None:
    assert KERNELS.path is None
    assert KERNELS.kernel("columns", lambda shape: shape) is None
    assert len(KERNELS.reason.splitlines()) == 1
    for cause in causes:
        assert cause in KERNELS.reason


def loops_in_vectors(source: Path, processor: str, folder: Path) -> set[str]:
    """The lines of a file whose loops gcc makes one of vectors for that kind of processor."""
    flags = [f"-march={processor}" if flag == "-march=native" else flag for flag in kernels._FLAGS]
    library = folder / "library.so"
    command = ["gcc", *flags, "-fopt-info-vec-optimized", f"-I{kernels.HEADER.parent}"]
    command += ["-o", str(library), str(source), "-lm"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return set(re.findall(rf"{source.name}:(\d+):\d+: optimized: loop vectorized", told))


@pytest.mark.skipif(
    shutil.which("gcc") is None or platform.machine() != "x86_64",
    reason="it takes gcc on x86-64 to tell how it compiles for its processors",
)
@pytest.mark.parametrize(
    "source", [KERNELS.source, *kernels.HEADER.parent.glob("*.c")], ids=lambda path: path.stem
)
def test_loops_are_in_vectors_without_avx512_too(tmp_path, source):
    with_avx512 = loops_in_vectors(source, "skylake-avx512", tmp_path)
    assert with_avx512
    assert with_avx512 <= loops_in_vectors(source, "x86-64-v3", tmp_path)


@needs_compiler
def test_the_library_is_compiled_once(kept, monkeypatch):
    path = KERNELS.path
    assert path.parent == kept
    assert [*kept.iterdir()] == [path]
    assert ctypes.CDLL(str(path)).columns
    assert KERNELS.reason == ""
    written = path.stat().st_mtime_ns
    forget()
    monkeypatch.setattr(kernels.subprocess, "run", None)  # to call it would fail
    assert KERNELS.path == path
    assert path.stat().st_mtime_ns == written


@needs_compiler
@pytest.mark.parametrize("part", ["source", "header"])
def test_another_source_makes_another_library(kept, monkeypatch, tmp_path, part):
    first = KERNELS.path
    source, header = tmp_path / KERNELS.source.name, tmp_path / kernels.HEADER.name
    source.write_text(KERNELS.source.read_text())
    header.write_text(kernels.HEADER.read_text())
    changed = source if part == "source" else header
    changed.write_text(changed.read_text() + "\n/* no more than a comment */\n")
    monkeypatch.setattr(kernels, "HEADER", header)
    second = kernels.Library(source).path
    assert second != first
    assert {*kept.iterdir()} == {first, second}


@needs_compiler
def test_sizes_that_a_shape_uses_are_told_to_mindspore(kept):
    def operator(size):
        return KERNELS.kernel("columns", lambda x: (x[0], size))

    known = [operator(size).get_attr_dict()["known_sizes"] for size in (3, 4)]
    assert known == ["[3]", "[4]"]


def test_without_a_compiler(kept, without_compiling, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    check_refusal("a C compiler (cc or gcc) was not found")
    assert not kept.exists()


def test_without_any_compiler_the_named_one_is_named_too(
    kept, without_compiling, monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    check_refusal("CC=no-such-compiler was not found", "a C compiler (cc or gcc) was not found")
    assert not kept.exists()


@needs_compiler
@pytest.mark.parametrize("wanted", ["no-such-compiler", "no-such-ccache gcc -m64", "gcc '", "/"])
def test_where_the_named_compiler_is_missing_the_usual_one_is_used(kept, monkeypatch, wanted):
    usual = KERNELS.path
    assert KERNELS.note == ""
    forget()
    monkeypatch.setenv("CC", wanted)
    assert KERNELS.path == usual
    assert KERNELS.reason == ""
    assert KERNELS.note == f" (CC={wanted} was not found, {COMPILER} was used)"
    assert dcgan.remark() == f"convolutions with compiled kernels{KERNELS.note}"
    monkeypatch.setenv("GAN_LANGUAGE", "zh")
    assert KERNELS.note == f" (找不到 CC={wanted}，改用 {COMPILER})"
    assert dcgan.remark() == f"卷积使用编译好的算子{KERNELS.note}"


@needs_compiler
@pytest.mark.parametrize("wanted", ["", " ", COMPILER, Path(COMPILER or "").name])
def test_the_same_compiler_makes_the_same_library(kept, monkeypatch, wanted):
    usual = KERNELS.path
    forget()
    monkeypatch.setenv("CC", wanted)
    assert KERNELS.path == usual
    assert (KERNELS.reason, KERNELS.note) == ("", "")


@needs_compiler
def test_the_named_compiler_may_have_arguments(kept, monkeypatch, tmp_path):
    usual = KERNELS.path
    forget()
    wrapper = script(tmp_path / "my ccache", f'echo "$@" > {tmp_path}/asked; exec "$@"')
    monkeypatch.setenv("CC", f"'{wrapper}' {COMPILER} -DONE='a b'")
    path = KERNELS.path
    assert (KERNELS.reason, KERNELS.note) == ("", "")
    assert (tmp_path / "asked").read_text().startswith(f"{COMPILER} -DONE=a b -O3")
    assert path != usual
    assert ctypes.CDLL(str(path)).columns


@needs_compiler
def test_a_named_compiler_whose_path_has_a_space_needs_no_quotes(kept, monkeypatch, tmp_path):
    wrapper = script(tmp_path / "my cc", f'exec {COMPILER} "$@"')
    monkeypatch.setenv("CC", str(wrapper))
    assert ctypes.CDLL(str(KERNELS.path)).columns


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere nothing is compiled")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo 'cannot find crt1.o' >&2; echo more >&2; exit 1", "cannot find crt1.o"),
        ("exit 3", "exit code 3"),
        ("kill -9 $$", "exit code -9"),
        # what it had written by then is no library
        ('while [ "$1" != -o ]; do shift; done; echo half > "$2"; exit 1', "exit code 1"),
    ],
)
def test_a_compiler_that_fails(kept, monkeypatch, tmp_path, text, message):
    compiler = script(tmp_path / "compiler", text)
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setattr(kernels, "_usual", lambda: None)
    check_refusal(f"{compiler} failed: {message}")
    assert [*kept.iterdir()] == []


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere nothing is compiled")
def test_a_compiler_that_takes_too_long(kept, monkeypatch, tmp_path):
    compiler = script(tmp_path / "compiler", "exec sleep 60")
    monkeypatch.setenv("CC", str(compiler))
    monkeypatch.setattr(kernels, "_SECONDS", 0.2)
    monkeypatch.setattr(kernels, "_usual", lambda: None)
    check_refusal(f"{compiler} took more than 0.2 s")
    assert [*kept.iterdir()] == []


@needs_compiler
def test_where_the_named_compiler_fails_the_usual_one_is_used(kept, monkeypatch, tmp_path):
    usual = KERNELS.path
    forget()
    compiler = script(tmp_path / "cross", "echo 'bad value for -march=' >&2; exit 1")
    monkeypatch.setenv("CC", str(compiler))
    assert KERNELS.path == usual
    assert KERNELS.note == f" ({compiler} failed: bad value for -march=, {COMPILER} was used)"


@needs_compiler
def test_a_folder_that_cannot_be_made(kept, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(kernels, "folder", lambda: file / "kept")
    check_refusal(str(file / "kept"), "Not a directory")


@needs_compiler
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(kept):
    kept.mkdir()
    kept.chmod(0o500)
    check_refusal(str(kept), "Permission denied")


def test_other_systems(kept, without_compiling, monkeypatch):
    monkeypatch.setattr(kernels.platform, "system", lambda: "Darwin")
    check_refusal("Darwin")


def test_kernels_can_be_switched_off(kept, without_compiling, monkeypatch):
    monkeypatch.setenv("GAN_KERNELS", "pure")
    check_refusal("GAN_KERNELS=pure")


# Each process's compiler waits until the other's has started, so that they do meet.
MEET = """
touch {folder}/started.$$
for _ in $(seq 600); do
  [ $(ls {folder} | grep -c started) -ge 2 ] && break
  sleep 0.1
done
exec {compiler} "$@"
"""
USE = """
import ctypes, sys
from pathlib import Path
from stages.gan.layers import kernels as native
from stages.gan.networks.dcgan.maps import KERNELS
native.folder = lambda: Path(sys.argv[1])
print(KERNELS.path, bool(ctypes.CDLL(str(KERNELS.path)).columns))
"""


@needs_compiler
def test_two_processes_may_compile_at_once(kept, tmp_path):
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    compiler = script(tmp_path / "cc", MEET.format(folder=meeting, compiler=COMPILER))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", USE, str(kept)],
            cwd=ROOT,
            env={**os.environ, "CC": str(compiler), "GAN_WAITING": "yield"},  # else a third file
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=300)[0] for process in processes]
    assert len([*meeting.iterdir()]) == 2
    (path,) = kept.iterdir()
    assert said == [f"{path} True\n"] * 2
