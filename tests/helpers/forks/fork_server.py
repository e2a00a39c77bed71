"""A fork server: it has imported the libraries once, and forks for each command.

A process of a stage takes two seconds to import MindSpore and the rest, and often less than that
to do its work. A forked process has them already. The server has computed nothing, MindSpore has
started no thread in it, and it has imported nothing of the project: the command imports that from
its own folder, as `python -m` does. It is a real process, with its own exit code, signals, files
and memory.

What a library reads from the environment when it is loaded cannot change any more: a command with
other such variables is refused, and who asked starts a process of the usual kind. All forked
processes hash strings alike, so they cannot show a result that depends on the order of a set.

Run as a script; it ends when its standard input is closed.
"""

import array
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

# What the commands of the project and DVC import, of others alone. Some import the rest of
# themselves only when it is used: pydantic, networkx, and MindSpore what it compiles with.
LIBRARIES = [
    "mindspore", "mindspore.parallel", "mindspore.parallel.cluster.run", "numpy.random",
    "scipy.linalg", "scipy.special", "scipy.spatial", "scipy.ndimage", "scipy.optimize",
    "sklearn.datasets", "PIL.Image", "PIL.PngImagePlugin", "PIL.JpegImagePlugin",
    "PIL.GifImagePlugin", "PIL.ImageDraw", "PIL.ImageFont", "pydantic", "yaml", "pooch",
    "requests", "tqdm", "psutil", "threadpoolctl", "safetensors.numpy", "onnx", "onnxruntime",
    "jinja2", "matplotlib.figure", "matplotlib.backends.backend_agg", "dvc.cli",
    "dvc.cli.parser", "dvc.repo", "dvc.repo.reproduce", "dvc.repo.plots",
    "dvc.repo.experiments.show", "dvc.stage.run", "dvc.stage.cache", "dvc.repo.init",
    "dvc.repo.status", "dvc.fs", "dvc_objects.fs.local", "dvc_data.index.checkout", "dvc.api",
    "pydantic.main", "pydantic.types", "pydantic.dataclasses", "pydantic.type_adapter",
    "pydantic.json_schema", "pydantic.functional_validators", "filelock", "zoneinfo", "statistics",
    "jinja2.ext", "PIL.BmpImagePlugin", "PIL.PpmImagePlugin", "asttokens.mark_tokens",
    "mindspore.graph._parse.parser", "networkx", "ruamel.yaml", "configobj",
    "xml.etree.ElementTree",
    "dulwich.ignore", "dulwich.worktree", "dvc.cachemgr", "dvc.data_cloud", "dvc.dirs",
    "dvc.repo.graph", "dvc.repo.index", "dvc.utils.strictyaml",
]  # fmt: skip

# Variables that the interpreter or a library reads when it is loaded begin so.
AT_START = ("LD_", "OMP_", "KMP_", "GOMP_", "OPENBLAS_", "MKL_", "MS_", "GLOG_", "PYTHONHASH")
REFUSED = "refused"


def at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that count when a process starts."""
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}


def serve(address: str, began: Mapping[str, str]) -> Callable[[], None]:
    """Answer until standard input is closed. What is returned is the work of a forked process."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(64)
    os.rename(f"{address}.new", address)  # it is there once it can be asked
    woken, wake = socket.socketpair()
    for end in (woken, wake):
        end.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; it ends with the tests
    waiting = selectors.DefaultSelector()
    for channel in (listener, woken, sys.stdin):
        waiting.register(channel, selectors.EVENT_READ)
    children: dict[int, socket.socket] = {}
    while True:
        for key, _ in waiting.select():
            if key.fileobj is sys.stdin:
                end_all(children)
                os._exit(0)
            elif key.fileobj is listener:
                connection, _ = listener.accept()
                request, files = receive(connection)
                if at_start(request["environment"]) != began:
                    answer(connection, waiting, REFUSED)
                    child = None
                else:
                    child = fork()
                if child == 0:
                    for channel in (listener, woken, wake, connection, *children.values()):
                        channel.close()
                    waiting.close()
                    return begin(request, files)
                for file in files:
                    os.close(file)
                if child:
                    children[child] = connection
                    waiting.register(connection, selectors.EVENT_READ)
            elif key.fileobj is woken:
                woken.recv(4096)
                for child, code in ended(children):
                    answer(children.pop(child), waiting, code)
            else:  # who asked is gone
                for child, connection in children.items():
                    if connection is key.fileobj:
                        os.kill(child, signal.SIGTERM)
                waiting.unregister(key.fileobj)


