"""The group of processes (ranks) that train one run together, and each rank's part of a batch.

MindSpore's `msrun` starts them as workers of one job. Each is a rank, counted from 0. One more
process, the scheduler, connects them. A process that was not started by msrun is a group of one.
"""

import os
from dataclasses import dataclass

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

_ROLE = "MS_ROLE"
_WORKERS = "MS_WORKER_NUM"


@dataclass(frozen=True)
class Group:
    """A process's rank, and the number of ranks that train together."""

    rank: int = 0
    size: int = 1

    @property
    def is_alone(self) -> bool:
        """Whether this is the only process."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether this is rank 0, which writes the files and prints."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """The rows of this rank, out of `count` rows that are divided evenly, in order.

        Examples
        --------
        >>> Group(rank=1, size=4).part(8)
        slice(2, 4, None)
        """
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)


ALONE = Group()


def is_started_by_msrun() -> bool:
    """Whether msrun has started this process, as part of a job."""
    return _ROLE in os.environ


def is_scheduler() -> bool:
    """Whether this process is the scheduler, which connects the ranks and does not train."""
    return os.environ.get(_ROLE) == "MS_SCHED"


def meeting_point() -> str:
    """The address of the scheduler's host."""
    return os.environ["MS_SCHED_HOST"]


def check_job(dataset: str, workers: int) -> None:
    """Check that the job has as many workers as the params say.

    Raises
    ------
    UserError
        If the numbers differ.
    """
    started = os.environ.get(_WORKERS)
    if started != str(workers):
        raise UserError(
            _(
                "{dataset}.train.distributed.workers is {workers}, but msrun starts "
                "{started} workers: make --worker_num and the param equal"
            ).format(dataset=dataset, workers=workers, started=started)
        )


def join(workers: int) -> Group:
    """Connect to the other processes of the job. The scheduler stays here until they have ended.

    With one worker nothing is connected, and MindSpore's communication is not used.

    Raises
    ------
    UserError
        If the processes cannot connect.
    """
    if workers == 1:
        return ALONE
    from mindspore import communication

    # Seconds that a rank may be silent while it compiles or saves; the default is 30.
    os.environ.setdefault("MS_NODE_TIMEOUT", "120")
    try:
        communication.init()
    except RuntimeError as error:
        reason = str(error).strip().split("\n")[0]
        raise UserError(
            _("the workers of this job have lost their connection: {reason}").format(reason=reason)
        ) from None
    if is_scheduler():
        return Group(size=workers)
    return Group(communication.get_rank(), communication.get_group_size())
