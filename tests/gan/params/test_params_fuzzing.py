"""Whatever stands in params.yaml ends in params or in one clear line."""

import contextlib
import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.gan import params
from stages.gan.common.errors import UserError
from tests.helpers.data import SHIPPED, message_of, shipped

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=8)
    | st.dates()
    | st.binary(max_size=8)
    | st.sampled_from(["1e400", "0x_", "on", "<<", "=", "mnist", "bundled:digits"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.none() | st.integers() | st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)
# What PyYAML takes for numbers, dates, tags, aliases, merges and nesting.
PIECES = st.sampled_from(
    [
        "datasets", "mnist", ":", " ", "\n", "  ", "- ", "[", "]", "{", "}", ",", "&a ", "*a", "<<",
        "!!int ", "!!float ", "!!bool ", "!!timestamp ", "!!binary ", "!!set ", "!!omap ", "!!str ",
        "!!null ", "'", '"', "|", ">", "?", "%YAML 1.1\n", "---\n", "0x_", "0b_", "1e9", ".inf",
        ".nan", "1:2:x", "2020-99-99", "2001-01-01 00:00:00 +99:99", "~", "=", "9" * 50, "\t", "\0",
    ]
)  # fmt: skip


def outcome(file: Path, dataset: str = "mnist") -> params.Dataset | str:
    """The params, or the one line that a file ends in."""
    try:
        return params.load(file, dataset)
    except UserError as error:
        text = str(error)
        assert text
        assert len(text) < 20_000
        return text


def places(content, path=()):
    """Every place in a nested structure of mappings and lists."""
    yield path
    if isinstance(content, dict):
        for key, value in content.items():
            yield from places(value, (*path, key))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from places(value, (*path, index))


SHIPPED_CONTENT = shipped()
PLACES = [place for place in places(SHIPPED_CONTENT) if place]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("params") / "params.yaml"


@settings(max_examples=60, deadline=None)
@given(
    changes=st.dictionaries(st.sampled_from(PLACES), VALUES, min_size=1, max_size=3),
    dataset=st.sampled_from(["mnist", "faces", "", "mnist\n"]),
)
def test_any_values_at_any_places(file, changes, dataset):
    content = copy.deepcopy(SHIPPED_CONTENT)
    for place, value in changes.items():
        inner = content
        # An earlier change may have removed the place.
        with contextlib.suppress(KeyError, TypeError, IndexError):
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
    try:
        text = yaml.safe_dump(content, allow_unicode=True)
        file.write_text(text, encoding="utf-8")
    except (ValueError, TypeError):  # lone surrogates; keys of one mapping without an order
        file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    found = outcome(file, dataset)
    if isinstance(found, params.Dataset):
        assert params.Dataset.model_validate(found.model_dump()) == found


@settings(max_examples=60, deadline=None)
@given(content=VALUES)
def test_any_structure_instead(file, content):
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    assert isinstance(outcome(file), str)


@settings(max_examples=200, deadline=None)
@given(text=st.lists(PIECES, max_size=12).map("".join))
def test_any_text_instead(file, text):
    file.write_text(f"datasets: {{mnist: {{format: idx, network: mlp}}}}\nmnist: {text}\n")
    assert isinstance(outcome(file), str)
    file.write_text(text)
    assert isinstance(outcome(file), str)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damaged_bytes(file, data):
    content = bytearray(SHIPPED.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    file.write_bytes(content)
    for dataset in ("mnist", "faces"):
        outcome(file, dataset)


@pytest.mark.parametrize(
    "value",
    ["2020-99-99", "0x_", "!!bool x", "!!timestamp x", "!!int ''", "9" * 5000, "[" * 1500],
    ids=["date", "hex digits", "bool", "timestamp", "no digits", "digits", "nesting"],
)
def test_what_yamls_reader_fails_on_is_no_yaml(file, value):
    file.write_text(f"datasets: {value}")
    assert "is not valid YAML" in message_of(params.load, file, "mnist")


def test_aliases_of_aliases_take_no_time(file):
    """Ten to the power of 30 entries in a few hundred bytes, were they ever written out."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 30):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    sections = yaml.safe_dump({name: SHIPPED_CONTENT[name] for name in ("language", "datasets")})
    section = yaml.safe_dump({"mnist": SHIPPED_CONTENT["mnist"]})
    section = section.replace("epochs: 200", "epochs: *a29")
    assert "*a29" in section
    file.write_text("\n".join([sections, "faces:", *(f"  {line}" for line in lines), section]))
    text = message_of(params.load, file, "mnist")
    assert "mnist.train.epochs is [[" in text
    assert "valid is a whole number from 1 to 100000" in text
