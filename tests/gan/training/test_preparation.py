import numpy as np
import pytest
from mindspore import Tensor, int32

from stages.gan.common import paths
from stages.gan.data import prepared
from stages.gan.trained import checkpoints
from stages.gan.training import assembly, preparation
from tests.helpers.data import message_of
from tests.helpers.training.runs import set_up, small, split


def test_the_lines_before_the_first_step(tmp_path):
    setup = set_up(small(tmp_path, epochs=3, max_steps=7, ema=0.5, discriminator_steps=2))
    first, average, *_ = setup.about()
    assert first == "mnist: 6 steps of 16 images; the first step takes longer, because it compiles"
    assert "moving average (EMA) of the generator's weights, decay 0.5" in average


def test_an_average_of_an_earlier_version_begins_anew(tmp_path):
    params = small(tmp_path, ema=0.9)
    players = assembly.assemble(params, split(), 10)
    age = players.average.updates
    for name, count, is_old in (("new", 3, False), ("old", 0, True)):
        age.set_data(Tensor([count], int32))
        trained = players.trained
        if is_old:  # a count of 0 was not written
            trained["average"] = list(players.average.averages)
        checkpoints.save(tmp_path / name, players.description, trained, 1, 3)
        start = checkpoints.load(tmp_path / name)
        setup = set_up(small(tmp_path, ema=0.9, init_from=str(tmp_path / name)), start)
        assert setup.players.average.updates.asnumpy().tolist() == [count]
        lines = [line for line in setup.about() if "begins anew" in line]
        assert len(lines) == int(is_old)
        assert all(line.startswith(f"{tmp_path / name}: ") for line in lines)


def test_prepare_plans_the_run_of_the_prepared_data(tmp_path, monkeypatch):
    params = small(tmp_path, epochs=2, max_steps=None)
    wanted = set_up(params)
    monkeypatch.setattr(prepared, "load", lambda folder, name: wanted.data)
    folder = tmp_path / paths.prepared("mnist")
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    setup = preparation.prepare("mnist", params)
    assert (setup.total, setup.last_step, setup.start) == (10, 10, None)
    assert setup.codes.shape == (25, 6)
    assert setup.fingerprint == preparation.fingerprint_of(params, paths.prepared("mnist"))
    ours, theirs = (checkpoints.values(one.players.trained["generator"]) for one in (setup, wanted))
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_checkpoint_of_other_networks_is_named(tmp_path):
    players = assembly.assemble(small(tmp_path), split(), 10)
    players.save(tmp_path / "saved", epoch=1, step=3)
    other = assembly.describe(small(tmp_path, generator__activation="elu"), split())
    text = message_of(preparation.starting_checkpoint, str(tmp_path / "saved"), other)
    assert "generator_activation 'relu', but the params ask for 'elu'" in text
    assert preparation.starting_checkpoint(None, other) is None


@pytest.mark.parametrize(("steps", "largest"), [(1, 7), (3, 2)])
def test_too_few_images_are_named(tmp_path, steps, largest):
    settings = small(tmp_path, discriminator_steps=steps).train
    text = message_of(preparation.plan_of, "mnist", settings, 7)
    assert f"batch_size is 8, but there are only 7 training images. A step takes {steps}" in text
    assert text.endswith(f"valid is 2 to {largest}")


def test_no_more_than_half_the_images_can_be_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "load", lambda folder, name: split(40))
    message = message_of(preparation.prepare, "mnist", small(tmp_path, quick_score=21))
    assert message == (
        "mnist.train.quick_score is 21, but there are only 40 training images: valid is 0 to 20"
    )


@pytest.mark.parametrize(("count", "steps", "fewest"), [(0, 1, 2), (1, 1, 2), (7, 4, 8)])
def test_too_few_images_for_any_batch_size_say_how_many_are_needed(tmp_path, count, steps, fewest):
    settings = small(tmp_path, discriminator_steps=steps).train
    text = message_of(preparation.plan_of, "mnist", settings, count)
    assert text.startswith(f"too few images to train on: mnist has {count}. ")
    assert text.endswith(f"valid is {fewest} images or more")
    smallest = settings.model_copy(update={"batch_size": 2})
    assert preparation.plan_of("mnist", smallest, fewest)


def test_a_run_has_the_same_name_whatever_the_terminal_speaks(tmp_path, monkeypatch):
    params = small(tmp_path)
    english = preparation.fingerprint_of(params, tmp_path)
    monkeypatch.setenv("GAN_LANGUAGE", "zh")
    assert preparation.fingerprint_of(params, tmp_path) == english
    first, *_ = set_up(params).about()
    assert first.startswith("mnist: 共")
