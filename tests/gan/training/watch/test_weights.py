"""NaN in weights is told although the losses stay finite."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from mindspore import Parameter, Tensor, ops

from stages.gan.pages import failure
from stages.gan.training.history import History
from stages.gan.training.progress import ProgressBar
from stages.gan.training.step.measures import GRADIENTS_EVERY
from stages.gan.training.watch import diagnosis, weights
from stages.gan.training.watch.supervisor import Failed, Supervisor
from stages.gan.training.watch.weights import Weights
from tests.helpers.training.runs import set_up, small


@given(arrays(np.float32, array_shapes(max_dims=3), elements=st.floats(width=32)))
def test_an_array_is_finite_if_all_its_values_are(values):
    assert weights.is_finite(values) == bool(np.isfinite(values).all())


def test_a_sum_that_is_too_large_is_no_failure():
    assert weights.is_finite(np.full(1000, 3e38, np.float32))
    assert not weights.is_finite(np.array([np.inf, -np.inf], np.float32))


def spoil(parameter: Parameter, value: float = np.nan) -> str:
    """Put a value into a weight; its name."""
    values = parameter.asnumpy().copy()
    values.flat[0] = value
    ops.assign(parameter, Tensor(values))
    return parameter.name


def first_of_d(players):
    return players.discriminator.trainable_params()[0], "D's "


def first_of_g(players):
    return players.generator.trainable_params()[0], "G's "


def variance_of_g(players):
    found = [p for p in players.generator.get_parameters() if not p.requires_grad]
    return found[-1], "G's "


def of_the_average(players):
    return players.average.averages[0], "the average of G's "


CHANGES = {
    "epochs": 4, "loss": "bce_with_logits", "ema": 0.9,
    "discriminator__activation": "relu", "generator__activation": "relu",
}  # fmt: skip


@pytest.mark.parametrize("place", [first_of_d, first_of_g, variance_of_g, of_the_average])
def test_a_run_with_a_nan_weight_is_stopped_at_the_next_look(place, tmp_path, monkeypatch, capsys):
    """Real steps: the NaN is put in after step 12, and step 20 is the next look."""
    monkeypatch.chdir(tmp_path)
    setup = set_up(small(tmp_path, **CHANGES))
    history = History()
    diagnosed = diagnosis.of_run(setup.params.train, setup.data, setup.players.generator)
    named = []
    with ProgressBar(setup.total, False) as bar:
        supervisor = Supervisor(setup, history, diagnosed, bar, failure.write_page)

        def on_step(step, row):
            supervisor.look(step, row)
            if step == 12:
                parameter, owner = place(setup.players)
                named.append(owner + spoil(parameter))

        with pytest.raises(Failed, match=r"cannot recover \(diverged\)"):
            for _ in setup.epochs(on_step, 0, history.unfinished):
                pass
    assert history.last_step <= 2 * GRADIENTS_EVERY
    output = capsys.readouterr().out
    assert "verdict: diverged" in output
    if place in (variance_of_g, of_the_average):  # the losses do not depend on it at all
        assert np.isfinite(history.measures[:, :4]).all()
        assert f"seen: not finite: {named[0]}" in output  # and so is the average of it
    assert (tmp_path / "reports/mnist/failure.html").exists()


def test_sound_weights_are_no_finding_and_all_steps_between_are_free(tmp_path):
    setup = set_up(small(tmp_path, ema=0.9))
    found = Weights(setup.players)
    assert found.broken() == []
    name = spoil(setup.players.generator.trainable_params()[0], np.inf)
    assert found.look(GRADIENTS_EVERY - 1) == []
    assert found.look(GRADIENTS_EVERY) == [f"G's {name}"]
