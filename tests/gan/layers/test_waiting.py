"""MindSpore's threads sleep beside busy processes, and no bit depends on it."""

import hashlib
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from stages.gan import losses, networks
from stages.gan.layers import kernels, waiting
from stages.gan.training.step import make_step
from tests.helpers.processes import cores
from tests.helpers.project import ROOT
from tests.helpers.training import steps
from tests.helpers.training.network import describe

LIBRARY = waiting.library()
needs_library = pytest.mark.skipif(
    LIBRARY is None, reason="threads wait as MindSpore has it without a C compiler for Linux"
)
SECOND = 10**9


@pytest.fixture
def pretend():
    """Tell the threads that the cores are busy for so many seconds."""
    yield lambda seconds: LIBRARY.waiting_pretend(int(seconds * SECOND))
    LIBRARY.waiting_pretend(0)


def trained(kind: str, **sizes) -> dict[str, np.ndarray]:
    """All that a few steps change."""
    pair = networks.build(describe(kind, **sizes), 1)
    movers = steps.optimize(pair, 0.002)
    step = make_step(*pair, losses.build("bce"), *movers)
    for index in range(4):
        for value in step(*steps.batch(index)):
            value.asnumpy()
    return steps.state(pair, movers)


@needs_library
@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        ("mlp", {"generator_widths": (512, 1024), "discriminator_widths": (1024, 512)}),
        ("dcgan", {}),
    ],
)
def test_threads_that_sleep_change_no_bit(pretend, kind, sizes):
    pretend(0)
    awake = trained(kind, **sizes)
    pretend(600)
    before = LIBRARY.waiting_naps()
    asleep = trained(kind, **sizes)
    assert LIBRARY.waiting_naps() > before, "no thread has slept"
    assert awake.keys() == asleep.keys()
    for name, values in awake.items():
        assert values.tobytes() == asleep[name].tobytes(), name


@needs_library
def test_it_is_in_effect_once_layers_are_imported():
    # An entry for each library that yields; those that have the pools of threads are among them.
    assert waiting.install() >= 2
    assert waiting.install() == waiting.install()


@needs_library
def test_a_waiting_thread_sleeps_only_while_the_cores_are_busy(pretend):
    def naps_in(calls: int) -> int:
        before = LIBRARY.waiting_naps()
        for _ in range(calls):
            assert LIBRARY.waiting_yield() == 0
        return LIBRARY.waiting_naps() - before

    pretend(60)
    assert naps_in(50) > 0
    pretend(0)
    alone = LIBRARY.waiting_naps()
    LIBRARY.waiting_yield()
    assert LIBRARY.waiting_naps() == alone


@needs_library
def test_a_thread_that_begins_to_wait_wakes_the_others(pretend):
    pretend(60)
    ended = threading.Event()

    def wait() -> None:
        while not ended.is_set():
            LIBRARY.waiting_yield()

    def naps_in(seconds: float, woken: bool) -> int:
        """Of the other thread and this one, which also begins to wait over and over, if woken."""
        before, until = LIBRARY.waiting_naps(), time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(0.0001)
            if woken:
                LIBRARY.waiting_yield()  # its first call is no nap
        return LIBRARY.waiting_naps() - before

    other = threading.Thread(target=wait)
    other.start()
    try:
        assert naps_in(0.5, woken=True) > naps_in(0.5, woken=False)
    finally:
        ended.set()
        other.join()


@needs_library
def test_a_busy_process_on_the_same_core_is_noticed(pretend):
    pretend(0)
    one = frozenset({min(cores.AVAILABLE)})
    with cores.on(one):
        busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            before, until = LIBRARY.waiting_naps(), time.monotonic() + 30
            while LIBRARY.waiting_naps() == before and time.monotonic() < until:
                LIBRARY.waiting_yield()
            assert LIBRARY.waiting_naps() > before
        finally:
            busy.kill()
            busy.wait()


@needs_library
@pytest.mark.skipif(len(cores.AVAILABLE) < 2, reason="needs two cores")
def test_a_busy_process_is_noticed_while_another_thread_of_ours_computes(pretend):
    pretend(0)
    first, second = sorted(cores.AVAILABLE)[:2]
    ended = threading.Event()

    def compute() -> None:
        os.sched_setaffinity(0, {second})
        block = bytes(1 << 22)
        while not ended.is_set():
            hashlib.sha256(block).digest()  # without the interpreter's lock

    with cores.on(frozenset({first, second})):
        waiting.install()  # it counts the cores
        other = threading.Thread(target=compute)
        other.start()
        with cores.on(frozenset({first})):
            busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            try:
                before, until = LIBRARY.waiting_naps(), time.monotonic() + 30
                while LIBRARY.waiting_naps() == before and time.monotonic() < until:
                    LIBRARY.waiting_yield()
                assert LIBRARY.waiting_naps() > before
            finally:
                ended.set()
                other.join()
                busy.kill()
                busy.wait()
    waiting.install()


@needs_library
def test_libraries_of_other_folders_stay_as_they_are(tmp_path):
    assert LIBRARY.waiting_install(os.fsencode(f"{tmp_path}/")) == 0


def test_a_compiled_file_that_cannot_be_loaded_is_left_out(tmp_path, monkeypatch):
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"cut off")
    monkeypatch.setattr(kernels, "compile_once", lambda source: kernels.Compiled(broken, ""))
    monkeypatch.setattr(waiting, "library", waiting.library.__wrapped__)
    assert waiting.install() == 0


def test_without_a_compiler_nothing_is_replaced(monkeypatch):
    monkeypatch.setattr(kernels, "compile_once", lambda source: kernels.Compiled(None, "none"))
    monkeypatch.setattr(waiting, "library", waiting.library.__wrapped__)
    assert waiting.install() == 0


def test_the_environment_can_leave_it_out(monkeypatch):
    monkeypatch.setenv(waiting.SWITCH, "yield")
    assert waiting.install() == 0


def test_layers_can_be_imported_without_a_compiler():
    code = "from stages.gan.layers import waiting; print(waiting.library())"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "GAN_KERNELS": "pure", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert result.stdout == "None\n"
