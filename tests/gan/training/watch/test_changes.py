import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gan.training.watch import changes


@given(steps=st.integers(changes.FEWEST, 100_000))
def test_an_average_that_is_advised_keeps_next_to_nothing_of_the_first_weights(settings, steps):
    (change,) = changes.average(settings(), steps)
    assert change.param == "train.ema"
    assert 0 < change.value <= changes.LONGEST
    assert settings(ema=change.value).ema == change.value
    assert change.value**steps < 0.001  # the share of the first weights
    assert change.value >= min(changes.LONGEST, 1 - 11 / steps)


def test_no_average_is_advised_where_it_cannot_help(settings):
    assert changes.average(settings(), changes.FEWEST - 1) == ()
    assert changes.average(settings(ema=0.5), 5000) == ()
    (change,) = changes.average(settings(), 300)
    assert change.value == 0.967
    (change,) = changes.average(settings(), 20_000)
    assert change.value == 0.999


@pytest.mark.parametrize(
    ("given", "steps", "epochs", "param", "value"),
    [
        ({"max_steps": 300, "epochs": 200}, 300, 11, "train.max_steps", 1200),
        ({"max_steps": 300, "epochs": 12}, 300, 11, "train.max_steps", None),
        ({"max_steps": 6000, "epochs": 200}, 2200, 200, "train.epochs", 800),
        ({"max_steps": None, "epochs": 2}, 22, 2, "train.epochs", 8),
    ],
)
def test_longer_is_longer_by_the_param_that_ended_the_run(
    settings, given, steps, epochs, param, value
):
    change = changes.longer(settings(**given), steps, epochs, 4)
    assert (change.param, change.value) == (param, value)
