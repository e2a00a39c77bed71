import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import stacked
from stages.gan.common import paths
from stages.gan.data import prepared


class NamesByBrightness:
    """A judge of grey images (N, 1, H, W): the digit d has the level d / 10."""

    def see(self, images):
        classes = np.rint((images[:, 0, 0, 0] + 1) * 5).astype(np.int64)
        return type("Seen", (), {"classes": classes})


def level(digit: int) -> float:
    return digit / 5 - 1


def test_each_colour_is_a_digit_drawn_by_itself():
    digits = np.arange(10, dtype=np.uint8)[:, None, None] * np.ones((4, 4), np.uint8)
    images = stacked.stacked(digits, 500, np.random.default_rng(0))
    assert images.shape == (500, 4, 4, 3)
    assert images.dtype == np.uint8
    assert (images == images[:, :1, :1]).all()  # no digit is cut
    drawn = images[:, 0, 0]
    assert {tuple(np.unique(drawn[:, colour])) for colour in range(3)} == {tuple(range(10))}
    assert len(np.unique(drawn, axis=0)) > 300


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=40))
def test_the_hundreds_are_the_digit_in_red(digits):
    images = np.array([[level(d) for d in three] for three in digits], np.float32)
    found = stacked.modes(images[:, :, None, None] * np.ones((2, 2)), NamesByBrightness())
    assert found.tolist() == [100 * a + 10 * b + c for a, b, c in digits]
    covered, divergence = stacked.coverage(found)
    assert covered == len(set(digits))
    assert np.log(1000 / covered) - 1e-9 <= divergence <= np.log(1000)


def test_a_file_has_both_splits(tmp_path, monkeypatch):
    folder = tmp_path / paths.prepared("mnist")
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(1).integers(0, 256, (6, 1, 4, 4), dtype=np.uint8)
    split = prepared.Split(prepared.normalise(pixels), np.zeros((6, 2), np.float32), None)
    monkeypatch.setattr(prepared, "load", lambda _, name: split)
    stacked.make(tmp_path, tmp_path / "s.npz", {"train": 9, "test": 5}, 1)
    arrays = np.load(tmp_path / "s.npz")
    assert {name: arrays[name].shape for name in arrays} == {
        "x_train": (9, 4, 4, 3),
        "x_test": (5, 4, 4, 3),
    }
    known = {image.tobytes() for image in pixels[:, 0]}
    colours = arrays["x_train"].transpose(0, 3, 1, 2).reshape(-1, 4, 4)
    assert {colour.tobytes() for colour in colours} <= known
