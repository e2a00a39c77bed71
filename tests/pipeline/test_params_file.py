"""The shipped params.yaml has the form in which DVC writes it."""

import shutil
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from tests.helpers.project import ROOT


@pytest.mark.parametrize(
    ("override", "lines"),
    [
        ("mnist.train.learning_rate=0.0001", ["    learning_rate: 0.0001"]),
        ("faces.train.generator.batch_norm=false", ["      batch_norm: false"]),
        ("mnist.train.init_from=null", []),  # its own value changes nothing
    ],
)
def test_an_override_changes_one_line_and_keeps_every_comment(tmp_path: Path, override, lines):
    """`dvc exp run -S` writes the whole file anew, by this function of DVC's."""
    file = tmp_path / "params.yaml"
    shutil.copy(ROOT / "params.yaml", file)
    before = file.read_text("utf-8").splitlines()

    apply_overrides(file, [override])

    after = file.read_text("utf-8").splitlines()
    assert len(after) == len(before)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [line.split("#")[0].rstrip() for line in changed] == lines
