import json

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file

from benchmarks.scores import runs, tables, twin
from benchmarks.scores.pictures import picture
from benchmarks.scores.runs import Run
from stages.gan import params
from stages.gan.common import paths
from stages.gan.evaluation import scoring
from tests.helpers.data import load_params
from tests.helpers.project import ROOT, lecture_params


def test_a_name_says_what_is_run(tmp_path):
    run = Run.named(tmp_path, "mnist:lecture:50:3")
    assert (run.dataset, run.recipe, run.length, run.seed) == ("mnist", "lecture", "50", 3)
    assert run.name == "mnist:lecture:50:3"
    assert run.spoken_length == "50 epochs"
    assert run.folder == tmp_path / "mnist-lecture-50-3"
    assert Run.named(tmp_path, "faces:pytorch:300s:1").spoken_length == "300 steps"


@pytest.mark.parametrize("name", ["mnist", "mnist:lecture:50", "mnist:lecture:x:1", "a:b:1:c"])
def test_another_name_is_refused(tmp_path, name):
    with pytest.raises(SystemExit, match="valid is DATASET:RECIPE:LENGTH:SEED"):
        Run.named(tmp_path, name)


def test_params_are_the_shipped_ones_with_recipe_length_and_seed(tmp_path):
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text())
    changed = {"epochs": 50, "max_steps": None, "seed": 3, "on_failure": "warn"}
    for recipe in ("lecture", "pytorch"):
        content = Run.named(tmp_path, f"mnist:{recipe}:50:3").params()
        assert content["mnist"]["train"] == {**lecture_params()["mnist"]["train"], **changed}
        assert {**content, "mnist": 0} == {**shipped, "mnist": 0}
    content = Run.named(tmp_path, "mnist:mnist-dcgan:700s:1").params()
    assert content["datasets"]["mnist"]["network"] == "dcgan"
    assert content["mnist"]["train"]["max_steps"] == 700
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    assert params.load(tmp_path / "params.yaml", "mnist").train.seed == 1
    ours, theirs = (Run.named(tmp_path, f"mnist:{p}mnist-mixed:21:1") for p in ("", "pytorch-"))
    assert (ours.is_twin, theirs.is_twin) == (False, True)
    assert ours.params() == theirs.params()


def test_a_recipe_of_other_data_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="recipe mnist-dcgan is one of mnist"):
        Run.named(tmp_path, "faces:mnist-dcgan:1:1").params()


def score(home, name, value):
    """A folder as of a finished run, each of its scores the same."""
    run = Run.named(home, name)
    metrics = run.folder / paths.metrics(run.dataset)
    metrics.mkdir(parents=True)
    (run.folder / paths.PARAMS).write_text("{}")
    one = {"value": value, "error": 0.1, "floor": 0.5, "floor_error": 0.1}
    content = {
        "samples": 9,
        "judge": {"sha256": "x"},
        "quality": dict.fromkeys(scoring.QUALITY, one),
        "critic": dict.fromkeys(scoring.CRITIC, one),
        "bce": {"discriminator": {"value": 1.0}},
    }
    (metrics / "scores.json").write_text(json.dumps(content))
    return run


def test_the_table_has_means_and_spreads_over_seeds(tmp_path):
    for seed, value in ((1, 1.0), (2, 2.0), (3, 3.0)):
        score(tmp_path, f"mnist:mnist-dcgan:50:{seed}", value)
    score(tmp_path, "mnist:lecture:50:1", 7.0)
    score(tmp_path, "faces:lecture:300s:1", 8.0)
    score(tmp_path, "faces:few:300s:1", None)
    (tmp_path / "mnist-data").mkdir()
    found = runs.finished(tmp_path)
    assert [run.name for run in found][:2] == ["faces:few:300s:1", "faces:lecture:300s:1"]
    results = {run.name: tables.scores_of(run) for run in found}
    assert set(results["mnist:lecture:50:1"]["scores"]) == {*scoring.QUALITY, *scoring.CRITIC}
    lines = tables.table(results).splitlines()
    columns = len(tables.COLUMNS)
    assert f"| mnist-dcgan, 50 epochs | 3 {'| 2 ± 1 ' * columns}|" in lines
    assert f"| lecture, 50 epochs | 1 {'| 7 ' * columns}|" in lines
    assert f"| few, 300 steps | 1 {'| - ' * columns}|" in lines
    assert lines.count(f"| real images | {'| 0.5 ' * columns}|") == 2
    assert lines.count("Judge x:") == 2


def test_what_other_judges_have_seen_stands_in_another_table(tmp_path):
    results = {}
    for seed, judge in ((1, "a" * 64), (2, "b" * 64), (3, "b" * 64)):
        run = score(tmp_path, f"mnist:lecture:50:{seed}", 1.0)
        results[run.name] = {**tables.scores_of(run), "judge": {"sha256": judge}}
    lines = tables.table(results).splitlines()
    heads = [number for number, line in enumerate(lines) if line.startswith("Judge")]
    assert [lines[number] for number in heads] == ["Judge aaaaaaaa:", "Judge bbbbbbbb:"]
    counts = [line.split(" | ")[1] for line in lines if line.startswith("| lecture")]
    assert counts == ["1", "2"]


