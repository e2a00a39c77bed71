"""Runs this project's code on Linux as if the system were Windows or macOS.

    python elsewhere.py SYSTEM import               import each module of stages/
    python elsewhere.py SYSTEM STAGE DATASET ...    then run these stages, one after the other

All in one process, in the folder of a project. SYSTEM is windows, macos, or linux to pretend
nothing. The project's modules see a Python without the
modules and functions that the system lacks. Libraries see Linux: they have code of their own for
each system. For Windows the files behave as there, too, for the project and for libraries: see
`_windows_files`. What is not pretended: paths with backslashes, the console, DVC, the processor.
"""

import builtins
import enum
import functools
import importlib
import importlib.util
import io
import os
import pkgutil
import runpy
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

HERE = "stages"
# They need the extra `cluster`.
_OF_CLUSTERS = {f"{HERE}.tools.sweep.cluster", f"{HERE}.tools.sweep.work"}
# The value of Windows' SIGBREAK, which Linux has for another signal that nobody sends here.
BREAK = 21


class System(NamedTuple):
    """What Python lacks on a system, and what it says of itself."""

    modules: tuple[str, ...]
    attributes: dict[str, tuple[str, ...]]
    values: dict[str, Any]
    folders: tuple[str, ...]


_POSIX_OS = [
    "fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getpgid",
    "getpgrp", "getsid", "setsid", "setuid", "setgid", "setpgid", "killpg", "mkfifo", "mknod",
    "nice", "pread", "pwrite", "preadv", "pwritev", "openpty", "uname", "wait", "wait3", "wait4",
    "waitid", "WNOHANG", "sysconf", "confstr", "pathconf", "statvfs", "fstatvfs", "sync",
    "fdatasync", "chown", "fchown", "lchown", "chroot", "fchmod", "fchdir", "getloadavg",
    "ctermid", "ttyname", "register_at_fork", "posix_spawn", "posix_spawnp", "posix_fadvise",
    "posix_fallocate", "lockf", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "O_SYNC", "O_NONBLOCK",
]  # fmt: skip
_LINUX_OS = [
    "sched_getaffinity", "sched_setaffinity", "sched_getscheduler", "sched_setscheduler",
    "sched_getparam", "memfd_create", "pipe2", "eventfd", "splice", "copy_file_range",
    "getrandom", "getxattr", "setxattr", "listxattr", "posix_fadvise", "posix_fallocate",
    "fdatasync", "O_TMPFILE",
]  # fmt: skip
_POSIX_SIGNALS = [
    "SIGHUP", "SIGKILL", "SIGQUIT", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGPIPE",
    "SIGSTOP", "SIGCONT", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGWINCH", "SIGXCPU", "SIGXFSZ",
    "SIG_BLOCK", "SIG_UNBLOCK", "SIG_SETMASK", "pthread_sigmask", "pthread_kill", "alarm",
    "setitimer", "sigwait", "sigpending", "siginterrupt", "pause",
]  # fmt: skip
_LINUX_SIGNALS = [
    "SIGSTKFLT", "SIGPWR", "SIGRTMIN", "SIGRTMAX", "SIGPOLL", "sigtimedwait", "sigwaitinfo",
]  # fmt: skip

SYSTEMS = {
    "windows": System(
        (
            "fcntl", "grp", "pwd", "spwd", "crypt", "nis", "posix", "pty", "resource", "syslog",
            "termios", "tty", "readline", "curses", "ossaudiodev", "_posixsubprocess",
            "_posixshmem", "multiprocessing.popen_fork", "multiprocessing.popen_forkserver",
        ),
        {
            "os": tuple({*_POSIX_OS, *_LINUX_OS, "sched_yield"}),
            "signal": tuple({*_POSIX_SIGNALS, *_LINUX_SIGNALS}),
            "_signal": tuple({*_POSIX_SIGNALS, *_LINUX_SIGNALS}),
            "socket": ("AF_UNIX", "send_fds", "recv_fds", "AF_NETLINK"),
            "select": ("poll", "epoll", "kqueue"),
            "time": ("tzset", "clock_gettime", "clock_settime", "pthread_getcpuclockid"),
        },
        {"os.name": "nt", "sys.platform": "win32", "platform.system": "Windows"},
        ("/proc", "/sys", "/dev"),
    ),
    "macos": System(
        ("spwd", "ossaudiodev"),
        {
            "os": tuple(_LINUX_OS),
            "signal": tuple(_LINUX_SIGNALS),
            "_signal": tuple(_LINUX_SIGNALS),
            "socket": ("AF_NETLINK", "AF_PACKET"),
            "select": ("epoll",),
        },
        {"os.name": "posix", "sys.platform": "darwin", "platform.system": "Darwin"},
        ("/proc", "/sys"),
    ),
}  # fmt: skip


