import numpy as np
import pytest
from PIL import Image

from benchmarks import nearness
from stages.gan import params
from stages.gan.common import paths
from stages.gan.data import prepared

pytestmark = pytest.mark.pipeline


def test_held_out_and_generated_images_are_told_and_shown(
    reproduced, tmp_path, monkeypatch, capsys
):
    file = tmp_path / "near.png"
    monkeypatch.setattr("sys.argv", ["nearness", "mnist", str(file), str(reproduced.folder)])
    nearness.main()
    held_out, generated = capsys.readouterr().out.splitlines()
    count = len(prepared.load(reproduced.folder / paths.prepared("mnist"), "test"))
    # All that is not farther than the lowest hundredth, with interpolation between the first two.
    assert held_out.startswith(
        f"held-out: {1 + (count - 1) // 100} of {count:,} are near; of class"
    )
    assert generated.startswith(f"{reproduced.folder.name}: ")
    columns = 2 + nearness.SHOWN * 30
    with Image.open(file) as picture:
        assert picture.size == (columns, 2 + 4 * 30)


def test_copies_of_training_images_are_near_and_shown_above_themselves(reproduced, monkeypatch):
    known = prepared.load(reproduced.folder / paths.prepared("mnist"), "train").images[:]
    monkeypatch.setattr(
        nearness, "generate", lambda _, codes, kept_as: kept_as(np.float32(known[: len(codes)]))
    )
    lines, rows = nearness.look("mnist", [reproduced.folder])
    count = params.load(reproduced.folder / paths.PARAMS, "mnist").evaluate.samples
    assert lines[1].startswith(f"{reproduced.folder.name}: {count} of {count} are near; of class")
    generated, nearest = np.split(rows, 4)[2:]
    np.testing.assert_array_equal(generated, nearest)


def test_classes_without_near_images_are_left_out():
    classes = np.array([0, 1, 1, 2])
    near = np.array([False, True, True, False])
    told = nearness.summary("x", classes, near, 3)
    assert told == "x: 2 of 4 are near; of class 1: 2 of 2"
