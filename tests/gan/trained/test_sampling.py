import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stages.gan import networks
from stages.gan.data.prepared import to_levels
from stages.gan.trained.sampling import evaluation_mode, generate, interpolate, logits
from tests.helpers.training.network import describe


def test_batches_do_not_change_the_result():
    generator, discriminator = networks.build(describe("dcgan"), seed=2)
    codes = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    images = generate(generator, codes)
    np.testing.assert_allclose(generate(generator, codes, batch=3), images, atol=1e-6)
    np.testing.assert_allclose(
        logits(discriminator, images, batch=2), logits(discriminator, images), atol=1e-6
    )


def test_images_are_kept_as_asked_for_and_alike_in_any_batches():
    generator, _ = networks.build(describe("mlp"), seed=2)
    codes = np.random.default_rng(0).standard_normal((7, 6)).astype(np.float32)
    seen = []

    def kept_as(images):
        seen.append(len(images))
        return to_levels(images)

    found = generate(generator, codes, batch=3, kept_as=kept_as)
    assert seen == [3, 3, 1]
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, to_levels(generate(generator, codes, batch=3)))


def test_evaluation_mode_uses_running_statistics_and_goes_back():
    generator, _ = networks.build(describe("mlp"), seed=2)
    code = np.zeros((1, 6), np.float32)
    others = np.random.default_rng(0).standard_normal((4, 6)).astype(np.float32)
    alone = generate(generator, code)[0]
    among = generate(generator, np.concatenate([code, others]))[0]
    np.testing.assert_allclose(alone, among, atol=1e-6)
    assert generator.training
    with evaluation_mode(generator):
        assert not generator.training
    assert generator.training


@given(st.integers(2, 12), st.integers(1, 20), st.integers(0, 50))
def test_interpolation_keeps_the_ends_and_a_typical_length(steps, size, seed):
    start, end = np.random.default_rng(seed).standard_normal((2, size)).astype(np.float32)
    codes = interpolate(start, end, steps)
    assert codes.shape == (steps, size)
    np.testing.assert_allclose(codes[0], start, atol=1e-5)
    np.testing.assert_allclose(codes[-1], end, atol=1e-5)
    if size > 1:
        lengths = np.linalg.norm(codes, axis=1)
        shortest = min(np.linalg.norm(start), np.linalg.norm(end))
        cosine = start @ end / (np.linalg.norm(start) * np.linalg.norm(end) + 1e-12)
        if cosine > -0.99:  # opposite codes: the straight way through 0 is taken
            assert lengths.min() > 0.5 * shortest
