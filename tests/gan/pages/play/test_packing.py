import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stages.gan.pages.play import packing
from tests.helpers.data import message_of

WEIGHTS = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-100, 100, width=32))
)


def layers_of(weights):
    taps, inputs, outputs = weights.shape
    bias = np.linspace(-1, 1, outputs, dtype=np.float32)
    sizes = {"kind": "convolution", "inputs": inputs, "outputs": outputs, "kernel": [taps, 1]}
    return [{**sizes, "weights": weights, "bias": bias}, {"kind": "relu", "size": outputs}]


@given(WEIGHTS)
def test_float16_keeps_eleven_bits(weights):
    layers = layers_of(weights)
    found, relu = packing.unpack(packing.pack(layers, packing.FLOAT16))
    assert relu == layers[1]
    assert np.array_equal(found["bias"], layers[0]["bias"])
    # Half a unit in the last place, or of the smallest number there is.
    allowed = np.maximum(np.abs(weights) * 2.0**-11, 2.0**-25)
    assert (np.abs(found["weights"] - weights) <= allowed).all()


@given(WEIGHTS)
def test_thirteen_bits_keep_each_weight_within_half_a_step_of_its_output(weights):
    found, _ = packing.unpack(packing.pack(layers_of(weights), packing.INT13))
    largest = np.abs(weights).max(axis=(0, 1))
    assert found["weights"].shape == weights.shape
    assert (np.abs(found["weights"] - weights) <= largest / 4095 * 0.5001 + 1e-37).all()


def test_what_is_packed_is_text_and_the_layers_stay_as_they_were():
    layers = layers_of(np.ones((1, 2, 3), np.float32))
    for form, size in ((packing.FLOAT16, 16), (packing.INT13, 16)):
        packed = packing.pack(layers, form)[0]
        assert packed["weights"]["form"] == form
        assert len(packed["weights"]["values"]) == size  # 12 bytes, or 10, in base64
        assert all(isinstance(value, str) for value in packed["weights"].values())
    assert isinstance(layers[0]["weights"], np.ndarray)


def test_many_weights_are_packed_in_thirteen_bits(monkeypatch):
    networks = [layers_of(np.ones((1, 10, 10), np.float32))] * 2
    monkeypatch.setattr(packing, "MOST_BYTES", 400)
    assert packing.forms_for(networks) == [packing.FLOAT16]
    monkeypatch.setattr(packing, "MOST_BYTES", 399)
    assert packing.forms_for(networks) == [packing.INT13, packing.FLOAT16]


def test_images_are_compared_in_levels_and_logits_by_their_range():
    images = np.zeros((2, 1, 2, 2))
    assert packing.difference("images", "generator", images, images + 1 / 127.5) == pytest.approx(1)
    logits = np.array([[-5.0], [5.0]])
    assert packing.difference("logits", "judge", logits, logits + 0.05) == pytest.approx(0.005)
    # A range below 1 counts as 1.
    assert packing.difference("logits", "judge", logits / 1e3, logits / 1e3 + 0.005) == (
        pytest.approx(0.005)
    )


@pytest.mark.parametrize("wrong", [2.1 / 127.5, np.nan, np.inf])
def test_results_that_are_too_far_apart_are_refused_in_one_line(wrong):
    images = np.zeros((2, 1, 2, 2))
    other = images.copy()
    other[1, 0, 1, 1] = wrong
    message = message_of(packing.difference, "images", "generator", images, other)
    assert "the generator's images would differ by" in message
    assert "levels of 255, valid is up to 2" in message


def test_a_weight_that_float16_cannot_hold_is_noticed():
    layers = layers_of(np.full((1, 1, 1), 1e5, np.float32))
    (found, _) = packing.unpack(packing.pack(layers, packing.FLOAT16))
    assert np.isinf(found["weights"]).all()
    logits = np.ones((1, 1))
    assert "logits would differ by inf" in message_of(
        packing.difference, "logits", "discriminator", logits, logits * np.inf
    )
