"""The processes that train one run together: which of them this one is, and its part of a batch.

Started by MindSpore's `msrun`, as workers of one job: each is a rank, from 0 on, and one more
process, the scheduler, brings them together. A process that nobody started so is a group of one.
"""

import os
from dataclasses import dataclass

from stages.gan.common.errors import UserError

_ROLE = "MS_ROLE"
_WORKERS = "MS_WORKER_NUM"


@dataclass(frozen=True)
class Group:
    """Where a process stands among those that train together."""

    rank: int = 0
    size: int = 1

    @property
    def is_alone(self) -> bool:
        """Whether there is just this one."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes and speaks for all."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Which of `count` rows are this rank's; they are shared out evenly, in order.

        Examples
        --------
        >>> Group(rank=1, size=4).part(8)
        slice(2, 4, None)
        """
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)


ALONE = Group()


def is_started_by_msrun() -> bool:
    """Whether this process is part of a job already."""
    return _ROLE in os.environ


def is_scheduler() -> bool:
    """Whether it is the one that brings the ranks together, and does not train."""
    return os.environ.get(_ROLE) == "MS_SCHED"


def meeting_point() -> str:
    """Address of the host on which the scheduler is."""
    return os.environ["MS_SCHED_HOST"]


def check_job(dataset: str, workers: int) -> None:
    """See to it that the job has as many workers as the params say.

    Raises
    ------
    UserError
        If it has not.
    """
    started = os.environ.get(_WORKERS)
    if started != str(workers):
        raise UserError(
            f"{dataset}.train.distributed.workers is {workers}, but msrun was told to start "
            f"{started} workers: make --worker_num and the param equal"
        )


def join(workers: int) -> Group:
    """Meet the other processes of the job; the scheduler stays here until they have ended.

    Alone there is nobody to meet, and MindSpore's communication is not touched.

    Raises
    ------
    UserError
        If they do not meet.
    """
    if workers == 1:
        return ALONE
    from mindspore import communication

    # How long a rank may be silent, while it compiles or saves: 30 seconds else.
    os.environ.setdefault("MS_NODE_TIMEOUT", "120")
    try:
        communication.init()
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"the workers of this job have lost each other: {reason}") from None
    if is_scheduler():
        return Group(size=workers)
    return Group(communication.get_rank(), communication.get_group_size())
