import json
import os

import numpy as np
import pytest
from mindspore import Parameter, Tensor
from safetensors.numpy import load_file

from stages.gan import losses, networks
from stages.gan.common.errors import UserError
from stages.gan.trained import checkpoints
from stages.gan.trained.averaging import Average
from stages.gan.training import optimizers
from stages.gan.training.optimizers import adam
from stages.gan.training.optimizers.schedules import Schedule
from stages.gan.training.step import make_step
from tests.helpers.training.network import describe
from tests.helpers.training.steps import batch, optimize


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "models" / checkpoints.FINAL
    description = describe("mlp")
    pair = networks.build(description, seed=4)
    optimizers = tuple(
        adam(network, name, 0.002, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    )
    checkpoints.save(folder, description, checkpoints.parts(*pair, optimizers), epoch=3, step=30)
    return folder, pair


def test_what_was_saved_comes_back(saved):
    folder, pair = saved
    for place in (folder, folder.parent):  # the checkpoint itself, or the models folder
        checkpoint = checkpoints.load(place)
        assert (checkpoint.epoch, checkpoint.step) == (3, 30)
        for old, new in zip(pair, checkpoint.networks(), strict=True):
            assert not new.training
            for a, b in zip(old.get_parameters(), new.get_parameters(), strict=True):
                assert a.name == b.name
                assert (a.asnumpy() == b.asnumpy()).all()


def test_saving_twice_gives_the_same_bytes(saved, tmp_path):
    folder, pair = saved
    optimizers = tuple(
        adam(network, name, 0.002, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    )
    again = tmp_path / "again"
    checkpoints.save(again, describe("mlp"), checkpoints.parts(*pair, optimizers), epoch=3, step=30)
    for file in sorted(folder.iterdir()):
        assert file.read_bytes() == (again / file.name).read_bytes(), file.name


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_files_have_the_mode_that_the_umask_says(saved, tmp_path, umask, mode):
    _, pair = saved
    before = os.umask(umask)
    try:
        parts = checkpoints.parts(*pair, optimize(pair, 0.002))
        checkpoints.save(tmp_path / "again", describe("mlp"), parts, epoch=3, step=30)
    finally:
        os.umask(before)
    files = sorted((tmp_path / "again").iterdir())
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in files} == {
        file.name: oct(mode) for file in files
    }


@pytest.mark.parametrize("name", ["generator", "discriminator", "optimizers"])
def test_a_flipped_byte_is_found(saved, name):
    folder, _ = saved
    file = folder / f"{name}.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}.safetensors is damaged"):
        checkpoints.load(folder)


def test_a_missing_file_is_named(saved):
    folder, _ = saved
    (folder / "optimizers.safetensors").unlink()
    with pytest.raises(UserError, match=r"optimizers.safetensors is missing"):
        checkpoints.load(folder)


def test_no_checkpoint_says_what_is_expected(tmp_path):
    with pytest.raises(UserError, match=r"is no checkpoint: it should hold checkpoint\.json"):
        checkpoints.load(tmp_path)


def test_a_damaged_description_is_named(saved):
    folder, _ = saved
    file = folder / "checkpoint.json"
    about = json.loads(file.read_text())
    del about["epoch"]
    file.write_text(json.dumps(about))
    with pytest.raises(UserError, match=r"checkpoint.json is damaged"):
        checkpoints.load(folder)


def test_weights_of_other_networks_are_refused(saved):
    folder, _ = saved
    other = networks.build(describe("mlp", generator_widths=(9, 12)))
    with pytest.raises(UserError, match="does not fit the networks"):
        checkpoints.load(folder).restore_networks(*other)


