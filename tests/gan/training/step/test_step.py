import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, ops

from stages.gan import losses, networks
from stages.gan.common.compiled import overwrite
from stages.gan.export.plain import as_plain, matched
from stages.gan.networks.dcgan.maps import KERNELS
from stages.gan.trained.sampling import generate
from stages.gan.training import optimizers
from stages.gan.training.step import Options, make_discriminator_step, make_step
from stages.gan.training.step.augmentation import POLICIES, augment, draw
from stages.gan.training.step.gradients import DUE
from stages.gan.training.step.penalties import listed
from tests.helpers.project import ROOT
from tests.helpers.training.kernel import pure
from tests.helpers.training.network import describe
from tests.helpers.training.steps import (
    BATCH,
    batch,
    former_step,
    make,
    optimize,
    plain_run,
    ready,
    state,
)


def plain_step(pair, optimizers, loss):
    """The recipe as one writes it down: two gradients, the fake images computed twice."""
    generator, discriminator = pair

    def d_loss(real, fake):
        return loss.discriminator(discriminator(real), discriminator(fake))

    def g_loss(z, real):
        beside = discriminator(real) if loss.is_paired else None
        return loss.generator(discriminator(generator(z)), beside)

    d_gradient = ms.value_and_grad(d_loss, None, optimizers[1].parameters)
    g_gradient = ms.value_and_grad(g_loss, None, optimizers[0].parameters)

    def step(real, z):
        generator.set_train(True)
        # its statistics are moved once a step, by the generator's own update below
        kept = [(p, p.value().copy()) for p in generator.untrainable_params()]
        fake = ops.stop_gradient(generator(z))
        for parameter, value in kept:
            parameter.set_data(value)
        d_value, gradients = d_gradient(real, fake)
        optimizers[1](gradients)
        g_value, gradients = g_gradient(z, real)
        optimizers[0](gradients)
        return d_value, g_value

    return step


@pytest.mark.parametrize(
    ("kind", "loss"), [*(("mlp", name) for name in losses.LOSSES), ("dcgan", "bce")]
)
def test_the_fast_step_follows_the_plain_one(kind, loss):
    *fast, _, fast_step = ready(kind, loss)
    plain = make(kind, loss)
    slow_step = plain_step(*plain)
    for index in range(6):
        ours = [float(v.asnumpy()) for v in fast_step(*batch(index))]
        theirs = [float(v.asnumpy()) for v in slow_step(*batch(index))]
        # wgan_gp's loss is a difference of scores of about 0.3, nearly 0.
        assert ours[:2] == pytest.approx(theirs, rel=1e-4, abs=3e-5 if loss == "wgan_gp" else 0)
    left, right = state(*fast), state(*plain[:2])
    # A bias in front of batch norm has no gradient but rounding, and Adam makes steps of the
    # learning rate of that. So has D's last bias with a loss of pairs: it is in all logits.
    wandering = ("layers.1.bias", "discriminator.layers.2.bias")[: 2 if loss == "rpgan" else 1]
    for name in left:
        if not name.endswith(wandering):
            np.testing.assert_allclose(left[name], right[name], atol=2e-4, err_msg=name)


WANDERING = {
    "mlp": ("generator.layers.1.bias", "generator.layers.2.moving_mean"),
    "mixed": ("generator.layers.0.bias", "generator.layers.1.moving_mean"),
}


