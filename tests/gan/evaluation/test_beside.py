import os
import subprocess
import sys
import threading

import pytest

from stages.gan.evaluation import beside
from stages.gan.evaluation.quality.blocks import each
from tests.helpers.processes import cores
from tests.helpers.project import ROOT

several_cores = pytest.mark.parametrize("cores", [1, 2], ids=["one core", "two cores"])


@pytest.fixture
def bound(monkeypatch):
    """Cores that the process seems to have, and those its threads were bound to."""
    found = {}

    def give(cores):
        mine = {}
        monkeypatch.setattr(beside, "usable_cores", lambda: cores)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _thread: set(range(cores)))
        monkeypatch.setattr(os, "sched_setaffinity", lambda thread, to: mine.update({thread: to}))
        found["bound"] = mine
        return mine

    return give


@several_cores
def test_the_result_is_that_of_the_work(bound, cores):
    bound(cores)
    with beside.doing(lambda: list(each(lambda task: task * 2, range(5)))) as result:
        assert result() == [0, 2, 4, 6, 8]


@several_cores
def test_an_error_of_the_work_is_not_lost(bound, cores):
    bound(cores)
    with pytest.raises(ZeroDivisionError), beside.doing(lambda: 1 // 0) as result:
        result()


def test_each_has_cores_of_its_own_and_gets_them_back(bound):
    mine = bound(4)
    here = threading.get_native_id()
    seen = {}
    with beside.doing(threading.get_native_id) as result:
        seen["work"] = mine[result()]
        seen["block"] = mine[here]
    assert seen["work"]
    assert seen["block"]
    assert not seen["work"] & seen["block"]
    assert mine[here] == {0, 1, 2, 3}


def test_work_ends_when_the_other_is_interrupted(bound):
    bound(2)
    started, ended = threading.Event(), []

    def work():
        try:
            for _ in each(lambda task: started.set() or threading.Event().wait(0.01), range(10**4)):
                pass
        except beside.Ended:
            ended.append(True)
            raise

    def interrupted():
        with beside.doing(work):
            started.wait(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ended == [True]


def test_work_that_is_beside_nothing_is_never_ended():
    beside.check()


TRAINED = """
import hashlib, sys
from contextlib import nullcontext
import numpy as np
import stages.command
from stages.gan.evaluation import beside
from stages.gan.evaluation.judge import classifier

draw = np.random.default_rng(1)
images = np.clip(draw.normal(0, 0.5, (640, 1, 28, 28)), -1, 1).astype(np.float32)
network = classifier.build(images.shape[1:], [32, 64], 64, 10)
look = classifier.Look(network)
look(images)  # MindSpore has started its threads, as in the stage
training = classifier.Training(network, classifier.cross_entropy, 0.002)
with beside._divided() if sys.argv[1] == "apart" else nullcontext():
    training.begin(6)
    for part in np.split(np.arange(640), 5):
        training.step(images[part], (part % 10).astype(np.int32))
    _, logits = look(images)
print(hashlib.sha256(logits.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(len(cores.AVAILABLE) < 2, reason="needs two cores")
@pytest.mark.parametrize("instructions", ["AVX2", "all"])
def test_the_critic_on_half_of_the_cores_has_the_same_bits(instructions):
    """With AVX2 a process that begins on a single core has other bits than on two."""
    hashes = []
    limit = {} if instructions == "all" else {"ONEDNN_MAX_CPU_ISA": instructions}
    for where in ("together", "apart"):
        with cores.on(frozenset(sorted(cores.AVAILABLE)[:2])):
            words = [sys.executable, "-c", TRAINED, where]
            done = subprocess.run(
                words,
                cwd=ROOT,
                env={**os.environ, **limit},
                capture_output=True,
                text=True,
                check=True,
            )
        hashes.append(done.stdout)
    assert hashes[0] == hashes[1]
