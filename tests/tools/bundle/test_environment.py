import json
import platform
import re
import socket
from importlib.metadata import version

import pytest

from stages.tools.bundle import environment
from tests.helpers.data import message_of


def test_it_names_versions_and_kinds_and_no_machine():
    found = environment.describe()
    assert found["python"] == platform.python_version()
    assert found["packages"]["mindspore"] == version("mindspore")
    assert {"dvc", "numpy", "safetensors"} <= found["packages"].keys()
    assert "torch" not in found["packages"]  # of an extra
    text = json.dumps(found)
    assert socket.gethostname() not in re.split(r'[" ]', text)
    assert not re.search(r"[/\\]|\d{4}-\d\d", text)


def test_differences_name_both_sides():
    there = {"python": "3.11.7", "packages": {"numpy": "1.26.4", "old": "1"}}
    here = {"python": "3.11.7", "packages": {"numpy": "1.26.3", "new": "2"}}
    assert environment.differences(there, here) == [
        "new not installed, here 2",
        "numpy 1.26.4, here 1.26.3",
        "old 1, here not installed",
    ]
    assert environment.differences(here, here) == []


def test_a_package_that_is_not_there_is_said_to_be_so(monkeypatch):
    monkeypatch.setattr(environment, "requires", lambda _: ["nowhere>=1", "x; extra == 'y'"])
    assert environment.describe()["packages"] == {"nowhere": "not installed"}


def test_without_the_project_one_line_says_what_to_do(monkeypatch):
    monkeypatch.setattr(environment, "_PROJECT", "not-this-one")
    assert message_of(environment.describe).endswith("not installed here: run `make setup`")


@pytest.mark.parametrize(
    ("words", "kind"),
    [("flags : fpu avx avx2 avx512f", "avx512f"), ("flags : avx avx2", "avx2"), ("", "unknown")],
)
def test_the_widest_vectors_count(monkeypatch, words, kind):
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: words)
    assert environment.vectors() == kind
