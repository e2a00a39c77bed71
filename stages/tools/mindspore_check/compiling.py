"""Facts about Python's own numbers, lists and comparisons in a compiled function."""

import mindspore as ms
from mindspore import Tensor

from stages.tools.mindspore_check.facts import Seen, fact, short


@fact("An integer power is 0 under jit: 10 ** -8")
def integer_powers() -> Seen:
    """Integers to a negative power, and one with a point."""

    def powers(x):
        return 10**-8, 2**-1, 2.0**-1

    found = ms.jit(powers)(Tensor(1.0))
    return Seen(found == (0, 0, 0.5), f"10 ** -8, 2 ** -1, 2.0 ** -1 give {short(*found)}")


@fact("int(0.29 * 100) is 29 under jit")
def single_precision() -> Seen:
    """Arithmetic of Python floats, which has 24 bits in a compiled function."""

    def numbers(x):
        return int(0.29 * 100), 16777216.0 + 1

    plain, found = numbers(None), ms.jit(numbers)(Tensor(1.0))
    return Seen(
        plain == (28, 16777217.0) and found == (29, 16777216.0),
        f"int(0.29 * 100) gives {found[0]}, 16777216.0 + 1 gives {found[1]:.0f}",
    )


@fact("A label is in no list under jit")
def no_tensor_in_a_list() -> Seen:
    """A label of 1, looked for in (1, 2), outside jit and under it."""

    def known(label):
        return 1 if label in (1, 2) else 0

    label = Tensor(1, ms.int32)
    plain, found = known(label), ms.jit(known)(label)
    return Seen((plain, found) == (1, 0), f"1 in (1, 2): {bool(plain)}, under jit {bool(found)}")


@fact("sort() and remove() do nothing under jit")
def methods_of_lists() -> Seen:
    """Sort a list and remove from it in a compiled function."""

    def ordered(x):
        scores = [3, 1, 2]
        scores.sort()
        scores.remove(1)
        return scores

    found = ms.jit(ordered)(Tensor(1.0))
    return Seen(found == [3, 1, 2], f"[3, 1, 2], sorted and without 1, is {found}")
