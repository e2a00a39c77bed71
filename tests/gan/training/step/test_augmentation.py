import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor

from stages.gan.training.step.augmentation import POLICIES, augment, draw


def drawn(policies, count=200, shape=(3, 16, 8), seed=1):
    return draw(np.random.default_rng(seed), policies, count, shape)


def tensors(arrays):
    return {name: Tensor(array) for name, array in arrays.items()}


def by_hand(images, arrays):
    """What the paper describes, image by image in float64."""
    changed = []
    for index, image in enumerate(images.astype(np.float64)):
        if "color" in arrays:
            brightness, saturation, contrast = arrays["color"][index].astype(np.float64)
            image = image + brightness
            grey = image.mean(axis=0, keepdims=True)
            image = grey + saturation * (image - grey)
            image = image.mean() + contrast * (image - image.mean())
        if "rows" in arrays:
            moved = np.zeros_like(image)
            for i, j in zip(*np.nonzero(arrays["rows"][index]), strict=True):
                for k, m in zip(*np.nonzero(arrays["columns"][index]), strict=True):
                    moved[:, i, k] = image[:, j, m]
            image = moved
        if "keep" in arrays:
            image = np.where(arrays["keep"][index] > 0, image, 0.0)
        changed.append(image)
    return np.array(changed)


@settings(max_examples=20)
@given(
    st.sets(st.sampled_from(POLICIES)),
    st.tuples(st.sampled_from((1, 3)), st.integers(2, 9), st.integers(2, 9)),
    st.integers(0, 99),
)
def test_images_are_changed_as_drawn(policies, shape, seed):
    images = np.random.default_rng(seed).uniform(-1, 1, (3, *shape)).astype(np.float32)
    arrays = drawn(policies, 3, shape, seed)
    result = augment(Tensor(images), **tensors(arrays)).asnumpy()
    assert np.allclose(result, by_hand(images, arrays), atol=2e-6)
    if not policies & {"color"}:  # places move, values stay
        assert np.isin(result, [0.0, *images.ravel()]).all()


def test_without_anything_drawn_images_stay():
    images = Tensor(np.ones((2, 1, 4, 4), np.float32))
    assert drawn(()) == {}
    assert augment(images) is images


def test_what_is_drawn_has_the_papers_ranges():
    arrays = drawn(POLICIES, 4000)
    for column, low, high in ((0, -0.5, 0.5), (1, 0.0, 2.0), (2, 0.5, 1.5)):
        values = arrays["color"][:, column]
        assert low <= values.min() < low + 0.02 < high - 0.02 < values.max() <= high
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05)
    for name, side in (("rows", 16), ("columns", 8)):
        found = set()
        for matrix in arrays[name]:
            i, j = np.nonzero(matrix)
            (shift,) = set(i - j)  # one for the whole image
            assert len(i) == side - abs(shift)
            assert (matrix[i, j] == 1).all()
            found.add(int(shift))
        assert found == set(range(-side // 8, side // 8 + 1))
    cut = arrays["keep"] == 0
    assert cut.shape == (4000, 1, 16, 8)
    # Half of each side, or less where it reaches the border; everywhere as often as the middle is.
    assert cut.any(axis=3).sum(axis=2).max() == 8
    assert cut.any(axis=2).sum(axis=2).max() == 4
    assert cut.any(axis=(1, 2, 3)).all()
    assert cut[:, 0, 8, 4].mean() == pytest.approx(8 / 17 * 4 / 9, abs=0.03)
    assert set(np.unique(arrays["keep"])) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("side", "shift", "cut"), [(28, 4, 14), (20, 3, 10), (7, 1, 4), (64, 8, 32)]
)
def test_an_eighth_and_a_half_are_rounded_as_in_the_authors_code(side, shift, cut):
    """DiffAugment_pytorch.py: int(side * ratio + 0.5)."""
    arrays = drawn(("translation", "cutout"), 500, (1, side, side))
    shifts = [int(np.subtract(*np.nonzero(matrix))[0]) for matrix in arrays["rows"]]
    assert (min(shifts), max(shifts)) == (-shift, shift)
    assert (arrays["keep"] == 0).any(axis=3).sum(axis=2).max() == cut


@pytest.mark.parametrize("policy", POLICIES)
def test_one_kind_does_not_depend_on_the_others(policy):
    alone, together = drawn([policy]), drawn(POLICIES)
    assert alone
    assert all(np.array_equal(alone[name], together[name]) for name in alone)


def test_every_image_has_its_own_and_the_seed_decides():
    for arrays in (drawn([policy]) for policy in POLICIES):
        for array in arrays.values():
            assert len(np.unique(array, axis=0)) > 1
    again = drawn(POLICIES)
    assert all(np.array_equal(array, again[name]) for name, array in drawn(POLICIES).items())
    other = drawn(POLICIES, seed=2)
    assert not any(np.array_equal(array, other[name]) for name, array in again.items())


def test_the_gradient_goes_back_through_them():
    """augment is affine: the gradient of <w, augment(x)> is its linear part's adjoint of w."""
    images = np.random.default_rng(1).uniform(-1, 1, (2, 3, 6, 6)).astype(np.float32)
    weights = np.random.default_rng(2).standard_normal(images.shape).astype(np.float32)
    arrays = tensors(drawn(POLICIES, 2, (3, 6, 6)))

    def value(x):
        return (augment(x, **arrays) * Tensor(weights)).sum()

    gradient = ms.grad(value)(Tensor(images)).asnumpy()
    nothing = augment(Tensor(np.zeros_like(images)), **arrays).asnumpy()
    for seed in range(5):
        way = np.random.default_rng(seed).standard_normal(images.shape).astype(np.float32)
        there = augment(Tensor(way), **arrays).asnumpy() - nothing
        assert (gradient * way).sum() == pytest.approx((weights * there).sum(), abs=1e-3)