class _View(types.ModuleType):
    """A module as this project's code sees it there."""

    def __init__(self, module: types.ModuleType, lacks: tuple[str, ...], has: dict[str, Any]):
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, _lacks=frozenset(lacks), **has)

    def __getattr__(self, name: str) -> Any:
        if name in self._lacks:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(self._module, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)


def pretend(name: str) -> None:
    """From now on this process is one of that system for the project's modules.

    Call it before the first of them is imported.
    """
    assert not [module for module in sys.modules if module.split(".")[0] == HERE]
    system = SYSTEMS[name]
    views = {
        module: _View(importlib.import_module(module), lacks, _others(name, module, system))
        for module, lacks in {
            "sys": (), "platform": (), "ctypes": (), "subprocess": (), **system.attributes
        }.items()
    }  # fmt: skip
    really = builtins.__import__

    def imported(name, globals=None, locals=None, fromlist=(), level=0):
        if not _is_ours(globals) or level:
            return really(name, globals, locals, fromlist, level)
        if name in system.modules or name.split(".")[0] in system.modules:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        found = really(name, globals, locals, fromlist, level)
        return views.get(found.__name__, found)

    builtins.__import__ = imported
    _hide(system.folders)
    if name == "windows":
        _windows_files(Path.cwd())


def _is_ours(names: Any) -> bool:
    return ((names or {}).get("__package__") or "").split(".")[0] == HERE


def _others(name: str, module: str, system: System) -> dict[str, Any]:
    """What a module has instead."""
    values = {
        place.partition(".")[2]: value
        for place, value in system.values.items()
        if place.partition(".")[0] == module
    }
    if module == "platform":
        return {"system": lambda: values["system"]}
    if module == "ctypes":
        return {"CDLL": _NoLibrary}
    if name != "windows":
        return values
    if module in ("signal", "_signal"):
        lacks = system.attributes["signal"]
        known = {each.name: each.value for each in signal.Signals if each.name not in lacks}
        members = {**known, "SIGBREAK": BREAK}
        return {"Signals": enum.IntEnum("Signals", members), "SIGBREAK": BREAK}
    if module == "os":
        return {**values, "kill": _would_kill, "symlink": _no_symlink}
    if module == "subprocess":
        return {"Popen": _Popen, "run": _run}
    return values


class _NoLibrary:
    def __init__(self, name: Any, *_: Any, **__: Any) -> None:
        raise OSError(f"{name}: there is no such library here")


def _would_kill(*_: Any) -> NoReturn:
    raise AssertionError("os.kill ends a process at once on Windows")


def _no_symlink(*_: Any, **__: Any) -> NoReturn:
    raise OSError(22, "A required privilege is not held by the client")


def _refuse_posix(command: Any, options: dict[str, Any]) -> None:
    for name in ("preexec_fn", "pass_fds", "user", "group", "umask", "process_group"):
        if options.get(name):
            raise ValueError(f"{name} is not supported on Windows platforms")
    if isinstance(command, list) and Path(command[0]).name in ("sh", "bash"):
        raise FileNotFoundError(2, "there is no such program", command[0])


class _Popen(subprocess.Popen):
    def __init__(self, command: Any, *rest: Any, **options: Any) -> None:
        _refuse_posix(command, options)
        super().__init__(command, *rest, **options)


def _run(command: Any, *rest: Any, **options: Any) -> subprocess.CompletedProcess:
    _refuse_posix(command, options)
    return subprocess.run(command, *rest, **options)