@pytest.mark.parametrize("kind", networks.KINDS)
def test_the_fast_step_follows_that_of_mindspores_own_layers(kind):
    description = describe(
        kind,
        image_shape=(3, 16, 16),
        generator_widths=(32, 16),
        discriminator_widths=(16, 32),
    )
    fast = networks.build(description, 1)
    if kind == "dcgan":
        layers = [cell for network in fast for _, cell in network.cells_and_names()]
        by_tiles = [layer.by_tiles for layer in layers if hasattr(layer, "by_tiles")]
        assert any(by_tiles) == (KERNELS.path is not None)
    plain = as_plain(description, *fast)
    loss = losses.build("bce")
    fast_step = make_step(*fast, loss, *optimize(fast, 2e-4))
    slow_step = plain_step(plain, optimize(plain, 2e-4), loss)
    # Measured: losses apart by 2e-7 of themselves and weights by 3e-7 after 20 steps, as those
    # of two plain networks whose weights differ by one unit in the last place.
    for index in range(20):
        ours = [float(v.asnumpy()) for v in fast_step(*batch(index, description.image_shape))]
        theirs = [float(v.asnumpy()) for v in slow_step(*batch(index, description.image_shape))]
        assert ours[:2] == pytest.approx(theirs, rel=1e-5)
    for left, right in zip(fast, plain, strict=True):
        for name, values, other in matched(kind, left, right):
            # A bias in front of batch norm wanders, see above, and the running mean with it.
            wanders = name in WANDERING.get(kind, ())
            atol = 1e-3 if wanders else 1e-5
            np.testing.assert_allclose(values, other.asnumpy(), atol=atol, err_msg=name)


def test_the_order_of_updates_is_the_recipes():
    pair, _, loss, step = ready("mlp")
    before = {p.name: p.asnumpy().copy() for p in pair[1].get_parameters()}
    real, z = batch(0)
    d_value, g_value, real_chance, fake_chance = (float(v.asnumpy()) for v in step(real, z))
    assert 0 < real_chance < 1
    assert 0 < fake_chance < 1
    assert d_value > 0
    # The generator's loss was taken through the discriminator after its update: it differs
    # from what the old discriminator says of the same images.
    old_pair, _, _ = make("mlp")
    for parameter in old_pair[1].get_parameters():
        assert (parameter.asnumpy() == before[parameter.name]).all()
    old = float(loss.generator(old_pair[1](old_pair[0](z))).asnumpy())
    assert g_value != pytest.approx(old, rel=1e-6)
    new_d = pair[1]
    updated = float(loss.generator(new_d(make("mlp")[0][0](z))).asnumpy())
    assert g_value == pytest.approx(updated, rel=1e-4)


def test_of_a_loss_of_pairs_g_sees_real_logits_of_the_updated_d():
    pair, _, loss, step = ready("mlp", "rpgan")
    old_pair, _, _ = make("mlp", "rpgan")
    real, z = batch(0)
    _, g_value, right, wrong = (float(v.asnumpy()) for v in step(real, z))
    fake = old_pair[0](z)
    found = {
        (by_fake, by_real): float(loss.generator(by_fake(fake), by_real(real)).asnumpy())
        for by_fake in (pair[1], old_pair[1])
        for by_real in (pair[1], old_pair[1])
    }
    assert g_value == pytest.approx(found.pop((pair[1], pair[1])), rel=1e-4)
    assert all(g_value != pytest.approx(other, rel=1e-4) for other in found.values())
    # What D says of the right order of a pair, and of the wrong one.
    assert right + wrong == pytest.approx(1.0, abs=1e-6)
    difference = (old_pair[1](real) - old_pair[1](fake)).asnumpy()
    assert right == pytest.approx((1 / (1 + np.exp(-difference))).mean(), abs=1e-5)


@pytest.mark.parametrize("kind", networks.KINDS)
def test_training_repeats_bit_for_bit(kind):
    """By the same compiled step. One that is compiled for other networks is compared below."""
    given, first = plain_run(kind)
    pair, optimizers, _, step = ready(kind)
    assert any((value != first[name]).any() for name, value in state(pair, optimizers).items())
    assert given == [[v.asnumpy().item() for v in step(*batch(index))] for index in range(4)]
    again = state(pair, optimizers)
    assert all((first[name] == again[name]).all() for name in first)


def test_parameters_of_both_optimizers_have_their_own_names():
    pair, optimizers, _ = make("mlp")
    names = [p.name for optimizer in optimizers for p in optimizer.get_parameters()]
    names = [name for name in names if "optimizer" in name]
    assert len(names) == len(set(names))
    assert all(p.name.startswith("generator.") for p in pair[0].get_parameters())


