import base64
import shlex

import pytest
import yaml
from jinja2 import UndefinedError

from stages.gan.common.errors import UserError
from stages.gan.pages import commands, embedded, embedded_file, render


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


@pytest.mark.parametrize("value", [1200, None, 0.967, "bce_with_logits", ["color", "translation"]])
def test_a_command_is_one_line_of_the_shell_that_sets_just_that_value(value):
    change = {"param": "train.some.param", "value": value}
    (command,) = commands("数字", [change])
    *words, option, setting, target = shlex.split(command)
    assert words == ["dvc", "exp", "run"]
    assert (option, target) == ("-S", "report@数字")
    name, _, text = setting.partition("=")
    assert name == "数字.train.some.param"
    assert yaml.safe_load(text) == value
    assert " " not in setting  # between the entries of a list DVC takes none