def _hide(folders: tuple[str, ...]) -> None:
    """These folders are not there for the project's code."""

    def guarded(method: Callable[..., Any], without: Callable[[Path], Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def looked(self: Path, *rest: Any, **options: Any) -> Any:
            hidden = any(f"{self}/".startswith(f"{folder}/") for folder in folders)
            if hidden and _is_ours(sys._getframe(1).f_globals):
                return without(self)
            return method(self, *rest, **options)

        return looked

    def missing(path: Path) -> NoReturn:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    for name in ("open", "read_text", "read_bytes", "iterdir", "stat", "glob"):
        setattr(Path, name, guarded(getattr(Path, name), missing))
    for name in ("exists", "is_file", "is_dir"):
        setattr(Path, name, guarded(getattr(Path, name), lambda path: False))


def _windows_files(folder: Path) -> None:
    """Files below a folder behave as on Windows.

    An open or mapped file cannot be removed, renamed or replaced, nor can a folder that holds one.
    A write-protected file cannot be removed or replaced. `os.rename` replaces nothing. Text gets
    line ends of two bytes and the encoding of a Chinese Windows, unless the code says otherwise. A
    folder cannot be opened, and only who may write a file can flush it.
    """
    really = {name: getattr(os, name) for name in ("replace", "rename", "unlink", "open", "fsync")}

    def inside(path: Any) -> Path | None:
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        found = Path(os.path.abspath(os.fsdecode(path)))
        return found if folder in found.parents else None

    def in_use(path: Path) -> bool:
        return any(path == each or path in each.parents for each in _open_files())

    def refuse_in_use(*places: Any) -> None:
        for path in filter(None, map(inside, places)):
            if in_use(path):
                raise PermissionError(13, "it is open (pretended Windows)", str(path))

    def refuse_protected(place: Any) -> None:
        path = inside(place)
        if path is not None and path.is_file() and not path.lstat().st_mode & stat.S_IWRITE:
            raise PermissionError(13, "it is write-protected (pretended Windows)", str(path))

    def replace(source, target, **options):
        refuse_in_use(source, target)
        refuse_protected(target)
        if (path := inside(target)) and path.is_dir():
            raise PermissionError(13, "it is a folder (pretended Windows)", str(path))
        return really["replace"](source, target, **options)

    def rename(source, target, **options):
        refuse_in_use(source, target)
        if (path := inside(target)) and os.path.lexists(path):
            raise FileExistsError(17, "it exists (pretended Windows)", str(path))
        return really["rename"](source, target, **options)

    def unlink(path, **options):
        refuse_in_use(path)
        refuse_protected(path)
        return really["unlink"](path, **options)

    def opened(path, flags, mode=0o777, **options):
        if inside(path) and os.path.isdir(path):
            raise PermissionError(13, "it is a folder (pretended Windows)", os.fspath(path))
        return really["open"](path, flags, mode, **options)

    def fsync(file):
        flags = int(
            Path(f"/proc/self/fdinfo/{int(file)}").read_text().split("flags:")[1].split()[0], 8
        )
        if flags & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(9, "Bad file descriptor (pretended Windows)")
        return really["fsync"](file)

    os.replace, os.rename, os.unlink, os.remove = replace, rename, unlink, unlink
    os.open, os.fsync = opened, fsync
    shutil._use_fd_functions = False
    tempfile.TemporaryFile = tempfile.NamedTemporaryFile
    io_open = io.open

    def open_(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, **more):
        if inside(file) and "b" not in mode:
            encoding = "cp936" if encoding in (None, "locale") else encoding
            if newline is None and "r" not in mode:
                newline = "\r\n"
        return io_open(file, mode, buffering, encoding, errors, newline, **more)

    io.open = builtins.open = open_


def _open_files() -> set[Path]:
    """The files that this process has open or mapped."""
    found = set()
    for link in os.scandir("/proc/self/fd"):
        try:
            found.add(Path(os.readlink(link.path)))
        except FileNotFoundError:  # the folder itself, read just now
            continue
    with open("/proc/self/maps", "rb") as maps:
        for line in maps:
            words = line.split(None, 5)
            if len(words) == 6:
                found.add(Path(os.fsdecode(words[5].rstrip(b"\n"))))
    return {path for path in found if path.is_file()}


def all_modules(folder: Path) -> Iterator[str]:
    """Each module of the project, but those that need a package which is not installed."""
    optional = set() if importlib.util.find_spec("distributed") else _OF_CLUSTERS
    for module in pkgutil.walk_packages([str(folder / HERE)], f"{HERE}."):
        if module.name not in optional:
            yield module.name


def main(system: str, *words: str) -> None:
    """Import all modules, then run stages."""
    sys.path[0] = os.getcwd()  # in place of this script's folder
    # As DVC starts them, so that signals are held back during the imports.
    sys.orig_argv[:] = [sys.executable, "-m", f"{HERE}.download"]
    if system != "linux":
        pretend(system)
    count = 0
    for name in all_modules(Path.cwd()):
        importlib.import_module(name)
        count += 1
    print(f"{count} modules were imported", flush=True)
    if words == ("import",):
        return
    for stage, dataset in zip(words[::2], words[1::2], strict=True):
        sys.argv[:] = [stage, dataset]
        sys.modules.pop(f"{HERE}.{stage}")  # it runs as the main module
        runpy.run_module(f"{HERE}.{stage}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
