"""MindSpore's threads sleep while they wait, as soon as the cores are not ours alone.

MindSpore's threads wait by yielding their core over and over. Beside a busy process, each yield
gives that process a turn of milliseconds. `waiting.c` has a function that yields while the cores
are ours, and sleeps when they are not; `install` puts it into MindSpore's libraries. No result
depends on it. Without a C compiler, and elsewhere than on Linux with glibc, the threads wait as
MindSpore has it.
"""

import ctypes
import os
from functools import cache
from pathlib import Path

import mindspore

from stages.gan.layers import kernels

SOURCE = Path(__file__).with_name("waiting.c")
# With the value `yield` in the environment, MindSpore's threads wait as MindSpore has it.
SWITCH = "GAN_WAITING"


@cache
def library() -> ctypes.CDLL | None:
    """The compiled functions of `waiting.c`; None if there is no compiler for them.

    None, too, if the compiled file cannot be loaded: nothing but speed depends on it.
    """
    path = kernels.compile_once(SOURCE).path
    if path is None:
        return None
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError:
        return None
    loaded.waiting_install.argtypes = [ctypes.c_char_p]
    loaded.waiting_pretend.argtypes = [ctypes.c_int64]
    loaded.waiting_naps.restype = ctypes.c_int64
    return loaded


def install() -> int:
    """Put the function into MindSpore's libraries that are loaded.

    Returns
    -------
    int
        Into how many places: one for each library that yields. 0 if there is no compiler, or the
        environment says GAN_WAITING=yield.
    """
    if os.environ.get(SWITCH) == "yield":
        return 0
    loaded = library()
    if loaded is None:
        return 0
    folder = Path(mindspore.__file__).resolve().parent
    return loaded.waiting_install(os.fsencode(f"{folder}{os.sep}"))
