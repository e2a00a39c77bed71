import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from stages.gan.training.optimizers.schedules import Cosine, Schedule

BASE = 0.02
ALL = [
    Schedule("constant", warm_up_steps=4),
    Schedule("cosine", total_steps=20),
    Schedule("cosine", warm_up_steps=3, final=0.1, total_steps=20),
    Schedule("exponential", decay=0.5, every=7),
    Schedule("exponential", warm_up_steps=5, decay=0.9, every=2),
    Schedule("step", decay=0.5, every=4),
    Schedule("step", warm_up_steps=2, decay=0.1, every=3),
]


@pytest.mark.parametrize("schedule", ALL, ids=lambda s: f"{s.kind}-{s.warm_up_steps}")
@pytest.mark.parametrize("updates", [1, 3])
def test_the_compiled_rate_is_the_plain_one(schedule, updates):
    compiled = ms.jit(schedule.rate(BASE, updates).construct)
    for step in range(30):
        expected = BASE * float(schedule.factor(step))
        for update in range(updates):
            value = compiled(Tensor([step * updates + update], ms.int32))
            assert value.asnumpy() == pytest.approx(expected, rel=3e-6, abs=1e-9)


def test_a_constant_rate_stays_a_number():
    assert Schedule().rate(BASE) == BASE
    assert Schedule(decay=0.5, every=3).rate(BASE) == BASE


def test_warm_up_rises_in_equal_steps_to_the_full_rate():
    factors = Schedule(warm_up_steps=4).factor(np.arange(6))
    np.testing.assert_allclose(factors, [0.25, 0.5, 0.75, 1, 1, 1])


def test_cosine_falls_from_the_full_rate_over_half_to_the_final_one_and_stays():
    factors = Schedule("cosine", final=0.2, total_steps=10).factor([0, 5, 10, 50])
    np.testing.assert_allclose(factors, [1, 0.6, 0.2, 0.2])


def test_exponential_and_step_agree_at_each_multiple():
    steps = np.arange(0, 40, 10)
    smooth = Schedule("exponential", decay=0.3, every=10)
    stairs = Schedule("step", decay=0.3, every=10)
    np.testing.assert_allclose(smooth.factor(steps), 0.3 ** np.arange(4))
    np.testing.assert_allclose(stairs.factor(steps), 0.3 ** np.arange(4))
    np.testing.assert_allclose(stairs.factor(steps + 9), 0.3 ** np.arange(4))
    np.testing.assert_allclose(smooth.factor(5), 0.3**0.5)


def test_falling_begins_after_the_warm_up():
    np.testing.assert_allclose(
        Schedule("step", warm_up_steps=2, decay=0.5, every=2).factor(np.arange(6)),
        [0.5, 1, 1, 1, 0.5, 0.5],
    )


def test_an_unknown_one_is_named():
    with pytest.raises(ValueError, match=r"schedule 'linear': choose one of constant, cosine"):
        Schedule("linear")


@pytest.mark.parametrize("updates", [1, 3])
def test_a_number_moves_on_a_cosine_and_stays(updates):
    cosine = Cosine(0.9, 0.99, 10)
    assert [cosine.value(step) for step in (0, 5, 10, 70)] == pytest.approx(
        [0.9, 0.945, 0.99, 0.99]
    )
    compiled = ms.jit(cosine.cell(updates).construct)
    for step in range(15):
        for update in range(updates):
            value = compiled(Tensor([step * updates + update], ms.int32))
            assert value.asnumpy() == pytest.approx(cosine.value(step), rel=1e-6)
