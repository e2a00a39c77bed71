import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import inception
from stages.gan.common.errors import UserError
from stages.gan.data.prepared import normalise


def levels(shape, count=3):
    return np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)


@pytest.mark.parametrize(("shape", "mode"), [((1, 8, 8), "L"), ((3, 8, 8), "RGB")])
def test_the_files_hold_the_images_to_the_level(tmp_path, shape, mode):
    generated, real = levels(shape), levels(shape, 2)[::-1]
    inception.write(tmp_path, normalise(generated), normalise(real))
    for name, images in (("generated", generated), ("real", real)):
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == [f"{index:05d}.png" for index in range(len(images))]
        for file, expected in zip(files, images, strict=True):
            with Image.open(file) as picture:
                assert picture.mode == mode
                pixels = np.asarray(picture).reshape(8, 8, -1).transpose(2, 0, 1)
            np.testing.assert_array_equal(pixels, expected)
    with pytest.raises(UserError, match="generated exists already: valid is a new folder"):
        inception.write(tmp_path, normalise(generated), normalise(real))


@pytest.mark.parametrize("by", inception.PACKAGES)
def test_what_is_missing_is_said(tmp_path, monkeypatch, by):
    name = inception.PACKAGES[by][1]
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=rf"^{by} is missing: python -m pip install .*inception"):
        inception.compared(tmp_path, by, None)
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda _: True)
    for weights in (None, tmp_path / "none.pth"):
        with pytest.raises(UserError, match=f"weights are missing: get {name} from https://.*"):
            inception.compared(tmp_path, by, weights)


def test_the_package_is_asked_to_compare_both_folders(tmp_path, monkeypatch):
    """With a package of the test's own: the real one needs PyTorch and the weights."""
    asked = {}

    def calculate_metrics(**options):
        asked.update(options)
        return {"frechet_inception_distance": 12.5}

    fake = SimpleNamespace(calculate_metrics=calculate_metrics)
    monkeypatch.setitem(sys.modules, "torch_fidelity", fake)
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda _: True)
    weights = tmp_path / "weights.pth"
    weights.touch()
    assert inception.compared(tmp_path, "torch-fidelity", weights) == 12.5
    assert asked["input1"] == str(tmp_path / "generated")
    assert asked["input2"] == str(tmp_path / "real")
    assert asked["feature_extractor_weights_path"] == str(weights)
    assert asked["fid"] is True


def test_clean_fid_gets_the_weights_that_are_named(tmp_path, monkeypatch):
    fake = SimpleNamespace(fid=SimpleNamespace(compute_fid=lambda *_, **__: 3.5))
    monkeypatch.setitem(sys.modules, "cleanfid", fake)
    monkeypatch.setattr(inception.importlib.util, "find_spec", lambda _: True)
    monkeypatch.setattr(inception, "_CACHE", tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"these")
    cached = tmp_path / "cache" / inception.PACKAGES["clean-fid"][1]
    for _again in range(2):
        assert inception.compared(tmp_path, "clean-fid", weights) == 3.5
        assert cached.read_bytes() == b"these"
    cached.write_bytes(b"other")
    with pytest.raises(
        UserError, match=rf"^{cached}, which clean-fid uses, differs from {weights}"
    ):
        inception.compared(tmp_path, "clean-fid", weights)
    assert cached.read_bytes() == b"other"


def test_a_generator_that_is_not_exported_is_named(tmp_path):
    with pytest.raises(UserError, match=r"generator.onnx is missing: run `dvc repro` first"):
        inception.drawn(tmp_path / "generator.onnx", 3, 1)
