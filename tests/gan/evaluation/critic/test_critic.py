import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from stages.gan.data.prepared import array_files, normalise, to_pixels
from stages.gan.evaluation import critic
from stages.gan.evaluation.critic import calibration, judge_apart
from stages.gan.losses.equilibrium import binary_cross_entropy
from stages.gan.params import Critic as Settings
from tests.helpers.data import message_of

SETTINGS = Settings(epochs=6, batch_size=32, learning_rate=0.005, widths=[4, 8])


def images(count, seed, contrast=0.4):
    draw = np.random.default_rng(seed)
    return np.clip(draw.normal(0, contrast, (count, 1, 8, 8)), -1, 1).astype(np.float32)


def bce(real, fake):
    return binary_cross_entropy(real, 1.0) + binary_cross_entropy(fake, 0.0)


def test_images_that_differ_are_told_apart():
    real, fake = judge_apart(
        images(200, 0), images(200, 1, 0.15), images(150, 2), images(100, 3, 0.15), SETTINGS, 1
    )
    assert (real.shape, fake.shape) == ((150,), (100,))
    assert real.dtype == fake.dtype == np.float64
    assert ((real > 0).mean() + (fake <= 0).mean()) / 2 > 0.9
    assert bce(real, fake) < 0.7


def test_images_of_one_distribution_are_not_and_it_does_not_pretend():
    parts = [images(count, k) for k, count in enumerate((200, 200, 400, 400))]
    real, fake = judge_apart(*parts, SETTINGS, 1)
    assert abs(bce(real, fake) - 2 * np.log(2)) < 0.1
    assert abs((real > 0).mean() - (fake > 0).mean()) < 0.15


def test_what_its_answer_depends_on():
    parts = [images(count, k, 0.4 - 0.1 * (k % 2)) for k, count in enumerate((60, 60, 20, 20))]
    short = SETTINGS.model_copy(update={"epochs": 2})
    real, fake = judge_apart(*parts, short, 1)
    # Real images have 8-bit levels; generated ones are not given away by having others.
    # The held-out ones have no part in the training, so others leave the first's logits alone.
    levels = [normalise(to_pixels(part)) for part in parts]
    same_real, same_as_real = judge_apart(*levels[:3], levels[2], short, 1)
    assert same_real.tobytes() == same_as_real.tobytes() == real.tobytes()
    assert fake.tobytes() != real.tobytes()
    other_seed, _ = judge_apart(*parts, short, 2)
    assert other_seed.tobytes() != real.tobytes()


def test_a_second_training_knows_nothing_of_the_first():
    first = [images(count, k, 0.4 - 0.1 * (k % 2)) for k, count in enumerate((60, 60, 20, 20))]
    second = [part[::2] for part in first]
    one = critic.Critic((1, 8, 8), SETTINGS, 1)
    together = [one.judge_apart(*parts) for parts in (first, second, first)]
    apart = [judge_apart(*parts, SETTINGS, 1) for parts in (first, second, first)]
    for found, expected in zip(together, apart, strict=True):
        for logits, same in zip(found, expected, strict=True):
            assert logits.tobytes() == same.tobytes()


@pytest.mark.parametrize("counts", [(2, 2, 1, 1), (3, 40, 2, 1)], ids=str)
def test_few_images_are_enough(counts):
    parts = [images(count, k) for k, count in enumerate(counts)]
    short = SETTINGS.model_copy(update={"epochs": 1})
    real, fake = judge_apart(*parts, short, 1)
    assert (len(real), len(fake)) == counts[2:]
    assert np.isfinite([*real, *fake]).all()


@pytest.mark.parametrize("counts", [(1, 9, 9, 9), (9, 1, 9, 9), (9, 9, 0, 9), (9, 9, 9, 0)])
def test_too_few_are_refused(counts):
    parts = [images(count, k) for k, count in enumerate(counts)]
    with pytest.raises(ValueError, match="2 or more to train on"):
        judge_apart(*parts, SETTINGS, 1)


