import numpy as np
import pytest
from mindspore import Tensor

from stages.gan.data.prepared import Split
from stages.gan.training.loop import Epoch, Plan, train
from stages.gan.training.ranks.group import Group
from stages.gan.training.step import MEANS
from stages.gan.training.step.gradients import DUE, NOT_DUE
from stages.gan.training.step.measures import MEASURES


def data(count: int = 20) -> Split:
    draw = np.random.default_rng(0)
    images = draw.uniform(-1, 1, (count, 1, 2, 2)).astype(np.float16)
    return Split(images, draw.standard_normal((count, 3)).astype(np.float32), None)


class Recorder:
    """Stands for a step; remembers what it was given."""

    def __init__(self):
        self.images, self.latents, self.noise, self.named = [], [], [], []

    def __call__(self, images, latents, noise=None, **named):
        self.noise.append(noise)
        self.named.append(named)
        self.images.append(images.asnumpy().copy())
        self.latents.append(latents.asnumpy().copy())
        return tuple(Tensor(np.float32(len(self.images) + i)) for i in range(len(MEANS)))


def plan(**changes) -> Plan:
    values = {
        "epochs": 3, "max_steps": None, "batch_size": 8, "attached_latents": True, "seed": 5
    }  # fmt: skip
    return Plan(**{**values, **changes})


def test_an_epoch_shows_each_image_at_most_once_in_a_new_order_without_the_last_batch():
    recorder = Recorder()
    epochs = list(train(recorder, data(), plan()))
    assert [len(e.measures) for e in epochs] == [2, 2, 2]
    assert [e.first_step for e in epochs] == [1, 3, 5]
    source = {image.tobytes(): i for i, image in enumerate(data().images.astype(np.float32))}
    orders = []
    for start in (0, 2, 4):
        shown = np.concatenate(recorder.images[start : start + 2])
        orders.append([source[image.tobytes()] for image in shown])
    assert all(len(set(order)) == 16 for order in orders)
    assert orders[0] != orders[1]
    # each image comes with the code that is attached to it
    for start, order in zip((0, 2, 4), orders, strict=True):
        latents = np.concatenate(recorder.latents[start : start + 2])
        assert (latents == data().latents[order]).all()


def test_fresh_latents_differ_each_step_and_repeat_with_the_seed():
    first, second = Recorder(), Recorder()
    for recorder in (first, second):
        list(train(recorder, data(), plan(attached_latents=False)))
    assert all((a == b).all() for a, b in zip(first.latents, second.latents, strict=True))
    assert len({latents.tobytes() for latents in first.latents}) == 6


def test_max_steps_ends_within_an_epoch():
    epochs = list(train(Recorder(), data(), plan(max_steps=3)))
    assert [len(e.measures) for e in epochs] == [2, 1]


def test_going_on_draws_what_an_unbroken_run_would_draw():
    whole, rest = Recorder(), Recorder()
    list(train(whole, data(), plan(attached_latents=False)))
    list(train(rest, data(), plan(attached_latents=False, epochs=1, first_epoch=3, first_step=5)))
    assert (whole.images[4] == rest.images[0]).all()
    assert (whole.latents[5] == rest.latents[1]).all()


def test_an_epochs_means_are_over_the_steps_in_which_a_measure_was_taken():
    measures = np.full((2, len(MEASURES)), np.nan, np.float32)
    measures[:, : len(MEANS)] = np.arange(8).reshape(2, 4)
    measures[1, -1] = 0.5
    means = Epoch(1, 1, measures).means()
    assert [means[name] for name in MEANS] == [2, 3, 4, 5]
    assert means["diversity"] == 0.5
    assert np.isnan(means["generator_gradient"])
    measures[0, 0] = np.nan  # a loss that is no number is not left out
    assert np.isnan(Epoch(1, 1, measures).means()["discriminator_loss"])


def test_the_mean_of_minus_zero_is_minus_zero():
    measures = np.full((3, len(MEASURES)), -0.0, np.float32)
    assert f"{Epoch(1, 1, measures).means()['generator_loss']:.6f}" == "-0.000000"


def test_a_watched_step_is_told_when_gradients_are_due():
    told = []

    def step(images, latents, due):
        told.append(due)
        return tuple(Tensor(np.float32(i)) for i in range(6))

    rows = []
    settings = plan(
        epochs=12, watched=True, on_step=lambda number, row: rows.append((number, row.copy()))
    )
    list(train(step, data(), settings))
    assert [index + 1 for index, due in enumerate(told) if due is DUE] == [10, 20]
    assert all(due is DUE or due is NOT_DUE for due in told)
    assert [number for number, _ in rows] == list(range(1, 25))
    assert rows[9][1][:6].tolist() == [0, 1, 2, 3, 4, 5]
    assert rows[0][1][:4].tolist() == [0, 1, 2, 3]
    assert np.isnan(rows[0][1][4:]).all()  # not fetched where it is not due
    assert np.isnan(rows[9][1][6])


def test_what_is_filled_in_after_a_step_is_kept():
    def on_step(step, row):
        row[-1] = step

    epochs = list(train(Recorder(), data(), plan(epochs=2, on_step=on_step)))
    assert [epoch.measures[:, -1].tolist() for epoch in epochs] == [[1, 2], [3, 4]]


def test_what_is_raised_after_a_step_ends_the_run():
    recorder = Recorder()

    def on_step(step, row):
        if step == 3:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        list(train(recorder, data(), plan(on_step=on_step)))
    assert len(recorder.images) == 3