def test_adams_moments_come_back(saved):
    folder, pair = saved
    optimizers = tuple(
        adam(network, name, 0.002, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    )
    for optimizer in optimizers:
        for moment in optimizer.moment1:
            moment.set_data(moment.value() + 5)
    checkpoints.load(folder).restore_optimizers(optimizers)
    for optimizer in optimizers:
        assert all((m.asnumpy() == 0).all() for m in optimizer.moment1)
        assert np.isclose(optimizer.beta1_power.asnumpy(), 1.0)


def run(kind, folder, first, last, total=6):
    """Steps first to last - 1 of a run, from the checkpoint of the steps before if any."""
    description = describe("mlp")
    pair = networks.build(description, seed=4)
    rate = Schedule("cosine", warm_up_steps=2, total_steps=total).rate(0.01)
    movers = tuple(
        optimizers.build(
            kind,
            network,
            name,
            rate,
            weight_decay=0.1,
            momentum=0.5 if kind in ("rmsprop", "sgd") else 0.0,
        )
        for name, network in zip(("generator", "discriminator"), pair, strict=True)
    )
    if first:
        start = checkpoints.load(folder / str(first))
        start.restore_networks(*pair)
        start.restore_optimizers(movers)
    step = make_step(*pair, losses.build("bce"), *movers)
    for index in range(first, last):
        draw = np.random.default_rng(index)
        shapes = ((8, *description.image_shape), (8, description.latent_size))
        step(*(Tensor(draw.standard_normal(shape).astype(np.float32)) for shape in shapes))
    checkpoints.save(
        folder / str(last), description, checkpoints.parts(*pair, movers), epoch=1, step=last
    )


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] * (kind not in ("adam", "rmsprop")))
        for kind in optimizers.KINDS
    ],
)
def test_a_continued_run_equals_an_unbroken_one(kind, tmp_path):
    run(kind, tmp_path / "broken", 0, 3)
    run(kind, tmp_path / "broken", 3, 6)
    run(kind, tmp_path / "unbroken", 0, 6)
    for name in ("generator", "discriminator", "optimizers"):
        files = [tmp_path / way / f"6/{name}.safetensors" for way in ("broken", "unbroken")]
        broken, unbroken = map(load_file, files)
        # Each number that differs, so that a failure says where the two runs part.
        apart = {
            array: np.column_stack((broken[array].ravel(), unbroken[array].ravel()))[
                broken[array].ravel() != unbroken[array].ravel()
            ].tolist()
            for array in unbroken
        }
        assert {array: numbers for array, numbers in apart.items() if numbers} == {}
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_checkpoint_of_another_optimizer_is_named(tmp_path):
    run("sgd", tmp_path, 0, 1)
    with pytest.raises(UserError, match=r"does not fit train.optimizer: .* differs"):
        run("adam", tmp_path, 1, 2)


@pytest.mark.parametrize("has_age", [True, False])
def test_the_average_is_saved_beside_the_weights_and_used(tmp_path, has_age):
    description = describe("mlp")
    pair = networks.build(description, seed=4)
    movers = tuple(
        adam(network, name, 0.002, 0.5, 0.999)
        for network, name in zip(pair, ("generator", "discriminator"), strict=True)
    )
    average = Average(pair[0], 0.9)
    for parameter in average.state:
        parameter.set_data(parameter.value() + 1)
    parts = checkpoints.parts(*pair, movers, average)
    if not has_age:  # as an earlier version wrote it
        parts["average"] = list(average.averages)
    checkpoints.save(tmp_path / "a", description, parts, 1, 1)
    checkpoint = checkpoints.load(tmp_path / "a")
    assert checkpoint.averaged
    used, raw = checkpoint.networks()[0], networks.build(description)
    checkpoint.restore_networks(*raw)
    for mean, weight, original in zip(
        used.get_parameters(), raw[0].get_parameters(), pair[0].get_parameters(), strict=True
    ):
        assert (weight.asnumpy() == original.asnumpy()).all()
        assert (mean.asnumpy() == original.asnumpy() + 1).all()
    other = Average(raw[0], 0.9)
    checkpoint.restore_average(other)
    for a, b in zip(other.averages, average.averages, strict=True):
        assert (a.asnumpy() == b.asnumpy()).all()
    assert other.updates.asnumpy().tolist() == [1 if has_age else 0]


def test_without_an_average_there_is_no_file_of_one(saved):
    folder, _ = saved
    assert not checkpoints.load(folder).averaged
    assert not (folder / "average.safetensors").exists()


def test_a_checkpoint_cannot_be_loaded_into_networks_that_have_been_trained(saved):
    """The compiled step would go on with its own weights, and the loss would stand still."""
    folder, _ = saved
    pair = networks.build(describe("mlp"), seed=5)
    movers = optimize(pair, 0.002)
    step = make_step(*pair, losses.build("bce"), *movers)
    checkpoint = checkpoints.load(folder)
    checkpoint.restore_networks(*pair)
    checkpoint.restore_optimizers(tuple(movers))
    step(*batch(0))
    with pytest.raises(RuntimeError, match=r"held by a compiled function \(step\)"):
        checkpoint.restore_networks(*pair)
    with pytest.raises(RuntimeError, match=r"held by a compiled function \(step\)"):
        checkpoint.restore_optimizers(tuple(movers))


def test_a_snapshot_does_not_follow_the_training(saved):
    _, pair = saved
    step = make_step(*pair, losses.build("bce"), *optimize(pair, 0.1))
    snapshot = checkpoints.values(pair[0].get_parameters())
    copy = {name: array.copy() for name, array in snapshot.items()}
    step(*batch(0))
    now = checkpoints.values(pair[0].get_parameters())
    assert all((snapshot[name] == copy[name]).all() for name in copy)
    assert any((now[name] != copy[name]).any() for name in copy)


def test_two_parameters_of_one_name_are_refused():
    """ms.save_checkpoint would store one of them only, without an error."""
    pair = [Parameter(Tensor(np.full(2, n, np.float32)), name="w") for n in (1, 2)]
    with pytest.raises(ValueError, match="two parameters are called w"):
        checkpoints.values(pair)
