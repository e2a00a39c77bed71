import numpy as np
import pytest

from stages.gan.trained import checkpoints, states
from stages.gan.trained.averaging import Average, profiles, snapshots
from stages.gan.trained.averaging.snapshots import Recorder, combine
from tests.helpers.data import message_of
from tests.helpers.training.runs import set_up, small
from tests.helpers.training.steps import make

DIRECT = (0.03, 0.075, 0.15, 0.2)


def trained(folder, steps=120, count=12, lengths=DIRECT):
    """Train a small run to its end; its final checkpoint, and averages of it made directly."""
    params = small(
        folder,
        epochs=steps,
        max_steps=steps,
        average_snapshots=count,
        learning_rate=0.01,
        latents="fresh",
    )
    setup = set_up(params)
    direct = {
        length: Average(
            setup.players.generator, power=profiles.gamma(length) + 1, prefix=f"direct_{length}"
        )
        for length in lengths
    }
    updates = [average.compiled() for average in direct.values()]

    def look(step, row):
        for update in updates:
            update()
        if setup.players.recorder.is_due(step):
            setup.players.recorder.save(folder / "run", step, step)

    for _ in setup.epochs(look, 0, np.empty((0, 7), np.float32)):
        pass
    setup.players.save(folder / "run/final", 1, steps)
    return checkpoints.load(folder / "run"), direct


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("run"))


def test_an_average_of_any_length_is_nearly_the_one_made_during_the_run(run):
    checkpoint, direct = run
    for combined in combine(checkpoint, DIRECT):
        average = direct[combined.length]
        assert combined.error < 0.12
        for weight, value in zip(average.weights, average.averages, strict=True):
            last, wanted = weight.asnumpy(), value.asnumpy()
            found = combined.weights[weight.name]
            # Beside the distance between the average and the weights of the last step.
            distance = np.abs(wanted - last).mean()
            assert np.abs(found - wanted).mean() < 0.12 * distance + 1e-6, weight.name


def test_the_stored_lengths_come_back_as_they_were_stored(run):
    checkpoint, _ = run
    arrays, about = states.read(sorted((checkpoint.folder.parent / "averages").iterdir())[-1])
    assert about == {"step": 120, "updates": 120, "lengths": [0.05, 0.1]}
    for combined in combine(checkpoint, snapshots.LENGTHS):
        assert combined.error == pytest.approx(0, abs=1e-6)
        for name, value in combined.weights.items():
            np.testing.assert_allclose(
                value, arrays[f"{combined.length}/{name}"], rtol=1e-4, atol=1e-5
            )


def test_it_becomes_the_average_of_a_checkpoint(run, tmp_path):
    checkpoint, _ = run
    (combined,) = combine(checkpoint, [0.15])
    (tmp_path / "copy").mkdir()
    checkpoint.copy_with(combined.as_average(checkpoint), tmp_path / "copy")
    copy = checkpoints.load(tmp_path / "copy")
    assert (copy.averaged, copy.epoch, copy.step) == (True, 1, 120)
    for parameter in copy.networks()[0].get_parameters():
        np.testing.assert_array_equal(parameter.asnumpy(), combined.weights[parameter.name])
    average = Average(copy.networks()[0])
    copy.restore_average(average)
    assert average.updates.asnumpy().tolist() == [120]
    for name in ("generator", "discriminator", "optimizers"):
        files = [each.folder / f"{name}.safetensors" for each in (checkpoint, copy)]
        assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("steps", "count", "updates", "stored"),
    [
        (1, 4, [1], [1]),
        (3, 2, [1, 2, 3], [2, 3]),
        (10, 5, list(range(1, 11)), [2, 4, 6, 8, 10]),
        (35, 3, list(range(2, 36, 3)), [11, 23, 35]),
        (40, 2, [4, 8, 12, 16, 20, 24, 28, 32, 36, 40], [20, 40]),
    ],
)
def test_updates_are_evenly_spaced_and_end_with_the_run(monkeypatch, steps, count, updates, stored):
    monkeypatch.setattr(snapshots, "UPDATES", 10)
    recorder = Recorder(make("mlp")[0][0], steps, count)
    due, done = [], 0
    found = []
    for step in range(1, steps + 1):
        recorder.follow(step)
        now = int(recorder.state[-1].asnumpy()[0])
        if now > done:
            found.append(step)
        done = now
        if recorder.is_due(step):
            due.append(step)
    assert found == updates
    assert due == stored


def test_recording_changes_nothing_in_the_training(tmp_path, run):
    setup = set_up(small(tmp_path, epochs=120, max_steps=120, learning_rate=0.01, latents="fresh"))
    for _ in setup.epochs(lambda step, row: None, 0, np.empty((0, 7), np.float32)):
        pass
    setup.players.save(tmp_path / "plain", 1, 120)
    for name in ("generator", "discriminator", "optimizers"):
        files = [folder / f"{name}.safetensors" for folder in (tmp_path / "plain", run[0].folder)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_what_is_missing_or_wrong_is_named(tmp_path):
    checkpoint, _ = trained(tmp_path, steps=10, count=2, lengths=())
    folder = tmp_path / "run/averages"
    first, last = sorted(folder.iterdir())
    assert [file.name for file in (first, last)] == ["00000005.state", "00000010.state"]
    assert "the length is 0.5: valid is" in message_of(combine, checkpoint, [0.1, 0.5])

    arrays, about = states.read(last)
    content = last.read_bytes()
    last.write_bytes(content[:-1])
    assert f"{last} is damaged" in message_of(combine, checkpoint, [0.1])
    for changed in ({"lengths": [0.05]}, {"updates": 0}, {"step": "10"}):
        states.write(last, arrays, {**about, **changed})
        assert f"{last} is no snapshot of averages" in message_of(combine, checkpoint, [0.1])
    name, value = next(iter(arrays.items()))
    for other in (None, value[:1], value.astype(np.float64)):
        fewer = {key: array for key, array in arrays.items() if key != name}
        states.write(last, fewer if other is None else {**arrays, name: other}, about)
        text = message_of(combine, checkpoint, [0.1])
        assert text == f"{last} does not fit the networks: {name} differs"

    last.unlink()
    assert "no snapshot at step 10 of " in message_of(combine, checkpoint, [0.1])
    assert message_of(combine, checkpoint, [0.1]).endswith("after the steps 5")
    first.unlink()
    assert "train.average_snapshots of 1 or more" in message_of(combine, checkpoint, [0.1])


def test_an_earlier_checkpoint_uses_the_snapshots_up_to_it(run, tmp_path):
    checkpoint, _ = run
    description = checkpoint.description
    earlier = checkpoints.Checkpoint(checkpoint.folder, 1, 60, description)
    (combined,) = combine(earlier, [0.1])
    arrays, about = states.read(checkpoint.folder.parent / "averages/00000060.state")
    assert about["step"] == 60
    for name, value in combined.weights.items():
        np.testing.assert_allclose(value, arrays[f"0.1/{name}"], rtol=1e-4, atol=1e-5)


def test_a_running_variance_is_never_below_0(run):
    checkpoint, _ = run
    names = [p.name for p in checkpoint.networks()[0].get_parameters() if "variance" in p.name]
    assert names
    for combined in combine(checkpoint, [0.01, 0.02]):
        assert all((combined.weights[name] >= 0).all() for name in names)
