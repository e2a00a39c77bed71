"""Processes that believe they have as many cores as a test wants."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
