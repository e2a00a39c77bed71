import numpy as np
from PIL import Image

from stages.gan.grids import grid, save_animation, single, thinned


def test_each_image_lies_in_its_place():
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 1, 4, 6))
    pixels = np.asarray(grid(images, columns=3))
    assert pixels.shape == (2 * (4 + 2) + 2, 3 * (6 + 2) + 2)
    assert (pixels[2:6, 2:8] == 0).all()
    assert (pixels[2:6, 18:24] == 128).all()
    assert (pixels[8:12, 10:16] == 255).all()
    assert (pixels[:2] == 255).all()


def test_colour_square_and_zoom():
    images = np.zeros((4, 3, 2, 2))
    images[:, 0] = 1
    picture = grid(images, zoom=3)
    assert picture.size == (3 * (2 * 4 + 2), 3 * (2 * 4 + 2))
    assert picture.getpixel((7, 7)) == (255, 128, 128)
    assert single(images[0]).size == (2, 2)


def test_the_animation_has_all_frames_and_no_date(tmp_path):
    frames = [grid(np.full((4, 1, 3, 3), level)) for level in (-1, 0, 1)]
    save_animation(frames, tmp_path / "a.gif")
    save_animation(frames, tmp_path / "b.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 3


def test_thinning_keeps_the_ends():
    pictures = [Image.new("L", (1, 1), i) for i in range(200)]
    chosen = thinned(pictures, 60)
    assert len(chosen) == 60
    assert chosen[0] is pictures[0]
    assert chosen[-1] is pictures[-1]
    assert thinned(pictures[:5], 60) == pictures[:5]
