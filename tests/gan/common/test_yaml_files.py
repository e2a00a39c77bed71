import re
import subprocess
import tempfile
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan.common.yaml_files import as_yaml, flat, read_mapping
from tests.helpers.data import message_of
from tests.helpers.project import ROOT

README = ROOT / "README.md"

LETTERS = st.text("abcdefgh", min_size=1)
TREES = st.dictionaries(
    LETTERS, st.recursive(st.integers(), lambda inner: st.dictionaries(LETTERS, inner, min_size=1))
)


def test_a_mapping_is_read(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: {b: [1, ü]}\n", encoding="utf-8")
    assert read_mapping(file) == {"a": {"b": [1, "ü"]}}


def test_a_question_mark_in_braces_is_told_with_what_to_do(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: {b: https://c?d}\n")
    assert "(a value with a ? needs quotes, or a line of its own" in message_of(read_mapping, file)
    for mended in ('a: {b: "https://c?d"}\n', "a:\n  b: https://c?d\n"):
        file.write_text(mended)
        assert read_mapping(file) == {"a": {"b": "https://c?d"}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [1\n", "is not valid YAML: while parsing a flow sequence"),
        (b"a: {b: https://c?d}\n", "is not valid YAML: while parsing a flow mapping"),
        (b"a: 2020-99-99\n", "is not valid YAML: month must be in 1..12"),
        (b"a: \xff\n", "is not UTF-8 text"),
        (b"- 1\n", "should hold a mapping of names to values"),
        (b"", "should hold a mapping of names to values"),
    ],
)
def test_what_is_none_is_refused_in_one_line(tmp_path, content, message):
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    text = message_of(read_mapping, file)
    assert text.startswith(f"{file} {message}")
    assert "\n" not in text


def test_a_missing_file_is_named(tmp_path):
    file = tmp_path / "a.yaml"
    text = message_of(read_mapping, file)
    assert text == f"{file} is not here: run this from the project's folder"


def test_flat_names():
    assert flat({"a": {"b": {"c": 1}}, "d": [1, 2]}) == {"a.b.c": 1, "d": [1, 2]}


@given(TREES)
def test_flat_loses_nothing(tree):
    found = {}
    for name, value in flat(tree).items():
        *way, last = name.split(".")
        section = found
        for key in way:
            section = section.setdefault(key, {})
        section[last] = value
    assert found == tree


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(0.001, 1000),
    st.lists(st.integers(0, 99)),
    st.sampled_from(["", "1", "null", "true", "1e3", "a, b", "x (y)", "It's", "ü", "a=b", "[a]"]),
    st.text("ab ,'()[]{}:=#-1.ü", max_size=8),
    LETTERS,
)


@given(VALUES)
def test_written_values_read_the_same(value):
    assert yaml.safe_load(as_yaml(value)) == value


@settings(max_examples=60)
@given(VALUES)
def test_dvc_takes_them_for_what_they_are(value):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        # Between braces DVC would write :1 without the quotes that it needs there.
        file.write_text("a:\n  b: 1\n")
        apply_overrides(file, [f"a.b={as_yaml(value)}"])
        assert read_mapping(file) == {"a": {"b": value}}


@pytest.mark.parametrize(
    "path",
    ["/path/archive (1).zip", "/数据/新 [1].zip", "/a#b.zip", "/it's.zip", "/a,b.zip", "/a{b}=c",
     "~/x.zip", "../x", "https://host/a?b=c&d=e", "/a b ", "/a%b:c;d*e!f", "bundled:digits"],
)  # fmt: skip
def test_the_form_of_the_readme_works_for_every_path(tmp_path, path):
    """The shell reads the command first, and then DVC reads its option."""
    (form,) = re.findall(r"^dvc exp run -S (.*) report@faces$", README.read_text(), re.MULTILINE)
    shown = re.findall(r'\[\\"(.*)\\"\]', form)[0]
    word = subprocess.run(
        ["sh", "-c", f"printf %s {form.replace(shown, path)}"], capture_output=True, check=True
    ).stdout.decode()
    file = tmp_path / "params.yaml"
    file.write_text("faces:\n  download:\n    sources:\n    - x\n")
    apply_overrides(file, [word])
    assert read_mapping(file) == {"faces": {"download": {"sources": [path]}}}
