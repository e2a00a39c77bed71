"""One rule for names of data sets: every stage can use a name, and none leaves its folder."""

from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import strategies

from stages.gan import params
from stages.gan.common import paths
from stages.gan.params import names
from tests.helpers.data import message_of, shipped

GOOD = [
    "mnist",
    "faces-2",
    "my_faces",
    "数字",
    "été",
    "हिन्दी",
    "ที่",
    "Gesichter",
    "a",
    "x" * names.LONGEST,
    "数-2",
]
BAD = [
    "2024", 2024, 1e3, "1e3", True, None, "on", "No", "null", "~", "my.digits", "my digits", "..",
    ".", "a/b", "../x", "/etc", "", "x" * (names.LONGEST + 1), "-x", "_x", "a\\b", "a:b", "a@b",
    "a\nb", "a\0", "compare", "collapse", "key", "item", "e\u0301", "\uff41", "a\ufe0f", "\u093f",
    "a#", "a'b", "a,b", "a%b", "a*", "😀",
    "con", "NUL", "aux", "Com1", "lpt9", "Compare",
]  # fmt: skip


def write(folder: Path, name) -> Path:
    content = shipped()
    content["datasets"][name] = content["datasets"]["mnist"]
    content[name] = content["mnist"]
    file = folder / "params.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_works_everywhere_is_taken(tmp_path, name):
    file = write(tmp_path, name)
    assert params.load(file, name).kind.format == "idx"
    params.check_name(file, name)


def test_two_names_may_not_differ_in_capitals_alone(tmp_path):
    file = write(tmp_path, "MNIST")
    told = message_of(params.load, file, "mnist")
    assert "'MNIST' and 'mnist' cannot both name a data set" in told


@pytest.mark.parametrize("name", BAD, ids=repr)
def test_any_other_is_refused_where_the_file_is_read(tmp_path, name):
    """It does not matter which data set is asked for: DVC leaves out some names without a word."""
    file = write(tmp_path, name)
    for asked in ("mnist", str(name)):
        for read in (params.load, params.check_name):
            told = message_of(read, file, asked)
            assert f"{names.shown(name)} cannot name a data set: valid is 1 to 50 letters" in told
            assert len(told) < 400


@hypothesis.given(strategies.text(max_size=60))
def test_no_valid_name_leads_out_of_its_folder(name):
    if names.is_valid(name):
        for place in (paths.raw, paths.models, paths.metrics, paths.report, paths.collapse):
            parts = place(name).parts
            assert parts.count(name) == 1
            assert ".." not in parts
            assert not place(name).is_absolute()
        assert yaml.safe_load(f"{name}: 1") == {name: 1}
        assert len(name.encode()) <= 200
