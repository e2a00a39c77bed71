"""Entropy, cross-entropy and KL divergence of finite distributions, and a classifier's losses.

All values are float64, in nats.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax, rel_entr, xlogy

# A distribution's sum may differ from 1 by this much, because of rounding.
_SUM_TOLERANCE = 1e-6


def entropy(p: ArrayLike) -> float:
    """H(P) = -sum p ln p: how surprising draws from P are on average.

    Parameters
    ----------
    p : (N,) probabilities that add up to 1

    Returns
    -------
    float
        In nats, 0 to ln N.

    Raises
    ------
    ValueError
        If p is no distribution.

    Examples
    --------
    >>> round(entropy([0.5, 0.5]), 6)  # a fair coin: ln 2
    0.693147
    >>> entropy([1.0, 0.0])
    0.0
    """
    return cross_entropy(p, p)


def cross_entropy(p: ArrayLike, q: ArrayLike) -> float:
    """H(P, Q) = -sum p ln q: how surprising draws from P are to someone who expects Q.

    Parameters
    ----------
    p, q : (N,) probabilities that add up to 1

    Returns
    -------
    float
        In nats; infinite if Q excludes what P allows.

    Raises
    ------
    ValueError
        If one is no distribution, or their lengths differ.

    Examples
    --------
    >>> round(cross_entropy([1.0, 0.0], [0.1, 0.9]), 3)
    2.303
    """
    left, right = _pair(p, q)
    return float(-xlogy(left, right).sum()) + 0.0  # + 0.0 takes the sign of -0.0 away


def kl_divergence(p: ArrayLike, q: ArrayLike) -> float:
    """KL(P || Q) = sum p ln(p / q): the cost of expecting Q (Kullback and Leibler 1951).

    H(P, Q) = H(P) + KL(P || Q), so for a fixed P both have their minimum at Q = P.

    Parameters
    ----------
    p, q : (N,) probabilities that add up to 1

    Returns
    -------
    float
        In nats, from 0 on; infinite if Q excludes what P allows.

    Raises
    ------
    ValueError
        If one is no distribution, or their lengths differ.

    Examples
    --------
    >>> kl_divergence([0.5, 0.5], [0.5, 0.5])
    0.0
    >>> round(kl_divergence([0.5, 0.5], [0.9, 0.1]), 6)
    0.510826
    """
    return max(0.0, float(rel_entr(*_pair(p, q)).sum()))


def negative_log_likelihood(
    log_probabilities: ArrayLike,
    labels: ArrayLike,
    class_weights: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> float | NDArray[np.float64]:
    """-w_y ln p_y of each row's label y, as in PyTorch's NLLLoss.

    Parameters
    ----------
    log_probabilities : (N, C)
    labels : (N,) whole numbers from 0 to C - 1, or ignore_index
    class_weights : (C,), from 0 on; None is 1 for each
    ignore_index : int
        Rows with this label add nothing, neither to the sum nor to the divisor of the mean.
    reduction : str
        mean (weighted: divided by the sum of the rows' w_y) | sum | none

    Returns
    -------
    float, or (N,) for none
        In nats. The mean is nan if there are no rows, or if all weights are 0.

    Raises
    ------
    ValueError
        For another reduction, shapes that do not fit, or a label that is no class.

    Examples
    --------
    >>> round(negative_log_likelihood(np.log([[0.1, 0.9], [0.5, 0.5]]), [0, -100]), 3)
    2.303
    """
    values = np.asarray(log_probabilities, np.float64)
    chosen = np.asarray(labels)
    if values.ndim != 2 or chosen.shape != values.shape[:1]:
        raise ValueError(
            f"shapes {values.shape} and {chosen.shape}: valid is (N, C) and (N,) of the same N"
        )
    count = values.shape[1]
    weights = np.ones(count) if class_weights is None else np.asarray(class_weights, np.float64)
    if weights.shape != (count,):
        raise ValueError(f"class_weights of shape {weights.shape}: valid is ({count},)")
    kept = chosen != ignore_index
    wrong = chosen[kept & ((chosen < 0) | (chosen >= count))]
    if wrong.size:
        classes = f"0 to {count - 1}, or " if count else ""
        raise ValueError(f"label {wrong[0]}: valid is {classes}{ignore_index} to be ignored")
    rows = np.flatnonzero(kept)
    shares = np.zeros(len(chosen))
    shares[rows] = weights[chosen[rows]]
    losses = np.zeros(len(chosen))
    losses[rows] = -shares[rows] * values[rows, chosen[rows]]
    if reduction == "none":
        return losses
    if reduction == "sum":
        return float(losses.sum())
    if reduction == "mean":
        total = shares.sum()
        return float(losses.sum() / total) if total else float("nan")
    raise ValueError(f"reduction {reduction!r}: choose one of mean, sum, none")


def multiclass_cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    class_weights: ArrayLike | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> float | NDArray[np.float64]:
    """negative_log_likelihood of log_softmax(logits), as in PyTorch's CrossEntropyLoss.

    It takes logits (N, C) instead of log probabilities. All else is as in
    negative_log_likelihood.

    Examples
    --------
    >>> round(multiclass_cross_entropy([[0.0, 0.0]], [1]), 6)
    0.693147
    """
    return negative_log_likelihood(
        log_softmax(np.asarray(logits, np.float64), axis=-1),
        labels,
        class_weights,
        ignore_index,
        reduction,
    )


def _pair(p: ArrayLike, q: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError(
            f"distributions of shapes {left.shape} and {right.shape}: valid is (N,) for both"
        )
    for values in (left, right):
        # not "any below 0", which nan would pass
        if not ((values >= 0).all() and abs(values.sum() - 1.0) <= _SUM_TOLERANCE):
            raise ValueError(
                f"{values.tolist()} is no distribution: valid is numbers from 0 on whose sum is 1"
            )
    return left, right
