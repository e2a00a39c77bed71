import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan import networks
from stages.gan.trained.averaging import KERNELS, Average
from stages.gan.training.step import Options, make_step
from tests.helpers.training.kernel import (
    assert_same_bits,
    call,
    check_cores_change_no_bit,
    compiled,
    every_form,
    needs_kernels,
    pure,
)
from tests.helpers.training.steps import batch, make

DECAY = 0.7


@every_form
@pytest.mark.parametrize("kind", networks.KINDS)
def test_after_n_steps_it_is_the_closed_form_of_weights_and_statistics(kind, form):
    pair, movers, loss = make(kind)
    with form():
        average = Average(pair[0], DECAY)
    seen = [{p.name: p.asnumpy().astype(np.float64) for p in pair[0].get_parameters()}]
    step = make_step(*pair, loss, *movers, Options(average=average))
    n = 5
    for index in range(n):
        step(*batch(index))
        seen.append({p.name: p.asnumpy().astype(np.float64) for p in pair[0].get_parameters()})
    assert any("moving_mean" in name for name in seen[0])
    for weight, mean in zip(average.weights, average.averages, strict=True):
        expected = DECAY**n * seen[0][weight.name]
        for i in range(1, n + 1):
            expected += (1 - DECAY) * DECAY ** (n - i) * seen[i][weight.name]
        np.testing.assert_allclose(mean.asnumpy(), expected, atol=1e-6, err_msg=weight.name)
        if "moving" in weight.name:
            assert (seen[n][weight.name] != seen[0][weight.name]).any()


@needs_kernels
def test_the_kernel_changes_no_bit_of_it():
    found = []
    for form in (compiled, pure):
        pair, movers, loss = make("mlp")
        with form():
            average = Average(pair[0], DECAY)
        step = make_step(*pair, loss, *movers, Options(average=average))
        for index in range(4):
            step(*batch(index))
        found.append([p.asnumpy() for p in average.averages])
    for left, right in zip(*found, strict=True):
        assert_same_bits(left, right)


@needs_kernels
@settings(max_examples=30)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.floats(0, 0.9999))
def test_the_kernel_takes_arrays_of_any_shape(shape, decay):
    draw = np.random.default_rng(1)
    old, now = draw.standard_normal((2, *shape)).astype(np.float32)
    factors = np.array([decay, 1 - decay], np.float32)
    (found,) = call(KERNELS, "mix", [old, now, factors], tuple(shape))
    assert_same_bits(found, old * factors[0] + now * factors[1])


@needs_kernels
def test_the_number_of_cores_changes_no_bit():
    old, now = np.random.default_rng(2).standard_normal((2, 1000, 1001)).astype(np.float32)
    factors = np.array([0.9, 0.1], np.float32)
    check_cores_change_no_bit(KERNELS, "mix", [old, now, factors], old.shape)


def test_averaging_changes_nothing_in_the_training_itself():
    ends = []
    for averaged in (False, True):
        pair, movers, loss = make("mlp")
        average = Average(pair[0], DECAY) if averaged else None
        step = make_step(*pair, loss, *movers, Options(average=average))
        for index in range(3):
            step(*batch(index))
        ends.append([p.asnumpy() for network in pair for p in network.get_parameters()])
    assert all((left == right).all() for left, right in zip(*ends, strict=True))


def test_the_average_goes_into_another_generator():
    pair, _, _ = make("mlp")
    average = Average(pair[0], DECAY)
    for parameter in average.averages:
        parameter.set_data(parameter.value() + 1)
    other = make("mlp", seed=2)[0][0]
    average.copy_to(other)
    for parameter, original in zip(other.get_parameters(), pair[0].get_parameters(), strict=True):
        assert parameter.name == original.name
        assert (parameter.asnumpy() == original.asnumpy() + 1).all()
