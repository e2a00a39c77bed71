import io

import numpy as np
from PIL import Image

from stages.gan.pages import bars


def drawn(**groups):
    return np.asarray(Image.open(io.BytesIO(bars.draw(groups, "class", "share"))).convert("RGB"))


def coloured(picture, colour):
    """How many pixels have just that colour."""
    return int((picture == colour).all(axis=2).sum())


BLUE, ORANGE = (31, 119, 180), (255, 127, 14)


def test_the_area_of_bars_follows_their_heights():
    picture = drawn(real=[2, 2], generated=[1, 1])
    assert 1.6 < coloured(picture, BLUE) / coloured(picture, ORANGE) < 2.4


def test_both_groups_are_seen_where_they_are_equal():
    picture = drawn(real=[1, 2, 3], generated=[1, 2, 3])
    assert 0.9 < coloured(picture, BLUE) / coloured(picture, ORANGE) < 1.1


def test_the_same_bars_are_the_same_bytes():
    assert bars.draw({"a": [1, 2]}, "x", "y") == bars.draw({"a": [1, 2]}, "x", "y")
    assert b"Software" not in bars.draw({"a": [1, 2]}, "x", "y")
