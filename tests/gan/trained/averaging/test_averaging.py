from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import nn

from stages.gan import networks
from stages.gan.common.compiled import overwrite
from stages.gan.trained.averaging import KERNELS, START, Average
from stages.gan.training.step import Options, make_step
from tests.helpers.training.kernel import (
    assert_same_bits,
    call,
    check_cores_change_no_bit,
    compiled,
    needs_kernels,
    pure,
)
from tests.helpers.training.steps import batch, make, plain_run, ready, state

DECAY = 0.7
DECAYS = (DECAY, 1.0)
FORMS = (compiled, pure)  # without a C compiler, both are the pure one


def shares(n: int, decay: float = 1.0, power: float = START) -> np.ndarray:
    """By the docstring's closed form: what each of w(1) to w(n) counts in the average, (n,)."""
    i = np.arange(1, n + 1, dtype=np.float64)
    started = (1 - 1 / i) ** power < decay
    m = int(started.sum())  # after that, an exponential average
    rising = (i[:m] ** power - (i[:m] - 1) ** power) / max(m, 1) ** power
    return np.concatenate([rising * decay ** (n - m), (1 - decay) * decay ** (n - i[m:])])


@given(st.integers(1, 3000), st.floats(0.001, 1), st.floats(0.5, 40))
def test_the_closed_form_is_the_recursion_and_has_the_sum_1(n, decay, power):
    counts = np.zeros(n)
    for i in range(1, n + 1):
        kept = min(decay, (1 - 1 / i) ** power)
        counts *= kept
        counts[i - 1] = 1 - kept
    np.testing.assert_allclose(shares(n, decay, power), counts, rtol=1e-6, atol=1e-12)
    assert counts.sum() == pytest.approx(1, abs=1e-9)


class Several(nn.Cell):
    """Averages of one generator in each form and with each decay, made side by side by a step."""

    def __init__(self, generator: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        made = {}
        for form in FORMS:
            with form():
                for decay in DECAYS:
                    prefix = f"{form.__name__}_{int(10 * decay)}"
                    made[form, decay] = Average(generator, decay, prefix=prefix)
        self.made = made
        self.averages = nn.CellList(list(made.values()), auto_prefix=False)

    def construct(self):
        for average in self.averages:
            average()


@cache
def compiled_with_averages(kind: str):
    pair, movers, loss = make(kind)
    several = Several(pair[0])
    step = make_step(*pair, loss, *movers, Options(average=several))
    return pair, movers, several, step, state(pair, [*movers, several])


def averaged(kind: str):
    """Generator, averages and step, with the values of the start; see `steps.ready`."""
    pair, movers, several, step, start = compiled_with_averages(kind)
    for cell in (*pair, *movers, several):
        for parameter in cell.get_parameters():
            overwrite(parameter, start[parameter.name])
    return pair, several, step


@pytest.mark.parametrize("kind", networks.KINDS)
def test_after_n_steps_it_is_the_closed_form_of_weights_and_statistics(kind):
    """In each form, with each decay."""
    pair, several, step = averaged(kind)
    untrained = {p.name: p.asnumpy().astype(np.float64) for p in pair[0].get_parameters()}
    seen = []
    n = 40
    for index in range(n):
        step(*batch(index))
        seen.append({p.name: p.asnumpy().astype(np.float64) for p in pair[0].get_parameters()})
        if index + 1 not in (1, 2, 3, n):
            continue
        for (form, decay), average in several.made.items():
            counts = shares(index + 1, decay)
            assert counts.sum() == pytest.approx(1)
            for weight, mean in zip(average.weights, average.averages, strict=True):
                expected = sum(
                    count * then[weight.name] for count, then in zip(counts, seen, strict=True)
                )
                about = f"{weight.name}, {form.__name__}, {decay}"
                np.testing.assert_allclose(mean.asnumpy(), expected, atol=1e-6, err_msg=about)
    assert any("moving_mean" in name for name in untrained)
    assert all((seen[-1][name] != untrained[name]).any() for name in untrained if "moving" in name)
    assert all(average.updates.asnumpy().tolist() == [n] for average in several.averages)


def test_no_weight_from_before_the_first_step_is_left_after_it():
    _, several, step = averaged("mlp")
    for average in several.averages:
        for parameter in average.averages:
            overwrite(parameter, np.full(parameter.shape, 1e30, np.float32))
    step(*batch(0))
    for average in several.averages:
        for weight, mean in zip(average.weights, average.averages, strict=True):
            np.testing.assert_array_equal(mean.asnumpy(), weight.asnumpy())


@needs_kernels
@pytest.mark.parametrize("kind", networks.KINDS)
def test_the_kernel_changes_no_bit_of_it(kind):
    _, several, step = averaged(kind)
    for index in range(40):
        step(*batch(index))
    for decay in DECAYS:
        both = several.made[compiled, decay].averages, several.made[pure, decay].averages
        for left, right in zip(*both, strict=True):
            assert_same_bits(left.asnumpy(), right.asnumpy())


@needs_kernels
@given(st.integers(1, 2**24), st.floats(0, 1, width=32), st.floats(0.5, 40, width=32))
def test_the_kernels_decay_is_that_of_the_formula(n, decay, power):
    rule, count = np.array([power, decay], np.float32), np.array([n], np.float32)
    (found,) = call(KERNELS, "factors", [rule, count], (2,))
    kept = np.float32(min(decay, (1 - 1 / n) ** power))
    # The power of two libraries may differ in the last bit.
    np.testing.assert_allclose(found, [kept, np.float32(1) - kept], rtol=2e-7, atol=6e-8)
    assert found.sum(dtype=np.float64) == pytest.approx(1, abs=6e-8)


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
    pair, _, step = averaged("mlp")
    for index in range(4):
        step(*batch(index))
    _, without = plain_run("mlp")
    assert all((p.asnumpy() == without[p.name]).all() for n in pair for p in n.get_parameters())


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


def test_alone_it_computes_the_same_as_in_a_step():
    _, several, step = averaged("mlp")
    for index in range(5):
        step(*batch(index))
    inside = {key: [p.asnumpy() for p in made.state] for key, made in several.made.items()}
    pair, _, _, step = ready("mlp")
    for form in FORMS:
        with form():
            average = Average(pair[0], DECAY)
        update = average.compiled()
        ready("mlp")
        for index in range(5):
            step(*batch(index))
            update()
        for left, right in zip(average.state, inside[form, DECAY], strict=True):
            assert_same_bits(left.asnumpy(), right)
        assert average.updates.asnumpy().tolist() == [5]
