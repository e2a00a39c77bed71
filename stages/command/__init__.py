"""What all commands share: they parse arguments, and report an error as one line.

This package imports nothing heavy, so that a stage depends only on what it uses.
"""

import _thread
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import FrameType

from stages import ENDING, note, noted
from stages.command import edits, recorded, workspace
from stages.command.arguments import argument_parser as argument_parser
from stages.gan import params
from stages.gan.common import language, paths, runtime
from stages.gan.common.errors import UserError
from stages.gan.common.language import ERROR, _, translated

# The file name of Python's own code of an import.
_IMPORT = "<frozen importlib._bootstrap>"
# Seconds after which a signal is sent once more, if it met an import.
_IMPORTING = 0.05

# At every start MindSpore warns that its own Adam is old. With 3 it shows errors only; a user
# who wants the warnings sets GLOG_v=2. MindSpore reads it when it is first imported, after this.
os.environ.setdefault("GLOG_v", "3")
runtime.wait_without_spinning()
runtime.leave_no_dumps()
runtime.compile_anew()


def guarded(main: Callable[[], None]) -> None:
    """Run a command; an error that the user can fix ends it with one line and exit code 1.

    SIGTERM and a closed terminal interrupt the command as Ctrl-C does, so that nothing half-made
    is left. Only faults of this project show a traceback. A command that computes with MindSpore
    has imported it before, so that its threads can be bounded here.
    """
    for number in ENDING:  # unless it is ignored, as under nohup
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler, note):
            signal.signal(number, _interrupt)
    if sys.stdout is not None:  # a file name may have letters the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    runtime.bound_threads()
    _collect_garbage()
    try:
        _let_signals_in()
        language.of_terminal()  # a bad value is reported before anything is said
        main()
    except UserError as error:
        _fail(str(error), error.code)
    except _Ended as ended:
        _fail(_("ended by {signal}").format(signal=ended.number.name), 128 + ended.number)
    except KeyboardInterrupt:
        _fail(_("interrupted"), 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}")
    except MemoryError:
        _fail(_("out of memory: a smaller batch_size or image_size needs less"))


def _collect_garbage() -> None:
    """From now on Python collects garbage again, but not among what was imported.

    MindSpore has everything searched at each compilation, which took a tenth of a second.
    """
    if not gc.isenabled():  # see the package's own file
        gc.freeze()
        gc.enable()


def _let_signals_in() -> None:
    """From now on they interrupt; also one that came during the imports."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    for number in noted:
        _interrupt(number, None)


def run_stage(
    work: Callable[[str, params.Dataset], None],
    *uses: str,
    files: Callable[[str], recorded.Files] | None = None,
) -> None:
    """Run one stage for the data set named on the command line.

    `uses` are the sections of the params that the stage depends on, as in dvc.yaml; if none are
    given, all. If these or the code are edited while it runs, it ends with an error: see `edits`.
    With `files`, which gives a data set's files, the results are kept until dvc.lock has them.
    """

    def main() -> None:
        parser = argument_parser()
        parser.add_argument("dataset", help=_("a key of params.yaml's `datasets`"))
        dataset = parser.parse_args().dataset
        workspace.end_with_dvc()
        paths.set_project(workspace.project())
        recorded.clear()
        settings = params.load(paths.PARAMS, dataset)
        keeping: AbstractContextManager[bool] = nullcontext(False)
        if files is not None:
            keeping = recorded.kept(work.__name__, dataset, settings, uses, files(dataset), say)
        with keeping as is_made:
            if not is_made:
                work(dataset, settings)
            edits.check(dataset, settings, uses)

    guarded(main)


def say(message: str) -> None:
    """Print a message at once."""
    print(message, flush=True)


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C.

    Python's own KeyboardInterrupt is not enough. Where it interrupts code that is compiled from
    text (every namedtuple is, and so many late imports), the process would end by the signal,
    even when the exception was caught and handled.
    """


class _Ended(BaseException):
    """The process was asked to end. It is no Exception, so that nothing treats it as a fault."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = signal.Signals(number)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """The handler of signals that ask to end: it interrupts, but no import.

    A compiled module that is interrupted while it is imported raises an ImportError. Nothing in
    that error tells of the signal.
    """
    if _importing(frame):
        again = threading.Timer(_IMPORTING, _send, (number,))
        again.daemon = True
        again.start()
        return
    raise _Interrupted if number == signal.SIGINT else _Ended(number)


def _importing(frame: FrameType | None) -> bool:
    """Whether an import is under way in this frame or in a frame that called it."""
    while frame is not None:
        if frame.f_code.co_filename == _IMPORT:
            return True
        frame = frame.f_back
    return False


def _send(number: int) -> None:
    if hasattr(signal, "pthread_kill"):  # it wakes the main thread if that sleeps by now
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        _thread.interrupt_main(signal.Signals(number))


def _fail(message: str, code: int = 1) -> None:
    try:
        line = translated(ERROR).format(message=" ".join(message.split()))
        print(line, file=sys.stderr, flush=True)
    except BrokenPipeError:  # nobody reads it any more: DVC was killed, for example
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # Python would try again at its end, and report it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
