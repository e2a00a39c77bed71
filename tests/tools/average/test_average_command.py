import sys

import numpy as np
import pytest

from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.trained import checkpoints
from stages.gan.trained.averaging import snapshots
from stages.tools.average import __main__ as average
from stages.tools.average import sweep
from tests.helpers.training.runs import set_up, small


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project (`small` writes params.yaml) with a run of 10 steps and 3 snapshots."""
    folder = tmp_path_factory.mktemp("trained")
    setup = set_up(small(folder, epochs=2, max_steps=10, average_snapshots=3))
    models = folder / "models/mnist/checkpoints"

    def look(step, row):
        if setup.players.recorder.is_due(step):
            setup.players.recorder.save(models, step, step)

    for _ in setup.epochs(look, 0, np.empty((0, 7), np.float32)):
        pass
    setup.players.save(models / "final", 2, 10)
    return folder


@pytest.fixture
def call(trained, tmp_path, monkeypatch):
    """Runs the command in that project."""
    monkeypatch.chdir(trained)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["average", "mnist", *map(str, arguments)])
        average.main()

    return run


def test_it_writes_a_checkpoint_with_that_average(call, tmp_path, capsys):
    call("--length", 0.15, "--to", tmp_path / "made")
    assert "the average of length 0.15 at step 10, combined with" in capsys.readouterr().out
    made, source = checkpoints.load(tmp_path / "made"), checkpoints.load(paths.models("mnist"))
    (combined,) = snapshots.combine(source, [0.15])
    for parameter in made.networks()[0].get_parameters():
        np.testing.assert_array_equal(parameter.asnumpy(), combined.weights[parameter.name])


def test_a_sweep_has_the_lengths_that_are_asked_for(call, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(sweep, "write", lambda *given: seen.append(given))
    call("--sweep", "--to", tmp_path / "swept")
    call("--sweep", "--length", 0.2, "--length", 0.1, "--to", tmp_path / "two")
    lengths = [[combined.length for combined in given[4]] for given in seen]
    assert lengths == [list(average.SWEEP), [0.1, 0.2]]
    assert (tmp_path / "swept").is_dir()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--to", "new"], "--length is needed once: valid is one length, or --sweep"),
        (["--length", "0.1", "--length", "0.2", "--to", "new"], "--length is needed once"),
        (["--length", "0.4", "--to", "new"], "the length is 0.4: valid is above 0 to below 0.289"),
        (["--length", "0.1", "--to", "models"], "models exists already"),
        (["--length", "0.1", "--model", "nothing", "--to", "new"], "nothing is no checkpoint"),
    ],
)
def test_mistakes_are_named_and_leave_nothing(call, trained, arguments, text):
    before = sorted(trained.rglob("*"))
    with pytest.raises(UserError, match=text):
        call(*arguments)
    assert sorted(trained.rglob("*")) == before
