"""What ranks exchange: gradients and measures within a compiled step, the state before the first.

Each rank's loss is its share of the whole batch's, so shares and their gradients are added up. All
arrays of a gradient travel in one buffer: a message costs most by being sent at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from stages.gan.common.errors import UserError
from stages.gan.training.ranks.group import Group


class Total(nn.Cell):
    """Arrays of certain shapes, each added up over all ranks, in one exchange.

    Every rank gets the same bits.

    Parameters
    ----------
    shapes : sequence of shapes
        Of what a call takes and returns: a tuple of float32 tensors.
    """

    def __init__(self, shapes: Iterable[tuple[int, ...]]) -> None:
        super().__init__(auto_prefix=False)
        self.shapes = tuple(tuple(shape) for shape in shapes)
        sizes = [int(np.prod(shape)) for shape in self.shapes]
        starts = np.cumsum([0, *sizes]).tolist()
        self.places = tuple(zip(starts[:-1], sizes, self.shapes, strict=True))
        self.join = ops.Concat(0)
        self.slice = ops.Slice()
        self.add_up = ops.AllReduce(ops.ReduceOp.SUM)

    def construct(self, arrays):
        flat: tuple = ()
        for array in arrays:
            flat = (*flat, ops.reshape(array, (-1,)))
        of_all = self.add_up(self.join(flat))
        parts: tuple = ()
        for start, size, shape in self.places:
            parts = (*parts, ops.reshape(self.slice(of_all, (start,), (size,)), shape))
        return parts


def totals(parameters: Iterable[Parameter]) -> Total:
    """What adds up the gradients with respect to these parameters."""
    return Total(parameter.shape for parameter in parameters)


class Over(Exception):
    """The ranks have agreed to end."""


class Link:
    """What the ranks of a group tell each other between steps.

    Every rank makes the same calls in the same order. Alone, it exchanges nothing.
    """

    def __init__(self, group: Group) -> None:
        self._group = group
        self.is_over = False
        if not group.is_alone:
            self._add_up = ops.AllReduce(ops.ReduceOp.SUM)
            self._from_first = ops.Broadcast(0)

    def any(self, wish: bool) -> bool:
        """Whether one of the ranks says yes."""
        if self._group.is_alone:
            return wish
        return self._add_up(Tensor([float(wish)])).asnumpy().item() > 0

    def ends(self, wish: bool) -> bool:
        """Whether one of the ranks wishes to end: then all do, and `is_over` says so."""
        self.is_over = self.any(wish)
        return self.is_over

    def go_on(self, wish_to_end: bool) -> None:
        """What `ends` does after a step, for a rank that has nothing to do at an end.

        Raises
        ------
        Over
            If one of the ranks wishes to end.
        """
        if self.ends(wish_to_end):
            raise Over

    def share(self, trained: Mapping[str, Iterable[Parameter]]) -> None:
        """Give rank 0's values to the parameters of all ranks, bit by bit.

        To be called before a compiled function has used them.
        """
        if self._group.is_alone:
            return
        for parameters in trained.values():
            for parameter in parameters:
                value = parameter.asnumpy()
                parameter.set_data(Tensor(self._first(value)))

    def numbers(self, *values: int) -> tuple[int, ...]:
        """What rank 0 says; each number is from 0 to below 2^32."""
        if self._group.is_alone:
            return values
        return tuple(self._first(np.array(values, np.uint32)).tolist())

    def check_equal(self, fingerprint: str) -> None:
        """See to it that all ranks compute the same.

        Raises
        ------
        UserError
            On every rank, if another has a fingerprint that is not rank 0's.
        """
        if self._group.is_alone:
            return
        own = np.frombuffer(bytes.fromhex(fingerprint), np.uint32)
        if self.ends(not np.array_equal(self._first(own), own)):
            raise UserError(
                "the workers of this job do not have the same params, data, code, libraries and "
                "compiled kernels, and would train different networks: see docs/distributed.md"
            )

    def _first(self, array: np.ndarray) -> np.ndarray:
        """Rank 0's bits, of 4 bytes an entry: they travel as float32, which all backends know."""
        bits = np.array(array, order="C").reshape(-1).view(np.float32)
        received = self._from_first((Tensor(bits),))[0].asnumpy()
        return received.view(array.dtype).reshape(array.shape)


@contextmanager
def clear_errors(group: Group) -> Iterator[None]:
    """Within the block MindSpore's error about a rank that does not answer is one line."""
    try:
        yield
    except RuntimeError as error:
        failed = any(name in str(error) for name in ("AllReduce", "AllGather", "Broadcast"))
        if group.is_alone or not failed:
            raise
        raise UserError(
            f"rank {group.rank} of {group.size} waits in vain for another, which has ended or was "
            "silent for too long: the same command on every host goes on from what was saved last"
        ) from None
