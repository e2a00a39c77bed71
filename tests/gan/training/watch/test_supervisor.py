import numpy as np
import pytest

from stages.gan import losses
from stages.gan.common.errors import UserError
from stages.gan.losses import equilibrium
from stages.gan.pages import failure
from stages.gan.training.history import History
from stages.gan.training.progress import ProgressBar
from stages.gan.training.step import measures
from stages.gan.training.step.measures import MEASURES
from stages.gan.training.watch.diagnosis import DIVERSITY, Diagnosis
from stages.gan.training.watch.supervisor import Supervisor
from tests.helpers.training.runs import set_up, small


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Puts a supervisor over a small run that is not run."""
    monkeypatch.chdir(tmp_path)

    def supervisor(on_failure: str, lecture_log: bool = False):
        params = small(tmp_path, on_failure=on_failure, lecture_log=lecture_log)
        setup = set_up(params)
        history = History()
        diagnosis = Diagnosis(
            params.train,
            equilibrium.point(losses.of_params(params.train)),
            measures.look_at_real(setup.data),
            1000,
        )
        bar = ProgressBar(100, lecture_log)
        bar.__enter__()
        return Supervisor(setup, history, diagnosis, bar, failure.write_page), history

    return supervisor


def row(loss: float = 1.3) -> np.ndarray:
    values = np.full(len(MEASURES), np.nan, np.float32)
    values[:6] = [loss, 0.8, 0.5, 0.5, 3.0, 2.0]
    return values


def test_every_step_is_kept_and_completed(make):
    supervisor, history = make("stop")
    for step in range(1, 101):
        supervisor.look(step, row())
    assert len(history.measures) == 100
    looks = np.flatnonzero(~np.isnan(history.measures[:, DIVERSITY])) + 1
    assert looks.tolist() == [50, 100]
    assert supervisor.conclude()["name"] == "near equilibrium"


def test_a_failure_stops_the_run_with_a_page(make, tmp_path, capsys):
    supervisor, _ = make("stop")
    supervisor.look(1, row())
    with pytest.raises(
        UserError, match=r"stopped at step 2, because it cannot recover \(diverged\)"
    ):
        supervisor.look(2, row(np.nan))
    assert (tmp_path / "reports/mnist/failure.html").exists()
    output = capsys.readouterr().out
    assert "verdict: diverged\n  seen: discriminator loss is nan\n  this means:" in output
    assert "to change: mnist.train.learning_rate to 2e-05" in output


def test_with_warn_it_is_told_once_and_goes_on(make, tmp_path, capsys):
    supervisor, history = make("warn")
    for step in range(1, 5):
        supervisor.look(step, row(np.nan))
    assert capsys.readouterr().out.count("verdict: diverged") == 1
    told = supervisor.conclude()
    assert [earlier["step"] for earlier in told["earlier"]] == [1]
    assert (told["name"], told["since"], told["step"]) == ("diverged", 1, 4)
    assert len(history.measures) == 4


def test_one_that_recovered_has_its_failure_told_beside_its_end(make):
    supervisor, _ = make("warn")
    supervisor.look(1, row(np.inf))
    for step in range(2, 80):
        supervisor.look(step, row())
    told = supervisor.conclude()
    assert told["name"] != "diverged"
    assert [earlier["name"] for earlier in told["earlier"]] == ["diverged"]


def test_the_lectures_line_is_of_the_steps_since_the_failure_began(make, capsys):
    supervisor, _ = make("warn", lecture_log=True)
    supervisor.look(1, row())
    supervisor.look(2, row(np.inf))
    assert "loss d:inf, loss g:0.800000\nverdict: diverged" in capsys.readouterr().out
