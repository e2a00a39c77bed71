import signal
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from stages.gan.common import paths
from stages.gan.common.files import whole_file
from stages.gan.common.unfinished import Run
from stages.gan.pages.failure import write_page
from stages.gan.trained import checkpoints
from stages.gan.training.history import History
from stages.gan.training.processes.stops import Stopped
from stages.gan.training.progress import ProgressBar
from stages.gan.training.resume import keeper
from stages.gan.training.resume.keeper import Keeper
from stages.gan.training.watch import diagnosis
from stages.gan.training.watch.supervisor import Supervisor
from tests.helpers.training.runs import set_up, small

OPTIONS = {
    "plain": {},
    "everything": {
        "ema": 0.5,
        "average_snapshots": 3,
        "optimizer": "rmsprop",
        "momentum": 0.5,
        "discriminator_steps": 2,
        "instance_noise": 0.1,
        "augmentation": ["color", "cutout"],
        "latents": "fresh",
        "r1": 1.0,
        "schedule__kind": "cosine",
        "discriminator__spectral_norm": True,
    },
    "adamw": {"optimizer": "adamw", "weight_decay": 0.01},
    "pairs": {
        "loss": "rpgan",
        "ema": 0.5,
        "r1": 1.0,
        "r2": 2.0,
        "penalty__kind": "difference",
        "burn_in__penalty": 0.1,
        "burn_in__beta2": 0.9,
        "extragradient": "past",
        "lookahead__every": 2,
    },
    "scored": {"quick_score": 8, "ema": 0.5},
}


