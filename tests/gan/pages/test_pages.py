import base64

import pytest
from jinja2 import UndefinedError

from stages.gan.common.errors import UserError
from stages.gan.pages import embedded, embedded_file, render


def test_pictures_are_embedded(tmp_path):
    assert base64.b64decode(embedded(b"abc", "png").split(",")[1]) == b"abc"
    file = tmp_path / "x.gif"
    file.write_bytes(b"gif")
    assert embedded_file(file).startswith("data:image/gif;base64,")
    with pytest.raises(UserError, match="run `dvc repro` first"):
        embedded_file(tmp_path / "none.png")


def test_a_name_that_is_missing_is_an_error_not_a_gap():
    with pytest.raises(UndefinedError):
        render({"title": "x"})
