"""The cores of tests, and processes that believe they have as many as a test wants."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CAN_BIND = hasattr(os, "sched_setaffinity")  # not on a Mac
# Those that the tests may use: this module is imported before a worker keeps to one of them.
AVAILABLE = frozenset(os.sched_getaffinity(0) if _CAN_BIND else range(os.cpu_count() or 1))


def keep_to_one(worker: int, workers: int) -> None:
    """Bind this process, one of several workers, and all that it will start to one core.

    MindSpore's two threads wait for each other without sleeping. Where more of them are at work
    than there are cores, they take the cores from those they wait for.
    """
    if _CAN_BIND and workers >= len(AVAILABLE) > 1:
        os.sched_setaffinity(0, {sorted(AVAILABLE)[worker % len(AVAILABLE)]})


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """Let this thread, and what it starts meanwhile, use these cores, where that can be told."""
    if not _CAN_BIND:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# What the C library and MindSpore ask for the number of cores; threads are as many for real.
_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int cores(void) { return atoi(getenv("PRETENDED_CORES")); }

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set) {
  (void)process;
  memset(set, 0, size);
  for (int core = 0; core < cores(); core++) CPU_SET_S(core, size, set);
  return 0;
}
int pthread_getaffinity_np(unsigned long thread, size_t size, cpu_set_t *set) {
  (void)thread;
  return sched_getaffinity(0, size, set);
}
int get_nprocs(void) { return cores(); }
int get_nprocs_conf(void) { return cores(); }
long sysconf(int name) {
  if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) return cores();
  long (*real)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  return real(name);
}
"""

needs_pretence = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None,
    reason="LD_PRELOAD and a C compiler let a process believe in more cores",
)


def pretending(folder: Path, cores: int) -> dict[str, str]:
    """Variables of the environment of a process that is to have so many cores."""
    library = folder / "cores.so"
    if not library.exists():
        source = folder / "cores.c"
        source.write_text(_SOURCE)
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), "PRETENDED_CORES": str(cores)}


def answers(folder: Path, script: str, cores: int, **environment: str) -> str:
    """What a Python script prints that has so many cores."""
    file = folder / "script.py"  # in a file, as MindSpore reads the source of what it compiles
    file.write_text(script)
    return subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, **pretending(folder, cores), **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=600,
    ).stdout