def test_switching_to_evaluation_between_steps_changes_nothing():
    _, without = plain_run("dcgan")
    pair, optimizers, _, step = ready("dcgan")
    for index in range(4):
        step(*batch(index))
        generate(pair[0], np.zeros((3, 6), np.float32))
    looked = state(pair, optimizers)
    assert all((without[name] == looked[name]).all() for name in without)


def test_only_a_discriminator_without_batch_norm_takes_real_and_fake_together():
    assert make("mlp")[0][1].rows_are_independent
    assert not make("dcgan")[0][1].rows_are_independent


@cache
def moves(**rates):
    """How the first step moves each weight, by gradient descent at these rates."""
    pair, _, loss = make("mlp")
    before = [[p.asnumpy().copy() for p in network.trainable_params()] for network in pair]
    names = ("generator", "discriminator")
    movers = [
        optimizers.build("sgd", network, name, rates.get(name, 0.01))
        for network, name in zip(pair, names, strict=True)
    ]
    make_step(*pair, loss, *movers)(*batch(0))
    return {
        name: [p.asnumpy() - old for p, old in zip(n.trainable_params(), olds, strict=True)]
        for name, n, olds in zip(names, pair, before, strict=True)
    }


@pytest.mark.parametrize("faster", ["generator", "discriminator"])
def test_each_network_moves_at_its_own_rate(faster):
    both = moves(), moves(**{faster: 0.02})
    for slow, fast in zip(both[0][faster], both[1][faster], strict=True):
        np.testing.assert_allclose(fast, 2 * slow, atol=3e-7)
    other = "generator" if faster == "discriminator" else "discriminator"
    if other == "discriminator":  # the generator's gradient goes through the moved discriminator
        for slow, fast in zip(both[0][other], both[1][other], strict=True):
            assert (slow == fast).all()


def test_an_update_of_the_discriminator_alone_is_that_of_the_step():
    inputs = batch(0)
    whole, _, _, step = ready("mlp")
    expected = float(step(*inputs)[0].asnumpy())
    after_whole = [p.asnumpy().copy() for p in whole[1].get_parameters()]
    pair, movers, loss, step = ready("mlp")
    generator, discriminator = pair
    before = [p.asnumpy().copy() for p in generator.trainable_params()]
    value = make_discriminator_step(*pair, loss, movers[1])(*inputs)
    assert float(value.asnumpy()) == pytest.approx(expected, rel=1e-6)
    for left, right in zip(after_whole, discriminator.get_parameters(), strict=True):
        np.testing.assert_allclose(left, right.asnumpy(), atol=1e-7)
    after = [p.asnumpy() for p in generator.trainable_params()]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    # both compiled functions move the same weights
    moved = [p.asnumpy().copy() for p in discriminator.trainable_params()]
    step(*batch(1))
    start = make("mlp")[0][1].trainable_params()
    for a, b, c in zip(moved, discriminator.trainable_params(), start, strict=True):
        assert (a != b.asnumpy()).any()
        assert (a != c.asnumpy()).any()
    assert movers[1].global_step.asnumpy() == 2


def test_the_discriminator_sees_the_fake_images_with_their_noise():
    """Gradient descent whose generator stays: what D was shown follows from its loss."""
    measures = []
    real, z = batch(0)
    noise = Tensor(np.random.default_rng(3).standard_normal(real.shape).astype(np.float32))
    for shown in (None, noise * 0, noise):
        given = [] if shown is None else [shown]
        *_, step = ready("mlp", options=Options(instance_noise=shown is not None))
        measures.append([float(v.asnumpy()) for v in step(real, z, *given)])
    assert measures[0] == pytest.approx(measures[1], rel=1e-6)
    pair, _, loss = make("mlp")
    generator, discriminator = pair
    fake = discriminator(generator(z) + noise)
    expected = float((loss.real(discriminator(real)) + loss.fake(fake)).asnumpy())
    assert measures[2][0] == pytest.approx(expected, rel=1e-5)
    assert measures[2][0] != pytest.approx(measures[0][0], rel=1e-4)


