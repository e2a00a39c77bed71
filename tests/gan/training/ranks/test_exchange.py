"""What one process can show; tests of several are in test_distributed.py and test_jobs.py."""

import numpy as np
import pytest
from mindspore import Parameter, Tensor

from stages.gan.training.ranks.exchange import Link, Over, clear_errors
from stages.gan.training.ranks.group import ALONE, Group
from tests.helpers.data import message_of


def test_alone_every_wish_is_the_groups():
    link = Link(ALONE)
    assert link.any(True)
    assert not link.any(False)
    link.go_on(False)
    with pytest.raises(Over):
        link.go_on(True)


def test_alone_nothing_is_changed():
    link = Link(ALONE)
    parameter = Parameter(Tensor(np.array([1.0, -0.0], np.float32)), name="p")
    link.share({"part": [parameter]})
    assert parameter.asnumpy().tobytes() == np.array([1.0, -0.0], np.float32).tobytes()
    assert link.numbers(3, 7) == (3, 7)
    link.check_equal("ab" * 32)


def raising(error: Exception, group: Group) -> None:
    with clear_errors(group):
        raise error


def test_an_exchange_that_failed_is_told_in_one_line():
    failed = RuntimeError("\n---\nLaunch kernel failed: Default/AllReduce-op0\n---")
    message = message_of(raising, failed, Group(1, 4))
    assert message.startswith("rank 1 of 4 got no answer from another rank")


def test_other_faults_keep_their_traceback():
    with pytest.raises(RuntimeError, match="Conv2D"):
        raising(RuntimeError("Launch kernel failed: Default/Conv2D-op0"), Group(1, 4))
    with pytest.raises(RuntimeError, match="AllReduce"):
        raising(RuntimeError("AllReduce"), ALONE)
