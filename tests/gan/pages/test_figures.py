import io

from matplotlib.figure import Figure
from PIL import Image

from stages.gan.pages.figures import png


def drawn(height):
    figure = Figure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([0, height])
    return png(figure)


def test_it_is_a_png_of_the_figures_size_without_date_or_version():
    with Image.open(io.BytesIO(drawn(1))) as picture:
        assert (picture.format, picture.size) == ("PNG", (100, 50))
        assert not {"Software", "Creation Time", "date"} & set(picture.info)


def test_the_same_drawing_is_the_same_bytes():
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(-1)
