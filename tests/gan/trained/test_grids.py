import numpy as np
from PIL import Image

from stages.gan.trained.grids import animate, grid, single


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


def pictures(folder, count):
    files = [folder / f"{i}.png" for i in range(count)]
    for i, file in enumerate(files):
        Image.new("L", (3, 2), i).save(file)
    return files


def test_the_animation_has_all_frames_and_no_date(tmp_path):
    files = pictures(tmp_path, 3)
    animate(files, tmp_path / "a.gif")
    animate(files, tmp_path / "b.gif")
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 3


def test_an_animation_of_many_pictures_is_thinned_and_keeps_the_ends(tmp_path):
    animate(pictures(tmp_path, 200), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 60
        assert animation.convert("L").getpixel((0, 0)) == 0
        animation.seek(59)
        assert animation.convert("L").getpixel((0, 0)) == 199
