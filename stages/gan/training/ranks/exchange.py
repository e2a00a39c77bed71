"""Exchanges between ranks: gradients and measures in a compiled step, the state before the first.

Each rank's loss is its share of the whole batch's loss, so losses and gradients are summed. All
arrays of a gradient are sent in one buffer, because each message has a high fixed cost.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from stages.gan.common.compiled import put
from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.training.ranks.group import Group


class Total(nn.Cell):
    """Sums arrays over all ranks, in one exchange.

    Every rank gets the same bits.

    Parameters
    ----------
    shapes : sequence of shapes
        The shapes of the float32 tensors that a call takes and returns, as a tuple.
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
    """The `Total` that sums the gradients with respect to these parameters."""
    return Total(parameter.shape for parameter in parameters)


class Over(Exception):
    """The ranks have agreed to end."""


class Link:
    """Messages between the ranks of a group between steps.

    Every rank must make the same calls in the same order. A single rank exchanges nothing.
    """

    def __init__(self, group: Group) -> None:
        self._group = group
        self.is_over = False
        if not group.is_alone:
            self._add_up = ops.AllReduce(ops.ReduceOp.SUM)
            self._from_first = ops.Broadcast(0)

    def any(self, wish: bool) -> bool:
        """Whether `wish` is true on any rank."""
        if self._group.is_alone:
            return wish
        return self._add_up(Tensor([float(wish)])).asnumpy().item() > 0

    def ends(self, wish: bool) -> bool:
        """Whether any rank wishes to end. Then all ranks end, and `is_over` is true."""
        self.is_over = self.any(wish)
        return self.is_over

    def go_on(self, wish_to_end: bool) -> None:
        """Call `ends` after a step, in a rank that has nothing to save at the end.

        Raises
        ------
        Over
            If any rank wishes to end.
        """
        if self.ends(wish_to_end):
            raise Over

    def share(self, trained: Mapping[str, Iterable[Parameter]]) -> None:
        """Copy rank 0's values, bit by bit, to the parameters of all ranks.

        Call it before a compiled function has used the parameters.
        """
        if self._group.is_alone:
            return
        for parameters in trained.values():
            for parameter in parameters:
                value = parameter.asnumpy()
                put(parameter, self._first(value))

    def numbers(self, *values: int) -> tuple[int, ...]:
        """The values that rank 0 gives; each number is from 0 to below 2^32."""
        if self._group.is_alone:
            return values
        return tuple(self._first(np.array(values, np.uint32)).tolist())

    def check_equal(self, fingerprint: str) -> None:
        """Check that all ranks compute the same.

        Raises
        ------
        UserError
            On every rank, if the fingerprint of any rank differs from rank 0's.
        """
        if self._group.is_alone:
            return
        own = np.frombuffer(bytes.fromhex(fingerprint), np.uint32)
        if self.ends(not np.array_equal(self._first(own), own)):
            raise UserError(
                _(
                    "the workers of this job would train different networks: their params, "
                    "data, code, libraries and compiled kernels must be the same: see "
                    "docs/distributed.md"
                )
            )

    def _first(self, array: np.ndarray) -> np.ndarray:
        """Rank 0's bits, 4 bytes per entry, sent as float32, which all backends support."""
        bits = np.array(array, order="C").reshape(-1).view(np.float32)
        received = self._from_first((Tensor(bits),))[0].asnumpy()
        return received.view(array.dtype).reshape(array.shape)


@contextmanager
def clear_errors(group: Group) -> Iterator[None]:
    """In the block, turn MindSpore's error about a silent rank into one line."""
    try:
        yield
    except RuntimeError as error:
        failed = any(name in str(error) for name in ("AllReduce", "AllGather", "Broadcast"))
        if group.is_alone or not failed:
            raise
        raise UserError(
            _(
                "rank {rank} of {size} got no answer from another rank: it ended or was "
                "silent for too long. The same command on every host resumes from the last "
                "saved state"
            ).format(rank=group.rank, size=group.size)
        ) from None