def fork() -> int:
    """From Python 3.12 on a warning says that NumPy's library for matrices has a thread.

    That library ends the thread before a fork and starts it again when it is needed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def receive(connection: socket.socket) -> tuple[dict, list[int]]:
    """A command, and the files that are to be its standard input, output and errors."""
    size = array.array("I")
    content, files, _, _ = socket.recv_fds(connection, 4, 3)
    size.frombytes(content)
    content = b""
    while len(content) < size[0]:
        content += connection.recv(size[0] - len(content))
    return json.loads(content), files


def ended(children: dict[int, socket.socket]) -> list[tuple[int, int]]:
    """The processes that have ended, with their exit codes; minus the number of a signal."""
    found = []
    for child in children:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            found.append((child, os.waitstatus_to_exitcode(status)))
    return found


def answer(connection: socket.socket, waiting: selectors.BaseSelector, code: object) -> None:
    """Tell who asked how the command ended."""
    if connection in {key.fileobj for key in waiting.get_map().values()}:
        waiting.unregister(connection)
    with connection, suppress(OSError):  # it has gone meanwhile
        connection.sendall(str(code).encode())


def end_all(children: dict[int, socket.socket]) -> None:
    """Leave no process behind."""
    for child in children:
        os.kill(child, signal.SIGKILL)


def begin(request: dict, files: list[int]) -> Callable[[], None]:
    """Make this process what the command is to be, and give its work."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environment"])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, request["cores"])
    program, *words = request["command"]
    sys.orig_argv[:] = [sys.executable, *words]
    sys.modules["__main__"] = types.ModuleType("__main__")
    if program == "dvc":
        sys.argv[:] = [str(Path(sys.executable).with_name("dvc")), *words]
        return run_dvc
    added = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = added
    if any(Path(path, "sitecustomize.py").exists() for path in added):
        sys.modules.pop("sitecustomize", None)
        import_module("sitecustomize")
    how, what, *rest = words
    if how == "-m":
        sys.path.insert(0, request["folder"])
        sys.argv[:] = ["-m", *rest]
        return lambda: runpy._run_module_as_main(what)  # as `python -m` itself does
    sys.path.insert(0, "")
    sys.argv[:] = ["-c", *rest]
    return lambda: exec(compile(what, "<string>", "exec"), sys.modules["__main__"].__dict__)


def run_dvc() -> None:
    """As the console script does."""
    (script,) = entry_points(group="console_scripts", name="dvc")
    sys.exit(script.load()())


def prepare() -> None:
    """Import the libraries as the commands do; nothing may be computed."""
    os.environ.setdefault("GLOG_v", "3")
    os.environ.setdefault("MS_DEV_HOST_BLOCKING_RUN", "1")
    os.environ.setdefault("MS_OM_PATH", os.devnull)
    os.environ.update(MPLBACKEND="Agg", MATPLOTLIBRC=os.devnull)
    for name in LIBRARIES:
        with suppress(ImportError):  # of another version: the command will import what it needs
            import_module(name)
    # The first model of a process looks for plugins in the metadata of all packages.
    import_module("pydantic").create_model("Model", number=(int, 0))
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    from parse_once import parse_once  # it lies beside this script

    sys.path.pop(0)  # the folder of this script, which no command has there
    began = at_start(os.environ)
    parse_once()
    prepare()
    work = serve(sys.argv[1], began)
    work()
