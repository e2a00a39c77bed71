import numpy as np
import pytest

from stages.gan import networks
from stages.gan.common.compiled import put
from stages.gan.common.tensors import as_tensor
from stages.gan.data.prepared import Split
from stages.gan.trained import checkpoints
from stages.gan.training import assembly, preparation
from stages.gan.training.step.gradients import DUE
from tests.helpers.data import load_params
from tests.helpers.training.network import describe as describe_small
from tests.helpers.training.runs import small, split


def test_the_params_give_each_network_its_rate(tmp_path):
    train_params = load_params(tmp_path, "mnist").train
    pair = networks.build(describe_small("mlp"), 1)
    changed = train_params.model_copy(update={"discriminator_learning_rate": 0.004})
    for settings, expected in ((train_params, (2e-4, 2e-4)), (changed, (2e-4, 0.004))):
        movers = assembly.build_optimizers(settings, *pair, total_steps=10)
        assert tuple(float(m.get_lr().asnumpy()) for m in movers) == pytest.approx(expected)
        assert [m.parameters[0].name.split(".")[0] for m in movers] == [
            "generator",
            "discriminator",
        ]


def test_networks_fit_the_data_and_the_params(tmp_path):
    description = assembly.describe(small(tmp_path), split())
    assert description.image_shape == (1, 8, 8)
    assert description.latent_size == 6
    assert description.generator_widths == (8, 12)
    assert description.discriminator_widths == (12, 8)


def inputs(data: Split):
    return as_tensor(data.batch(np.arange(8))), as_tensor(data.latents[:8])


def test_the_step_is_watched_unless_it_must_not_be(tmp_path):
    data = split()
    watched = assembly.assemble(small(tmp_path), data, 10)
    assert len(watched.step(*inputs(data), due=DUE)) == 6
    plain = assembly.assemble(small(tmp_path), data, 10, watched=False)
    assert len(plain.step(*inputs(data))) == 4


def test_without_an_average_the_generator_itself_is_shown(tmp_path):
    plain = assembly.assemble(small(tmp_path), split(), 10)
    assert plain.shown is plain.generator
    assert plain.average is plain.discriminator_step is None
    plain.refresh()


def test_with_an_average_that_is_shown_after_a_refresh(tmp_path):
    data = split()
    players = assembly.assemble(small(tmp_path, ema=0.9), data, 10)
    for _ in range(3):
        players.step(*inputs(data), due=DUE)
    players.refresh()
    assert players.shown is not players.generator
    for shown, average, own in zip(
        players.shown.get_parameters(),
        players.average.averages,
        players.generator.get_parameters(),
        strict=True,
    ):
        assert (shown.asnumpy() == average.asnumpy()).all()
        assert own.requires_grad is False or (shown.asnumpy() != own.asnumpy()).any()


def test_a_saved_assembly_is_taken_up_where_it_was(tmp_path):
    data = split()
    params = small(tmp_path, discriminator_steps=2)
    players = assembly.assemble(params, data, 10)
    assert players.discriminator_step is not None
    for _ in range(3):
        players.discriminator_step(*inputs(data))
        players.step(*inputs(data), due=DUE)
    players.save(tmp_path / "saved", epoch=1, step=3)
    start = preparation.starting_checkpoint(str(tmp_path / "saved"), players.description)
    assert (start.epoch, start.step) == (1, 3)
    again = assembly.assemble(params, data, 10, start)
    assert [int(mover.global_step.asnumpy()[0]) for mover in again.optimizers] == [3, 6]
    for left, right in (
        (players.generator, again.generator),
        (players.discriminator, again.discriminator),
    ):
        for a, b in zip(left.get_parameters(), right.get_parameters(), strict=True):
            assert (a.asnumpy() == b.asnumpy()).all()
    plan = preparation.plan_of("mnist", params.train, len(data), start)
    assert (plan.first_epoch, plan.first_step) == (2, 4)


def test_after_one_step_nothing_that_training_changes_can_be_replaced(tmp_path):
    """Networks, optimizers and average: what is loaded then would have no effect."""
    data = split()
    players = assembly.assemble(small(tmp_path, ema=0.9), data, 10)
    trained = players.trained
    for parameters in trained.values():  # before the first step all can be
        checkpoints.put(checkpoints.values(parameters), parameters)
    players.step(*inputs(data), due=DUE)
    assert set(trained) == {"generator", "discriminator", "optimizers", "average"}
    for parameters in trained.values():
        for parameter in parameters:
            with pytest.raises(RuntimeError, match="held by a compiled function"):
                put(parameter, parameter.asnumpy())
    players.refresh()  # `shown` belongs to no compiled function