def test_the_discriminator_sees_real_and_fake_images_changed():
    """Gradient descent whose generator stays: what D was shown follows from its loss."""
    real, z = batch(0)
    drawn = draw(np.random.default_rng(3), POLICIES, 2 * BATCH, real.shape[1:])
    given = {name: Tensor(array) for name, array in drawn.items()}
    pair, _, loss, step = ready("mlp", options=Options(augmentation=True))
    d_loss, g_loss = (float(value.asnumpy()) for value in step(real, z, **given)[:2])
    # The discriminator as the generator met it, and the generator as it was.
    met, _, _ = make("mlp")
    generator, discriminator = met
    parts = [
        {name: one[part] for name, one in given.items()} for part in (np.s_[:BATCH], np.s_[BATCH:])
    ]
    fake = augment(generator(z), **parts[1])
    seen = loss.real(discriminator(augment(real, **parts[0]))) + loss.fake(discriminator(fake))
    assert d_loss == pytest.approx(float(seen.asnumpy()), rel=1e-5)
    judged = loss.generator(pair[1](fake))
    assert g_loss == pytest.approx(float(judged.asnumpy()), rel=1e-5)


def test_the_generator_learns_through_the_changes():
    """Of what is cut out it learns nothing: with all cut out its weights stay."""
    real, z = batch(0)
    drawn = draw(np.random.default_rng(3), POLICIES, 2 * BATCH, real.shape[1:])
    keep = np.zeros_like(drawn.pop("keep"))
    given = {name: Tensor(array) for name, array in drawn.items()}
    pair, _, _, step = ready("mlp", options=Options(augmentation=True))
    before = {p.name: p.asnumpy().copy() for p in pair[0].trainable_params()}
    step(real, z, keep=Tensor(keep), **given)
    assert all(np.array_equal(p.asnumpy(), before[p.name]) for p in pair[0].trainable_params())
    keep[BATCH:] = 1
    step(real, z, keep=Tensor(keep), **given)
    assert not any(np.array_equal(p.asnumpy(), before[p.name]) for p in pair[0].trainable_params())