def test_several_updates_of_the_discriminator_take_a_batch_each():
    """Three updates a step are three of the recipe's discriminator, then one generator's."""
    extra, last = Recorder(), Recorder()
    settings = plan(epochs=1, batch_size=3, discriminator_steps=3, attached_latents=False)
    (epoch,) = train(last, data(), settings, extra)
    assert len(epoch.measures) == len(last.images) == 2  # of 9 images each, 2 of 20 left over
    assert len(extra.images) == 4
    order = [*extra.images[:2], last.images[0], *extra.images[2:], last.images[1]]
    shown = [image.tobytes() for images in order for image in images]
    assert len(set(shown)) == 18
    codes = [*extra.latents, *last.latents]
    assert len({c.tobytes() for part in codes for c in part}) == 18
    single = Recorder()
    list(train(single, data(), plan(epochs=1, batch_size=9, attached_latents=False)))
    assert (np.concatenate(order[:3]) == single.images[0]).all()


def test_the_noise_has_the_planned_deviation_and_repeats_after_a_break():
    count, level = 400, 0.5
    images = np.zeros((count, 1, 4, 4), np.float16)
    blank = Split(images, np.zeros((count, 3), np.float32), None)
    settings = plan(epochs=5, batch_size=count // 2, instance_noise=level)
    whole = Recorder()
    list(train(whole, blank, settings))
    expected = level * (1 - np.arange(10) / 9)  # 2 steps an epoch
    for seen in (whole.images, [noise.asnumpy() for noise in whole.noise]):
        np.testing.assert_allclose([values.std() for values in seen], expected, rtol=0.05)
        assert (seen[-1] == 0).all()
    real, fake = whole.images[0], whole.noise[0].asnumpy()
    assert abs(np.corrcoef(real.ravel(), fake.ravel())[0, 1]) < 0.05
    rest = Recorder()
    later = plan(epochs=3, batch_size=count // 2, instance_noise=level, first_epoch=3, first_step=5)
    list(train(rest, blank, later))
    assert all((a == b).all() for a, b in zip(rest.images, whole.images[4:], strict=True))
    for a, b in zip(rest.noise, whole.noise[4:], strict=True):
        assert (a.asnumpy() == b.asnumpy()).all()


def test_what_changes_images_is_drawn_for_real_and_fake_and_repeats_after_a_break():
    settings = plan(augmentation=("translation", "cutout"))
    whole = Recorder()
    list(train(whole, data(), settings))
    side = data().images.shape[-1]
    for named in whole.named:
        shapes = {name: tensor.shape for name, tensor in named.items()}
        square = (16, side, side)
        assert shapes == {"rows": square, "columns": square, "keep": (16, 1, side, side)}
    cuts = [named["keep"].asnumpy() for named in whole.named]
    assert not (cuts[0][:8] == cuts[0][8:]).all()
    assert not (cuts[0] == cuts[1]).all()
    rest = Recorder()
    list(train(rest, data(), plan(augmentation=("cutout",), epochs=2, first_epoch=2, first_step=3)))
    for named, cut in zip(rest.named, cuts[2:], strict=True):
        assert set(named) == {"keep"}
        assert (named["keep"].asnumpy() == cut).all()


def test_without_noise_the_step_is_given_none():
    recorder = Recorder()
    list(train(recorder, data(), plan()))
    assert set(recorder.noise) == {None}


@pytest.mark.parametrize("done", [0, 1, 4, 5, 6, 9, 10, 13, 14])
def test_what_an_earlier_process_did_is_not_done_again(done):
    settings = plan(epochs=3, batch_size=4, max_steps=14)  # 5 steps an epoch
    whole = Recorder()
    epochs = list(train(whole, data(), settings))
    rows = np.concatenate([epoch.measures for epoch in epochs])
    rest = Recorder()
    finished = done // 5
    begun = rows[finished * 5 : done]
    left = list(train(rest, data(), settings, None, finished, begun))
    assert all((a == b).all() for a, b in zip(rest.images, whole.images[done:], strict=True))
    for epoch, expected in zip(left, epochs[finished:], strict=True):
        assert (epoch.number, epoch.first_step) == (expected.number, expected.first_step)
        assert epoch.last_step == expected.last_step
        assert epoch.measures.shape == expected.measures.shape
    if left:
        np.testing.assert_array_equal(left[0].measures[: len(begun)], begun)


def test_ranks_take_the_parts_of_the_batches_that_one_process_would_take():
    changes = {
        "attached_latents": False,
        "discriminator_steps": 2,
        "instance_noise": 0.5,
        "gradient_penalty": True,
        "augmentation": ("color", "cutout"),
        "batch_size": 4,
    }
    whole, parts = Recorder(), [Recorder(), Recorder()]
    list(train(whole, data(), plan(**changes), whole))
    for rank, part in enumerate(parts):
        list(train(part, data(), plan(**changes, group=Group(rank, 2)), part))
    assert len(whole.images) == 12
    for index in range(len(whole.images)):
        for name in ("images", "latents"):
            joined = np.concatenate([getattr(part, name)[index] for part in parts])
            assert (joined == getattr(whole, name)[index]).all()
        noise = [part.noise[index].asnumpy() for part in parts]
        assert (np.concatenate(noise) == whole.noise[index].asnumpy()).all()
        for name, drawn in whole.named[index].items():
            found = [part.named[index][name].asnumpy() for part in parts]
            if name == "mix":
                joined = np.concatenate(found)
            else:  # of real images first, then of generated ones
                joined = np.concatenate([one[:2] for one in found] + [one[2:] for one in found])
            assert (joined == drawn.asnumpy()).all(), name
