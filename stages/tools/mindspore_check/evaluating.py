"""Facts about numbers: means, special functions, random numbers, NaN."""

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

from stages.tools.mindspore_check.facts import Seen, fact, short


def _of(values, kind=np.float32) -> Tensor:
    return Tensor(np.array(values, kind))


@fact("My accuracy is 0, or the mean of my images is 0")
def means_of_integers() -> Seen:
    """Means of integers."""
    accuracy = _of([1, 0, 1, 1], np.int32).mean().asnumpy().item()
    brightness = Tensor(np.full((28, 28), 200, np.uint8)).mean().asnumpy().item()
    return Seen(
        accuracy == 0 and brightness == 0,
        f"mean of 1, 0, 1, 1 (int32) is {accuracy}; of 28 x 28 times 200 (uint8) {brightness}",
    )


@fact("My network is broken, but its outputs are finite")
def hidden_nan() -> Seen:
    """What becomes of NaN."""
    nan = _of([np.nan])
    found = {
        "relu": ops.relu(nan),
        "clamp to 0..2": ops.clamp(nan, 0.0, 2.0),
        "softplus": ops.softplus(nan),
        "sign": ops.sign(nan),
    }
    values = {name: value.asnumpy().item() for name, value in found.items()}
    return Seen(
        not any(map(np.isnan, values.values())),
        "NaN becomes " + ", ".join(f"{short(value)} ({name})" for name, value in values.items()),
    )


@fact("tanh is above 1, and saturated outputs do not learn")
def tanh() -> Seen:
    """The value and the gradient of ops.tanh near 5."""
    value = ops.tanh(_of([5.0])).asnumpy().item()
    slope = ms.grad(ops.tanh)(_of([5.1])).asnumpy().item()
    right = 1 - np.tanh(5.1) ** 2
    return Seen(
        value > 1.0 and slope == 0.0,
        f"tanh(5) = {value:.7f}; gradient at 5.1 {short(slope)}, right {short(right)}",
    )


@fact("My normal quantiles end at 3.45")
def erfinv() -> Seen:
    """ops.erfinv near 1."""
    found = ops.erfinv(_of([0.9999])).asnumpy().item()
    return Seen(abs(found - 2.7510) > 0.1, f"erfinv(0.9999) = {short(found)}, right 2.751")


@fact("Small losses are 0: log1p, expm1, logsigmoid")
def small_numbers() -> Seen:
    """Functions made for small numbers, at small numbers."""
    log1p = ops.log1p(_of([1e-8])).asnumpy().item()
    expm1 = ops.expm1(_of([1e-6])).asnumpy().item()
    logsigmoid = ops.logsigmoid(_of([17.0])).asnumpy().item()
    return Seen(
        log1p == 0.0 and abs(expm1 / 1e-6 - 1) > 0.01 and logsigmoid == 0.0,
        f"log1p(1e-8) = {short(log1p)}, expm1(1e-6) = {short(expm1)}, logsigmoid(17) = "
        f"{short(logsigmoid)} (right -4.14e-08)",
    )


@fact("randperm gives the same order each time")
def randperm() -> Seen:
    """Five permutations of 6."""
    found = {tuple(ops.randperm(6).asnumpy().tolist()) for _ in range(5)}
    return Seen(len(found) == 1, f"{len(found)} different of 5, the first {min(found)}")


@fact("bernoulli ignores my probabilities")
def bernoulli() -> Seen:
    """The mean of draws with probability 0.1."""
    found = ops.bernoulli(Tensor(np.full(10_000, 0.1, np.float32))).asnumpy().mean()
    return Seen(abs(found - 0.5) < 0.05, f"mean {short(found)} for probability 0.1")


@fact("sort and topk are wrong beside a NaN")
def sorting() -> Seen:
    """Sort rows of 50 numbers with three NaN; count rows whose other numbers are in disorder."""
    draw = np.random.default_rng(0)
    rows = draw.normal(0, 1, (200, 50)).astype(np.float32)
    for row in rows:
        row[draw.choice(50, 3, replace=False)] = np.nan
    found = ops.sort(Tensor(rows))[0].asnumpy()
    disorder = sum(bool((np.diff(row[~np.isnan(row)]) < 0).any()) for row in found)
    return Seen(disorder > 0, f"{disorder} of 200 rows are in disorder")


@fact("The mean squared error depends on the size of the images")
def metric_of_rows() -> Seen:
    """train.MSE of images of 0 against images of 1, which differ by 1 everywhere."""
    metric = ms.train.MSE()
    metric.clear()
    zeros = np.zeros((4, 1, 8, 8), np.float32)
    metric.update(Tensor(zeros), Tensor(zeros + 1))
    found = float(metric.eval())
    return Seen(found == 64.0, f"{short(found)} for images of 8 x 8 that differ by 1")


@fact("My float64 result has seven right digits")
def numbers_through_float32() -> Seen:
    """A float64 tensor times 0.1, as a Python number and as a tensor."""
    x = _of([3.0], np.float64)
    number, tensor = (
        abs(float((x * tenth).asnumpy().item()) - 3.0 * 0.1)
        for tenth in (0.1, Tensor(0.1, ms.float64))
    )
    return Seen(
        number > 1e-9 and tensor == 0, f"off by {short(number)}; by {short(tensor)} with a tensor"
    )
