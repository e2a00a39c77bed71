import io

from PIL import Image

from stages.gan.pages.charts import draw


def test_curves_are_pngs_without_date_or_version_and_repeat():
    arguments = ([1, 2, 3], {"a": [1, 2, 3], "b": [3, 2, 1]}, {"level": 2.0}, "epoch", "loss")
    once, again = draw(*arguments), draw(*arguments)
    assert once == again
    with Image.open(io.BytesIO(once)) as picture:
        assert picture.format == "PNG"
        assert not {"Software", "Creation Time", "date"} & set(picture.info)


def test_the_level_is_drawn():
    with_level = draw([1, 2], {"a": [1, 2]}, {"level": 1.5}, "x", "y", (0, 3))
    without = draw([1, 2], {"a": [1, 2]}, {}, "x", "y", (0, 3))
    assert with_level != without


def test_the_mark_is_drawn():
    with_mark = draw([1, 2], {"a": [1, 2]}, {}, "x", "y", marks={"here": 1.5})
    assert with_mark != draw([1, 2], {"a": [1, 2]}, {}, "x", "y")
