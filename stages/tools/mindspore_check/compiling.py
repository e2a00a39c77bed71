"""Facts about Python's own numbers, texts, lists and comparisons in a compiled function."""

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


@fact("123456789 % 10 is -1 under jit")
def large_integers() -> Seen:
    """Quotient and rest of Python integers, outside jit and under it."""

    def parts(x):
        return 123456789 // 10, 123456789 % 10

    plain, found = parts(None), tuple(ms.jit(parts)(Tensor(1.0)))
    return Seen(
        plain == (12345678, 9) and found == (12345679, -1),
        f"123456789 // 10 gives {found[0]}, 123456789 % 10 gives {found[1]}",
    )


@fact("A helper changes no list under jit")
def second_names() -> Seen:
    """A list that a helper appends to, and a tensor that it assigns to, under jit."""

    def collected(x):
        def collect(found, values):
            found.append(2)
            values[0] = 9.0

        losses, images = [1], x * 1
        collect(losses, images)
        return losses, images

    losses, images = ms.jit(collected)(Tensor([3.0, 4.0]))
    values = images.asnumpy().tolist()
    return Seen(
        losses == [1] and values == [3.0, 4.0],
        f"the list [1] is {losses} after a 2 was appended, and the tensor {values}",
    )


@fact("f'{7:03d}' is '7' under jit")
def formats() -> Seen:
    """What stands after the colon in an f-string, and the same by %."""

    def texts(x):
        return f"{7:03d}", f"{0.25:.0%}", "%03d" % 7  # noqa: UP031  (it is what is compared)

    plain, found = texts(None), tuple(ms.jit(texts)(Tensor(1.0)))
    return Seen(
        plain == ("007", "25%", "007") and found == ("7", "0.25", "007"),
        f"f'{{7:03d}}' gives {found[0]!r}, f'{{0.25:.0%}}' {found[1]!r}, '%03d' % 7 {found[2]!r}",
    )


@fact("argmax() gives one number a row under jit")
def largest_of_rows() -> Seen:
    """The largest of two rows without an axis, outside jit and under it."""

    def largest(x):
        return x.argmax()

    x = Tensor([[0.0, 5.0], [0.0, 4.0]])
    plain, found = (each(x).asnumpy().tolist() for each in (largest, ms.jit(largest)))
    return Seen(
        (plain, found) == (1, [1, 1]), f"of two rows it gives {short(plain)}, under jit {found}"
    )