def test_the_picture_shows_all_side_by_side(tmp_path):
    shown = []
    for number, name in enumerate(("mnist:lecture:5:1", "mnist:pytorch:5:1")):
        run = Run.named(tmp_path, name)
        folder = run.folder / paths.evaluation_pictures("mnist")
        folder.mkdir(parents=True)
        for file, level in (("real.png", 10), ("generated.png", 100 + number)):
            Image.new("L", (40, 40), level).save(folder / file)
        shown.append(run)
    picture(shown, tmp_path / "all.png")
    pixels = np.asarray(Image.open(tmp_path / "all.png").convert("L"))
    assert [pixels[180, x] for x in (160, 488, 816)] == [10, 100, 101]


def make_project(tmp_path, network):
    """A folder with tiny params and prepared data."""
    content = lecture_params()
    content["datasets"]["mnist"]["network"] = network
    section = content["mnist"]
    section["download"]["sources"] = ["bundled:digits"]
    section["preprocess"]["maximum_images"] = 64
    section["train"].update(epochs=1, max_steps=3, batch_size=16, on_failure="warn")
    widths = [16, 24] if network == "mlp" else [16, 16]
    others = {"widths": widths, "batch_norm": network != "mlp"}
    if network == "mixed":
        section["train"].update(ema=0.9, discriminator_learning_rate=0.0004)
        widths, others["widths"] = [24, 16, 8], [8, 16, 24]
    section["train"]["generator"]["widths"] = widths
    section["train"]["discriminator"].update(others)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
    for stage in ("download", "preprocess"):
        runs.call(tmp_path, f"stages.{stage}", "mnist")


def weights(folder):
    """Of both networks."""
    return {
        f"{player}/{name}": values
        for player in ("generator", "discriminator")
        for name, values in load_file(folder / f"{player}.safetensors").items()
    }


@pytest.mark.parametrize("network", ["mlp", "dcgan", "mixed"])
def test_the_twin_follows_our_training_and_leaves_a_checkpoint(tmp_path, network):
    pytest.importorskip("torch")
    make_project(tmp_path, network)
    final = tmp_path / "models/mnist/checkpoints/final"
    found = {}
    for steps in (1, 3):
        content = yaml.safe_load((tmp_path / "params.yaml").read_text())
        content["mnist"]["train"]["max_steps"] = steps
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        for module in ("stages.train", "benchmarks.scores.twin"):
            runs.call(tmp_path, module, "mnist")
            found[module, steps] = weights(final)
            if network == "mixed":
                found[module, "average"] = load_file(final / "average.safetensors")
    ours, theirs = (
        {name: found[module, 3][name] - found[module, 1][name] for name in found[module, 3]}
        for module in ("stages.train", "benchmarks.scores.twin")
    )
    assert ours.keys() == theirs.keys()
    for name, moved in ours.items():
        other = theirs[name]
        # Adam's steps hang on signs: what hardly has a gradient may go another way.
        alike = (moved * other).sum() / np.sqrt((moved**2).sum() * (other**2).sum())
        # Two steps lie between; what has a gradient of its own moves further than one rate.
        rate = 4e-4 if (network, name[:4]) == ("mixed", "disc") else 2e-4
        if name.endswith("bias") and np.abs(moved).max() < rate:
            # One that batch norm takes away again: its gradient is rounding.
            assert np.abs(other).max() < rate, name
            continue
        assert np.abs(moved).max() > rate, name
        assert alike > 0.98, name
        assert np.abs(other).max() == pytest.approx(np.abs(moved).max(), rel=0.1), name
    if network == "mixed":
        ours, theirs = (
            found[module, "average"] for module in ("stages.train", "benchmarks.scores.twin")
        )
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_allclose(theirs[name], values, atol=4e-4, err_msg=name)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("average_snapshots", 4),
        ("schedule__kind", "cosine"),
        ("loss_options__label_smoothing", 0.1),
        ("loss", "hinge"),
        ("generator__activation", "tanh"),
        ("discriminator__spectral_norm", True),
        ("augmentation", ["cutout"]),
    ],
)
def test_the_twin_refuses_what_it_has_not(tmp_path, key, value):
    loaded = load_params(tmp_path, "mnist", **{f"mnist__train__{key}": value})
    with pytest.raises(SystemExit, match=rf"^train\.{key.replace('__', '.')} is "):
        twin.refuse_what_it_has_not(loaded)


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_the_twin_has_the_lectures_recipes(tmp_path, dataset):
    twin.refuse_what_it_has_not(load_params(tmp_path, dataset))


def test_a_run_of_other_params_is_not_taken_for_this_one(tmp_path):
    run = Run.named(tmp_path, "mnist:lecture:50:1")
    run.folder.mkdir()
    (run.folder / paths.PARAMS).write_text("mnist: {}\n")
    with pytest.raises(SystemExit, match="other params than this run"):
        run.finish({})


def test_data_are_made_once_with_the_shipped_params(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(runs, "call", lambda folder, module, dataset: called.append(module))
    run = Run.named(tmp_path, "mnist:mnist-dcgan:5:1")
    run._data({"mnist": "bundled:digits"})
    made = yaml.safe_load((tmp_path / "mnist-data/params.yaml").read_text())
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert made["mnist"]["download"]["sources"] == ["bundled:digits"]
    made["mnist"]["download"] = shipped["mnist"]["download"]
    assert made == shipped
    assert called == ["stages.download", "stages.preprocess", "stages.judge"]