@pytest.mark.parametrize(
    ("kind", "loss", "options"),
    [
        ("mlp", "bce", {"penalties": listed(r1=1.0)}),
        ("dcgan", "bce", {}),
        pytest.param(
            "dcgan",
            "wgan_gp",
            {"gradient_penalty": 10.0, "instance_noise": True},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_changed_images_go_with_every_other_option(kind, loss, options):
    twice = bool(options)
    pair = networks.build(describe(kind), 1, twice_differentiable=twice)
    movers = optimize(pair, 0.002)
    built = losses.build(loss)
    chosen = Options(augmentation=True, watched=True, **options)
    real, z = batch(0, describe(kind).image_shape)
    drawn = draw(np.random.default_rng(3), POLICIES, 2 * BATCH, real.shape[1:])
    named = {name: Tensor(array) for name, array in drawn.items()}
    if options.get("instance_noise"):
        named["noise"] = real * 0.1
        named["mix"] = Tensor(np.full((BATCH, 1, 1, 1), 0.5, np.float32))
    first = make_discriminator_step(*pair, built, movers[1], chosen)
    assert np.isfinite(float(first(real, z, **named).asnumpy()))
    found = make_step(*pair, built, *movers, chosen)(real, z, due=DUE, **named)
    assert len(found) == 6
    assert all(np.isfinite(value.asnumpy()).all() for value in found)


@pytest.mark.parametrize("kind", networks.KINDS)
@pytest.mark.parametrize(
    ("generator_batch_norm", "discriminator_batch_norm"),
    [
        (False, True),
        (True, False),
        pytest.param(False, False, marks=pytest.mark.slow),
        pytest.param(True, True, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("activation", ["leaky_relu", pytest.param("tanh", marks=pytest.mark.slow)])
def test_any_network_compiles_and_learns(
    kind, generator_batch_norm, discriminator_batch_norm, activation
):
    description = describe(
        kind,
        generator_batch_norm=generator_batch_norm,
        discriminator_batch_norm=discriminator_batch_norm,
        generator_activation=activation,
        discriminator_activation=activation,
    )
    if kind == "residual":  # of one block, as to compile two takes twice as long
        description = replace(description, generator_widths=(8,), discriminator_widths=(8,))
    pair = networks.build(description, 1)
    movers = optimize(pair, 0.002)
    step = make_step(*pair, losses.build("bce"), *movers)
    before = {name: value.copy() for name, value in state(pair, ()).items()}
    # At the start the last convolution of a residual block is 0: those before it move later.
    for index in range(2):
        measures = [v.asnumpy() for v in step(*batch(index))]
        assert np.isfinite(measures).all()
    after = state(pair, ())
    trained = {p.name for network in pair for p in network.trainable_params()}
    still = {name for name in trained if (before[name] == after[name]).all()}
    assert not still


@pytest.mark.parametrize("kind", networks.KINDS)
def test_with_everything_off_the_step_is_what_it_was_to_the_bit(kind):
    ours, left = plain_run(kind)
    then = make(kind)
    then_step = former_step(then[0], then[2], then[1])
    theirs = [[v.asnumpy().item() for v in then_step(*batch(index))] for index in range(4)]
    assert ours == theirs
    right = state(*then[:2])
    assert left.keys() == right.keys()
    assert all((left[name] == right[name]).all() for name in left)


# Compiles the step as it was, as it is, and with an option, and counts each one's operators.
_COUNT_OPERATORS = """
import collections, json, re, sys
from pathlib import Path

from stages.gan.training.step import Options, make_step
from tests.helpers.training.steps import BATCH, batch, former_step, make

from stages.gan.trained.averaging import Average

folder, kind = Path(sys.argv[1]), sys.argv[2]
known = set()
for way in ("then", "now", "averaging"):
    pair, movers, loss = make(kind)
    if way == "then":
        step = former_step(pair, loss, movers)
    else:
        average = Average(pair[0], 0.5) if way == "averaging" else None
        step = make_step(*pair, loss, *movers, Options(average))
    step(*batch(0))
    (graph,) = {f for f in folder.iterdir() if re.match(r"[0-9]+_execute_", f.name)} - known
    known.add(graph)
    names = re.findall(r"= (?:PrimFunc_|[A-Za-z]*::)?([A-Z]\\w+)\\(", graph.read_text())
    print(json.dumps(collections.Counter(names), sort_keys=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", networks.KINDS)
def test_with_everything_off_no_operator_is_added_to_the_compiled_step(kind, tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", _COUNT_OPERATORS, str(tmp_path), kind],
        env={
            **os.environ,
            "MS_DEV_SAVE_GRAPHS": "2",
            "MS_DEV_DUMP_IR_PASSES": "execute",  # to write all takes more than twice as long
            "MS_DEV_SAVE_GRAPHS_PATH": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    then, now, averaging = (json.loads(line) for line in result.stdout.splitlines()[-3:])
    assert then == now
    assert then["Adam"] == sum(len(movers.parameters) for movers in make(kind)[1])
    assert sum(averaging.values()) > sum(now.values())


@pytest.mark.parametrize("position", [0, 1])
def test_a_network_of_nan_is_seen_in_what_a_step_returns(position):
    """The hinge loss makes 0 of NaN, and so would nn.ReLU, which there is without kernels."""
    pair, _, _, step = ready("mlp", "hinge", form=pure, discriminator_activation="relu")
    weight = pair[position].trainable_params()[0]
    overwrite(weight, np.full(weight.shape, np.nan, np.float32))
    found = [value.asnumpy().item() for value in step(*batch(0))]
    assert not np.isfinite(found).all()
