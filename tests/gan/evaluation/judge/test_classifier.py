import mindspore as ms
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from mindspore import Tensor
from scipy.special import log_softmax

from stages.gan.common.compiled import overwrite
from stages.gan.evaluation.judge import classifier
from stages.gan.trained.checkpoints import values
from stages.gan.training.optimizers.schedules import Schedule
from tests.helpers.training.kernel import every_form

SHAPE = (1, 8, 8)
FOURS = classifier.build((1, 8, 8), (2, 2), 2, 2)


def sides(count, seed=0, shape=SHAPE):
    """Noise, brighter on the left (class 0) or on the right (class 1)."""
    draw = np.random.default_rng(seed)
    images = draw.normal(0, 0.3, (count, *shape)).astype(np.float32)
    labels = draw.integers(0, 2, count).astype(np.int32)
    half = shape[2] // 2
    images[labels == 0, :, :, :half] += 0.5
    images[labels == 1, :, :, half:] += 0.5
    return np.clip(images, -1, 1), labels


def trained(epochs=6, seed=1):
    images, labels = sides(128)
    network = classifier.build(SHAPE, (4, 8), 6, 2, seed)
    training = classifier.Training(network, classifier.cross_entropy, 0.01)
    training.begin(epochs * 8)
    history = [
        float(training.step(images[rows], labels[rows]).asnumpy())
        for epoch in range(epochs)
        for rows in classifier.order(128, 16, seed, epoch)
    ]
    return network, history


@every_form
def test_it_learns_what_can_be_learnt_from_images_it_has_not_seen(form):
    with form():
        network, history = trained()
        images, labels = sides(200, seed=1)
        features, logits = classifier.Look(network)(images)
    assert np.mean(history[-8:]) < 0.5 * np.mean(history[:2])
    assert (logits.argmax(axis=1) == labels).mean() > 0.95
    assert features.dtype == logits.dtype == np.float32
    assert features.shape == (200, 6)
    assert network.training


def test_training_repeats_to_the_bit_and_a_seed_changes_it():
    one, history = trained(2)
    again, same = trained(2)
    other, _ = trained(2, seed=2)
    assert history == same
    for name, value in values(one.get_parameters()).items():
        stored = values(again.get_parameters())[name]
        assert value.tobytes() == stored.tobytes(), name
    assert (one.to_logits.weight.asnumpy() != other.to_logits.weight.asnumpy()).any()


def test_an_image_is_seen_alike_in_any_company(monkeypatch):
    network, _ = trained(1)
    images, _ = sides(9)
    together = classifier.Look(network)(images)
    monkeypatch.setattr(classifier, "BATCH", 4)
    for whole, parts in zip(together, classifier.Look(network)(images), strict=True):
        np.testing.assert_allclose(whole, parts, atol=1e-5)


def test_a_compiled_network_gives_the_same(monkeypatch):
    network, _ = trained(1)
    images, _ = sides(30)
    monkeypatch.setattr(classifier, "BATCH", 8)
    plain = classifier.Look(network)(images)
    monkeypatch.setattr(classifier, "_COMPILE_FROM", 0)
    look = classifier.Look(network)
    calls, compiled = [], look._compiled
    look._compiled = lambda x: calls.append(len(x)) or compiled(x)
    for one, other in zip(plain, look(images), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert calls == [8, 8, 8]  # the last batch has another size


@pytest.mark.parametrize("steps", [1, 7, 500])
def test_the_rate_is_that_of_the_schedule(steps):
    falling = classifier._Falling(0.003)
    overwrite(falling.share, np.array(1.0 / steps, np.float32))
    plain = Schedule("cosine", total_steps=steps).rate(0.003)
    for step in {0, 1, steps // 2, steps - 1, steps, steps + 3}:
        t = Tensor([step], ms.int32)
        assert falling.construct(t).asnumpy().tobytes() == plain.construct(t).asnumpy().tobytes()


@pytest.mark.parametrize(
    "shape", [(1, 4, 4), (3, 5, 5), (1, 7, 9), (3, 8, 8), (1, 28, 28)], ids=str
)
@pytest.mark.parametrize("widths", [(3,), (3, 4, 5)], ids=len)
def test_images_of_any_size_fit(shape, widths):
    network = classifier.build(shape, widths, 5, 3)
    images = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype(np.float16)
    features, logits = classifier.Look(network)(images)
    assert (features.shape, logits.shape) == ((2, 5), (2, 3))
    assert np.isfinite(logits).all()


@given(
    images=arrays_of.arrays(
        np.float32,
        st.tuples(st.just(2), st.just(1), st.integers(1, 9), st.integers(1, 9)),
        elements=st.floats(-1, 1, width=32),
    )
)
def test_framing_adds_edges_around_the_image(images):
    framed = FOURS.framed(images)
    height, width = images.shape[2:]
    assert all(side % 4 == 0 for side in framed.shape[2:])
    assert all(0 <= new - old < 4 for new, old in zip(framed.shape, images.shape, strict=True))
    top, left = (
        (new - old) // 2 for new, old in zip(framed.shape[2:], (height, width), strict=True)
    )
    np.testing.assert_array_equal(framed[:, :, top : top + height, left : left + width], images)
    assert framed[0, 0, 0, 0] == images[0, 0, 0, 0]
    assert framed[0, 0, -1, -1] == images[0, 0, -1, -1]


@given(
    logits=arrays_of.arrays(np.float32, (4, 3), elements=st.floats(-20, 20, width=32)),
    classes=arrays_of.arrays(np.int32, 4, elements=st.integers(0, 2)),
)
def test_cross_entropy_is_that_of_softmax(logits, classes):
    expected = -log_softmax(logits.astype(np.float64), axis=1)[np.arange(4), classes].mean()
    found = classifier.cross_entropy(Tensor(logits), Tensor(classes)).asnumpy()
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@given(count=st.integers(1, 60), batch_size=st.integers(2, 20), epoch=st.integers(0, 5))
def test_an_epoch_shows_images_once_in_whole_batches(count, batch_size, epoch):
    batches = classifier.order(count, batch_size, 3, epoch)
    assert len(batches) == classifier.steps_per_epoch(count, batch_size)
    shown = np.concatenate(batches)
    if count < batch_size:
        assert len(shown) == max(count, 2)
        assert set(shown) == set(range(count))
    else:
        assert {len(rows) for rows in batches} == {batch_size}
        assert len(set(shown)) == len(shown) > count - batch_size
        assert set(shown) <= set(range(count))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [
        np.concatenate(classifier.order(64, 8, seed, epoch)).tolist()
        for seed, epoch in ((0, 0), (0, 1), (1, 0))
    ]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert orders[0] == np.concatenate(classifier.order(64, 8, 0, 0)).tolist()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 27, 14), (2, 1, 1)])
@pytest.mark.parametrize("widths", [(4,), (3, 5), (2, 20, 3)])
@pytest.mark.parametrize(("feature_size", "outputs"), [(2, 1), (7, 16)])
def test_its_parameters_are_counted_before_they_are_made(shape, widths, feature_size, outputs):
    counted = classifier.parameters(shape, widths, feature_size, outputs)
    built = classifier.build(shape, widths, feature_size, outputs)
    assert counted == sum(parameter.size for parameter in built.get_parameters())