class StopAfter:
    """Asks to end after so many looks."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    @property
    def requested(self) -> bool:
        self._left -= 1
        return self._left == 0

    def error(self, message: str, **values: int) -> Stopped:
        return Stopped(message.format(reason="a test", **values), signal.SIGTERM)


class Training:
    """A small run, as the stage has it."""

    def __init__(self, params, folder: Path, stop_after: int = 0) -> None:
        self.setup = setup = set_up(params)
        self.players = setup.players
        self.history = History()
        diagnosed = diagnosis.of_run(params.train, setup.data, self.players.generator)
        bar = ProgressBar(setup.total, False)
        bar.__enter__()
        self.supervisor = Supervisor(setup, self.history, diagnosed, bar, write_page)
        self.run = Run(folder)
        for part in self.run.parts:
            part.mkdir(parents=True, exist_ok=True)
        stops = StopAfter(stop_after)
        self.keeper = Keeper(self.run, setup, self.history, self.supervisor, stops)
        self.said: list[str] = []
        self.keeper.restore(self.said.append)
        self._epochs = setup.epochs(self.keeper.look, self.history.epochs, self.history.unfinished)

    def go(self) -> "Training":
        for epoch in self._epochs:
            self.history.add_epoch(epoch)
            picture = self.run.pictures / f"{epoch.number}.png"
            picture.write_bytes(epoch.measures.tobytes())
            self.players.save(self.run.models / f"epoch-{epoch.number}", epoch.number, 0)
            if self.setup.quick is not None:
                self.players.refresh()
                score = self.setup.quick.of(self.players.shown)
                self.history.add_score(epoch.number, score)
            if epoch.number % 2 == 0:
                self.keeper.save()
        return self

    def result(self) -> dict[str, bytes]:
        """Every number that training leaves."""
        parts = {
            f"{part}/{name}": array
            for part, parameters in self.players.state.items()
            for name, array in checkpoints.values(parameters).items()
        }
        parts.update(self.history.state())
        made = {
            name: (self.run.folder / name).read_bytes() for name in sorted(self.keeper._files())
        }
        return {name: array.tobytes() for name, array in parts.items()} | made


def params(tmp_path, name: str):
    return small(tmp_path, epochs=4, max_steps=None, **OPTIONS[name])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")

    @cache
    def of(name: str) -> dict[str, bytes]:
        return Training(params(folder, name), folder / name).go().result()

    return of


# 5 steps an epoch, or 2 where D takes two: stopped within an epoch, at its last step, at that of
# an epoch whose end is saved, and at the run's end.
@pytest.mark.parametrize(
    ("name", "stops"),
    [
        ("plain", [3, 2, 5, 10]),
        pytest.param("everything", [3], marks=pytest.mark.slow),
        ("adamw", [7]),
        ("scored", [6]),
    ],
)
def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path, unbroken, name, stops):
    done = 0
    for stop in stops:
        run = Training(params(tmp_path, name), tmp_path / "run", stop)
        assert len(run.history) == done
        with pytest.raises(Stopped, match=f"after step {done + stop}"):
            run.go()
        done += stop
    last = Training(params(tmp_path, name), tmp_path / "run")
    assert len(list(last.run.models.rglob("*.state"))) == (1 if name == "everything" else 0)
    assert last.said == [f"resuming after step {done} of {last.setup.total}"]
    assert last.go().result() == unbroken(name)


def cut_off(tmp_path, steps: int = 13) -> Training:
    """A run that was killed: its last state lies some steps back."""
    run = Training(params(tmp_path, "plain"), tmp_path / "run", steps)
    with pytest.raises(Stopped):
        run.go()
    return run


def test_a_damaged_state_makes_way_for_the_one_before(tmp_path, unbroken):
    run = cut_off(tmp_path)
    newest, older = run.run.states
    made = run.keeper._made
    assert {name.split("/")[0] for name in made} == {"models", "pictures"}
    newest.write_bytes(newest.read_bytes()[:-1])
    again = Training(params(tmp_path, "plain"), tmp_path / "run")
    assert f"not used: {newest} is damaged" in again.said[0]
    assert again.said[1] == "resuming after step 10 of 20"
    assert not newest.exists()
    assert older.exists()
    assert again.go().result() == unbroken("plain")


def test_a_state_whose_pictures_or_checkpoints_are_damaged_is_none(tmp_path, unbroken):
    run = cut_off(tmp_path)
    _, older = run.run.states
    (run.run.pictures / "2.png").write_bytes(b"")
    older.unlink()
    again = Training(params(tmp_path, "plain"), tmp_path / "run")
    assert len(again.said) == 1
    assert "2.png, which belongs to a saved state, is missing or damaged" in again.said[0]
    assert len(again.history) == 0
    assert again.go().result() == unbroken("plain")


def test_what_was_made_after_the_state_goes(tmp_path, unbroken):
    run = cut_off(tmp_path)
    (run.run.models / "epoch-3").mkdir()
    (run.run.models / "epoch-3/half.safetensors").write_text("")
    (run.run.models / "empty").mkdir()
    (run.run.pictures / ".incomplete-3.png").write_text("")
    assert Training(params(tmp_path, "plain"), tmp_path / "run").go().result() == unbroken("plain")


def test_the_newest_two_states_are_kept(tmp_path):
    run = Training(params(tmp_path, "plain"), tmp_path / "run").go()
    assert [state.name[-2:] for state in run.run.states] == ["20", "10"]


def test_a_state_is_saved_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "SAVE_EVERY", 0.0)
    run = Training(params(tmp_path, "plain"), tmp_path / "run")
    saved = []
    save = run.keeper.save
    monkeypatch.setattr(run.keeper, "save", lambda: (saved.append(len(run.history)), save()))
    run.go()
    assert sorted(set(saved)) == list(range(1, 21))


def test_a_page_about_a_failure_is_back_though_a_kill_left_half_of_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Training(params(tmp_path, "plain"), tmp_path / "run")
    run.supervisor._setup.params.train.__dict__["on_failure"] = "warn"
    run.supervisor.look(1, np.full(run.history.measures.shape[1], np.nan, np.float32))
    run.keeper.save()
    page = paths.failure("mnist")
    content = page.read_bytes()
    with whole_file(page) as scratch:
        left = scratch
        scratch.write_bytes(b"")
    left.write_bytes(b"half of it")
    page.unlink()
    Training(params(tmp_path, "plain"), tmp_path / "run")
    assert page.read_bytes() == content


def test_a_page_about_a_failure_after_the_state_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Training(params(tmp_path, "plain"), tmp_path / "run")
    run.supervisor._setup.params.train.__dict__["on_failure"] = "warn"
    run.supervisor.look(1, np.ones(run.history.measures.shape[1], np.float32))
    run.keeper.save()
    run.supervisor.look(2, np.full(run.history.measures.shape[1], np.nan, np.float32))
    run.keeper.save()
    newest, _ = run.run.states
    newest.unlink()
    paths.failure("mnist").unlink()
    again = Training(params(tmp_path, "plain"), tmp_path / "run")
    assert again.supervisor.failures == 0
    assert not paths.failure("mnist").exists()
    assert list(again.run.pages.iterdir()) == []


def test_verdicts_that_were_told_are_not_told_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Training(params(tmp_path, "plain"), tmp_path / "run")
    row = np.full(run.history.measures.shape[1], np.nan, np.float32)
    run.supervisor._setup.params.train.__dict__["on_failure"] = "warn"
    run.supervisor.look(1, row)
    run.supervisor._watch.meter.last = 0.1
    page = paths.failure("mnist")
    written = page.read_bytes()
    for _ in range(2):
        run.keeper.save()
    page.unlink()
    page.write_text("of another run")
    run.keeper.save()
    page.unlink()  # as the stage does first
    again = Training(params(tmp_path, "plain"), tmp_path / "run")
    assert page.read_bytes() == written
    assert again.supervisor.state() == run.supervisor.state()
    assert again.supervisor.state()["told"][0]["name"] == "diverged"
    assert again.supervisor._watch.meter.last == 0.1
