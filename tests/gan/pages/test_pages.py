import base64
import json
import shlex

import pytest
import yaml
from jinja2 import UndefinedError

from stages.gan.common.errors import UserError
from stages.gan.pages import commands, embedded, embedded_file, embedded_json, render


def test_pictures_are_embedded(tmp_path):
    assert base64.b64decode(embedded(b"abc", "png").split(",")[1]) == b"abc"
    file = tmp_path / "x.gif"
    file.write_bytes(b"gif")
    assert embedded_file(file).startswith("data:image/gif;base64,")
    with pytest.raises(UserError, match="run `dvc repro` first"):
        embedded_file(tmp_path / "none.png")


def test_no_text_can_end_the_element_of_embedded_data():
    content = {"name": "</script><b>", "values": [1, None]}
    text = embedded_json(content)
    assert "<" not in text
    assert json.loads(text) == content


def test_a_name_that_is_missing_is_an_error_not_a_gap():
    with pytest.raises(UndefinedError):
        render({"title": "x"})


@pytest.mark.parametrize("value", [1200, None, 0.967, "bce_with_logits", ["color", "translation"]])
def test_a_command_is_one_line_of_the_shell_that_sets_just_that_value(value):
    change = {"param": "train.some.param", "value": value}
    (command,) = commands("digits", [change])
    *words, option, setting, target = shlex.split(command)
    assert words == ["dvc", "exp", "run"]
    assert (option, target) == ("-S", "report@digits")
    name, _, text = setting.partition("=")
    assert name == "digits.train.some.param"
    assert yaml.safe_load(text) == value
    assert " " not in setting  # between the entries of a list DVC takes none


def data_of(**changes):
    prepared = {
        "source": "faces.zip",
        "bundled": False,
        "counts": {"train": 18, "test": 2},
        "image_shape": [3, 64, 64],
        "latent_size": 100,
        "rejected": {},
        "beyond_maximum": 0,
        "copies": {"left_out": 0},
        "left_out": {"files": {}},
        "told": [],
        **changes,
    }
    return render({"prepared": prepared, "sha256": {"images": "ab" * 32}}, "_data.html")


def test_all_of_a_source_is_accounted_for():
    page = data_of(
        rejected={"<b>.png": "empty file"},
        beyond_maximum=7,
        copies={"left_out": 5},
        left_out={"files": {".txt": 3, ".tga": 1}},
        told=["left out, by the ending of the name: 4", "exact copies of other images: 5"],
    )
    assert "20 images used, 1 files skipped, 5 copies and 7 images beyond the maximum" in page
    assert "4 other files left out" in page
    assert "<code>&lt;b&gt;.png</code> (empty file)" in page
    assert "<td>left out, by the ending of the name: 4</td>" in page
    assert "<td>exact copies of other images: 5</td>" in page


def test_what_is_not_there_is_not_spoken_of():
    page = data_of()
    assert "20 images used, 0 files skipped" in page
    assert "skipped files" not in page
    assert "seen" not in page


def test_of_many_skipped_files_the_first_are_named():
    page = data_of(rejected={f"{number}.png": "empty file" for number in range(25)})
    assert page.count("(empty file)") == 20
    assert "and 5 more</td>" in page
