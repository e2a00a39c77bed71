import json

import numpy as np
import pytest
import yaml
from PIL import Image

from stages.gan.common import paths
from stages.gan.common.files import read_csv
from stages.gan.common.unfinished import Run
from stages.gan.data import prepared
from stages.gan.trained import checkpoints, choice
from stages.gan.training import results
from stages.gan.training.history import History
from tests.helpers.project import ROOT
from tests.helpers.training.runs import set_up, small

VERDICT = {"name": "still learning"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of 3 epochs of 5 steps, its folder, and its history, trained to the end."""
    monkeypatch.chdir(tmp_path)
    setup = set_up(small(tmp_path, epochs=3, max_steps=None, checkpoint_every=2))
    kept = Run(tmp_path / "kept")
    for part in (kept.models, kept.pictures):
        part.mkdir(parents=True)
    history = History()
    saved = []
    for epoch in setup.epochs(history.add_step, 0, np.empty((0, 7), np.float32)):
        history.add_epoch(epoch)
        saved.append(results.keep_epoch(setup, kept, history, epoch))
    return setup, kept, history, saved


def test_a_checkpoint_is_saved_when_due_and_at_the_end(run):
    _, kept, _, saved = run
    assert saved == [False, True, True]
    names = {checkpoints.epoch_name(2), checkpoints.FINAL}
    assert {folder.name for folder in kept.models.iterdir()} == names
    assert checkpoints.load(kept.models / checkpoints.FINAL).step == 15


def test_each_epoch_is_drawn(run):
    setup, kept, history, _ = run
    assert history.epoch_numbers == [1, 2, 3]
    assert {file.name for file in kept.pictures.iterdir()} == {"1.png", "2.png", "3.png"}
    assert len(setup.codes) == 25


def test_without_a_quick_score_there_is_no_file_of_it(run, tmp_path, monkeypatch):
    setup, kept, history, _ = run
    monkeypatch.setattr(prepared, "description", lambda _: {"source": "", "bundled": False})
    results.publish(setup, kept, history, VERDICT, 1.5)
    assert not list(tmp_path.rglob(paths.QUICK_SCORES))


def test_each_epoch_is_scored_by_the_averaged_weights_and_the_best_can_be_chosen(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    changes = {"epochs": 4, "max_steps": None, "checkpoint_every": 1, "ema": 0.5, "quick_score": 8}
    setup = set_up(small(tmp_path, **changes))
    kept = Run(tmp_path / "kept")
    for part in (kept.models, kept.pictures):
        part.mkdir(parents=True)
    history, expected = History(), []
    for epoch in setup.epochs(history.add_step, 0, np.empty((0, 7), np.float32)):
        history.add_epoch(epoch)
        results.keep_epoch(setup, kept, history, epoch)
        expected.append(setup.quick.of(setup.players.shown))
        assert setup.quick.of(setup.players.generator) != expected[-1]
    monkeypatch.setattr(prepared, "description", lambda _: {"source": "", "bundled": False})
    results.publish(setup, kept, history, VERDICT, 1.5)
    models = paths.models("mnist")
    rows = read_csv(models / paths.QUICK_SCORES, "epoch", "score")
    assert [row["score"] for row in rows] == expected
    # Beside the pictures it would belong to no out of DVC, and would outlive its run.
    assert list(tmp_path.rglob(paths.QUICK_SCORES)) == [tmp_path / models / paths.QUICK_SCORES]
    best = choice.load(models, "best")
    assert best.epoch == 1 + int(np.argmin(expected))
    assert choice.load(models, "last").epoch == 4


def test_what_is_published_is_what_was_kept(run, tmp_path, monkeypatch):
    setup, kept, history, _ = run
    about = {"source": "a folder", "bundled": False}
    monkeypatch.setattr(prepared, "description", lambda folder: about)
    results.publish(setup, kept, history, VERDICT, 1.5)
    drawn = paths.training_pictures("mnist") / paths.EPOCHS
    for made, there in ((kept.models, paths.models("mnist")), (kept.pictures, drawn)):
        for file in made.rglob("*.*"):
            assert (there / file.relative_to(made)).read_bytes() == file.read_bytes()
    summary = json.loads((paths.metrics("mnist") / "train.json").read_text())
    assert summary["steps"] == 15
    assert summary["epochs"] == 3
    assert (summary["verdict"], summary["real_diversity"]) == ("still learning", 1.5)
    assert (summary["data"], summary["bundled_data"]) == ("a folder", False)
    assert summary["went_on_from"] is None
    with Image.open(paths.training_pictures("mnist") / "animation.gif") as film:
        assert film.n_frames == 3
    assert json.loads((paths.training_pictures("mnist") / "verdict.json").read_text()) == VERDICT
    # What dvc.lock will have, so that what is kept can be removed then.
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]["train"]["do"]
    listed = [*stage["outs"], *stage["metrics"], *stage["plots"]]
    outs = [out if isinstance(out, str) else next(iter(out)) for out in listed]
    assert sorted(kept.results) == sorted(out.replace("${key}", "mnist") for out in outs)
