import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import softmax

from stages.gan.pages.information import (
    cross_entropy,
    entropy,
    kl_divergence,
    multiclass_cross_entropy,
    negative_log_likelihood,
)


def distributions(count: int):
    shares = arrays(np.float64, count, elements=st.floats(0, 1))
    return shares.filter(lambda values: values.sum() > 1e-3).map(lambda v: v / v.sum())


pairs = st.integers(1, 6).flatmap(lambda n: st.tuples(distributions(n), distributions(n)))


@given(pairs)
def test_cross_entropy_is_entropy_and_divergence(pair):
    p, q = pair
    if ((p > 0) & (q == 0)).any():
        assert cross_entropy(p, q) == kl_divergence(p, q) == math.inf
    else:
        assert cross_entropy(p, q) == pytest.approx(entropy(p) + kl_divergence(p, q), abs=1e-9)


@given(pairs)
def test_bounds(pair):
    p, q = pair
    assert -1e-12 <= entropy(p) <= math.log(len(p)) + 1e-12
    assert kl_divergence(p, q) >= 0
    assert kl_divergence(p, p) == 0
    assert cross_entropy(p, q) >= entropy(p) - 1e-12


def test_worked_values():
    assert entropy([0.5, 0.5]) == pytest.approx(math.log(2))
    assert cross_entropy([1, 0], [0.9, 0.1]) == pytest.approx(0.105361, abs=1e-6)
    assert cross_entropy([1, 0], [0.1, 0.9]) == pytest.approx(2.302585, abs=1e-6)
    assert kl_divergence([1, 0], [0, 1]) == math.inf


@pytest.mark.parametrize("bad", [[0.5, 0.6], [1.5, -0.5], [math.nan, 1.0], []])
def test_what_is_no_distribution_is_refused(bad):
    with pytest.raises(ValueError, match="no distribution: valid is numbers from 0 on"):
        entropy(bad)


def test_distributions_over_other_things_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\) and \(3,\)"):
        kl_divergence([0.5, 0.5], [0.2, 0.3, 0.5])


@given(arrays(np.float64, (3, 4), elements=st.floats(-1000, 1000)))
def test_the_answers_are_distributions_at_any_logits(logits):
    losses = np.stack(
        [multiclass_cross_entropy(logits, [y] * 3, reduction="none") for y in range(4)]
    )
    assert (losses >= 0).all()
    np.testing.assert_allclose(np.exp(-losses).sum(axis=0), 1)


@given(
    arrays(np.float64, (5, 3), elements=st.floats(-20, 20)),
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
)
def test_a_classifiers_loss_is_the_cross_entropy_of_its_answer(logits, labels):
    answers = softmax(logits, axis=1)
    ours = [cross_entropy(np.eye(3)[y], q) for y, q in zip(labels, answers, strict=True)]
    np.testing.assert_allclose(
        multiclass_cross_entropy(logits, labels, reduction="none"), ours, atol=1e-6
    )


def test_ignored_rows_and_weights():
    logs = np.log([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    each = negative_log_likelihood(logs, [0, 7, 1], [1.0, 3.0], 7, "none")
    np.testing.assert_allclose(each, [-math.log(0.5), 0, -3 * math.log(0.8)])
    total = negative_log_likelihood(logs, [0, 7, 1], [1.0, 3.0], 7, "sum")
    assert total == pytest.approx(each.sum())
    mean = negative_log_likelihood(logs, [0, 7, 1], [1.0, 3.0], 7)
    assert mean == pytest.approx(each.sum() / 4)
    assert math.isnan(negative_log_likelihood(logs, [7, 7, 7], ignore_index=7))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0, 0.0]], [2]), "label 2: valid is 0 to 1, or -100"),
        ((np.zeros((1, 0)), [0]), "label 0: valid is -100 to be ignored"),
        (([[0.0, 0.0]], [0, 1]), r"\(1, 2\) and \(2,\)"),
        (([[0.0, 0.0]], [0], [1.0]), r"class_weights of shape \(1,\): valid is \(2,\)"),
        (([[0.0, 0.0]], [0], None, -100, "median"), "choose one of mean, sum, none"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        negative_log_likelihood(*arguments)
