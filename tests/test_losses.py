import math

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor

from stages.gan import losses

logit = st.floats(-8, 8, width=32)


def value_and_gradient(name: str, logits: list[float], target: float):
    loss = losses.build(name)
    column = Tensor(np.array(logits, np.float32).reshape(-1, 1))
    value, gradient = ms.value_and_grad(lambda s: loss(s, target), 0)(column)
    return float(value.asnumpy()), gradient.asnumpy().ravel()


@settings(deadline=None, max_examples=25)
@given(st.lists(logit, min_size=2, max_size=6), st.sampled_from([0.0, 1.0]))
def test_values_and_gradients_have_their_closed_forms(logits, target):
    s = np.array(logits, np.float64)
    p = 1 / (1 + np.exp(-s))
    entropy = np.mean(np.logaddexp(0, s) - target * s)
    for name in ("bce", "bce_with_logits"):
        value, gradient = value_and_gradient(name, logits, target)
        assert value == pytest.approx(entropy, rel=1e-3, abs=1e-5)
        np.testing.assert_allclose(gradient, (p - target) / len(s), atol=2e-3 / len(s))
    value, gradient = value_and_gradient("mse", logits, target)
    assert value == pytest.approx(np.mean((p - target) ** 2), rel=1e-4, abs=1e-6)
    np.testing.assert_allclose(gradient, 2 * (p - target) * p * (1 - p) / len(s), atol=1e-5)


@pytest.mark.parametrize(("name", "point"), [("bce", math.log(2)), ("mse", 0.25)])
def test_where_each_loss_stands_at_equilibrium(name, point):
    for target in (0.0, 1.0):
        assert value_and_gradient(name, [0.0, 0.0], target)[0] == pytest.approx(point, abs=1e-6)


def test_bce_saturates_where_logits_do_not():
    value, gradient = value_and_gradient("bce", [20.0, 20.0], 0.0)
    assert value == pytest.approx(27.631021, abs=1e-4)
    assert (gradient == 0).all()
    value, gradient = value_and_gradient("bce_with_logits", [20.0, 20.0], 0.0)
    assert value == pytest.approx(20.0, abs=1e-4)
    np.testing.assert_allclose(gradient, 0.5, atol=1e-6)


def test_an_unknown_loss_names_the_known():
    with pytest.raises(ValueError, match="bce, bce_with_logits, mse"):
        losses.build("hinge")