def test_images_of_two_sizes_are_refused():
    other = np.zeros((4, 1, 9, 9), np.float32)
    with pytest.raises(ValueError, match="one shape"):
        judge_apart(images(4, 0), other, images(4, 1), other, SETTINGS, 1)


def test_a_training_that_diverges_names_the_learning_rate():
    parts = [images(40, k) for k in range(4)]
    diverging = SETTINGS.model_copy(update={"learning_rate": 1e38})
    text = message_of(judge_apart, *parts, diverging, 1)
    assert "evaluate.critic.learning_rate" in text


# An epoch asks for the logits of two sets, and so does the test at the end.
@pytest.mark.parametrize(
    ("epochs", "spoilt", "sound"),
    [(2, {1}, True), (1, {1, 2}, False), (1, {3}, False)],
    ids=["one of two epochs", "every epoch", "the test"],
)
def test_logits_that_are_not_finite_are_no_answer(monkeypatch, epochs, spoilt, sound):
    genuine, calls = critic._logits, []

    def logits(*arguments):
        calls.append(arguments)
        return genuine(*arguments) * (np.nan if len(calls) in spoilt else 1.0)

    monkeypatch.setattr(critic, "_logits", logits)
    parts = [images(count, k) for k, count in enumerate((60, 60, 20, 20))]
    given = (*parts, SETTINGS.model_copy(update={"epochs": epochs}), 1)
    if sound:
        assert np.isfinite(judge_apart(*given)).all()
    else:
        assert "evaluate.critic.learning_rate" in message_of(judge_apart, *given)


def test_memory_does_not_grow_with_the_images(monkeypatch):
    monkeypatch.setattr(array_files, "_BLOCK_VALUES", 1 << 16)  # 256 KB of float32
    many = np.zeros((8000, 1, 32, 32), np.float16)
    look = critic.Critic((1, 32, 32), SETTINGS, 1)._look
    tracemalloc.start()
    try:
        critic._logits(look, many, np.arange(8000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert many.nbytes > 16_000_000
    assert peak < 4_000_000


LOGITS = arrays_of.arrays(np.float64, st.integers(1, 20), elements=st.floats(-50, 50))


@given(real=LOGITS, fake=LOGITS)
def test_calibration_keeps_the_order_and_is_finite(real, fake):
    scale, bias = calibration(real, fake)
    assert 0 < scale < np.inf
    assert np.isfinite(bias)


@settings(max_examples=15)
@given(scale=st.floats(0.3, 5), bias=st.floats(-2, 2))
def test_calibration_undoes_a_change_of_scale_and_bias(scale, bias):
    # Logits s with density N(1, 2) for real and N(-1, 2) for fake are ln of the odds already.
    draw = np.random.default_rng(0)
    real, fake = draw.normal(1, np.sqrt(2), 8000), draw.normal(-1, np.sqrt(2), 8000)
    found = calibration(real * scale + bias, fake * scale + bias)
    assert found[0] * scale == pytest.approx(1, abs=0.08)
    assert found[0] * bias + found[1] == pytest.approx(0, abs=0.08)


@given(seed=st.integers(0, 1000), factor=st.floats(0.5, 2), more=st.floats(-1, 1))
def test_no_other_scale_and_bias_is_better_on_the_same_logits(seed, factor, more):
    draw = np.random.default_rng(seed)
    real, fake = draw.normal(0.5, 1, 400), draw.normal(-0.5, 1, 400)
    scale, bias = calibration(real, fake)
    best = bce(scale * real + bias, scale * fake + bias)
    # His targets cost a little: they are not quite 1 and 0.
    other = bce(scale * factor * real + bias + more, scale * factor * fake + bias + more)
    assert best <= other + 1e-3


def test_logits_that_are_worth_nothing_are_made_small():
    draw = np.random.default_rng(0)
    real, fake = draw.normal(-1, 5, 500), draw.normal(1, 5, 500)  # the wrong way round
    scale, bias = calibration(real, fake)
    assert np.abs(scale * np.concatenate([real, fake]) + bias).max() < 0.01
