import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.training.ranks import group
from stages.gan.training.ranks.group import ALONE, Group
from tests.helpers.data import message_of


@given(size=st.integers(1, 16), each=st.integers(1, 8))
def test_the_parts_of_all_ranks_are_the_whole_in_order(size, each):
    rows = np.arange(size * each)
    parts = [rows[Group(rank, size).part(len(rows))] for rank in range(size)]
    assert (np.concatenate(parts) == rows).all()


def test_one_process_is_a_group_that_leads_itself():
    assert ALONE.is_alone
    assert ALONE.leads
    assert not Group(0, 2).is_alone
    assert not Group(1, 2).leads


def test_alone_communication_is_not_begun(monkeypatch):
    import mindspore  # noqa: F401  (it imports the module itself)

    monkeypatch.setitem(sys.modules, "mindspore.communication", None)
    assert group.join(1) == ALONE


@pytest.mark.parametrize("role", ["MS_WORKER", "MS_SCHED"])
def test_msruns_processes_are_known(monkeypatch, role):
    monkeypatch.delenv("MS_ROLE", raising=False)
    assert not group.is_started_by_msrun()
    monkeypatch.setenv("MS_ROLE", role)
    assert group.is_started_by_msrun()
    assert group.is_scheduler() == (role == "MS_SCHED")


def test_a_job_of_another_size_is_refused(monkeypatch):
    monkeypatch.setenv("MS_WORKER_NUM", "4")
    group.check_job("mnist", 4)
    assert message_of(group.check_job, "mnist", 2) == (
        "mnist.train.distributed.workers is 2, but msrun starts 4 workers: make "
        "--worker_num and the param equal"
    )
