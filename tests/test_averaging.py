import numpy as np
import pytest
from test_steps import batch, make

from stages.gan import networks
from stages.gan.averaging import Average
from stages.gan.steps import Options, make_step

DECAY = 0.7


@pytest.mark.parametrize("kind", networks.KINDS)
def test_after_n_steps_it_is_the_closed_form_of_weights_and_statistics(kind):
    pair, movers, loss = make(kind)
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
