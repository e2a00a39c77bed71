import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stages.tools.use import discriminate

SHAPE = (1, 8, 8)


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """What the command prints of two pictures and an array, with this loss."""

    def of(loss):
        return _printed(tmp_path, monkeypatch, capsys, loss)

    return of


def _printed(tmp_path, monkeypatch, capsys, loss):
    for name, level in (("b.png", 0), ("a.png", 255)):
        Image.new("L", (8, 8), level).save(tmp_path / name)
    array = tmp_path / "c.npy"
    np.save(array, np.zeros((2, *SHAPE)))
    checkpoint = SimpleNamespace(
        description=SimpleNamespace(image_shape=SHAPE), networks=lambda: (None, None)
    )
    dataset = SimpleNamespace(train=SimpleNamespace(loss=loss))
    monkeypatch.setattr(discriminate.params, "load", lambda *_: dataset)
    monkeypatch.setattr(discriminate.model, "of", lambda _: checkpoint)
    # The mean of an image, times 12.3456, is its logit.
    monkeypatch.setattr(discriminate, "logits", lambda _, x: 12.3456 * x.mean(axis=(1, 2, 3)))
    monkeypatch.setattr(sys, "argv", ["discriminate", "faces", str(tmp_path), str(array)])
    discriminate.main()
    return capsys.readouterr()


def test_small_probabilities_keep_three_digits(tmp_path, printed):
    said = printed("bce")
    assert said.out.splitlines() == [
        f"{tmp_path}/a.png\t12.35\t1.00",
        f"{tmp_path}/b.png\t-12.35\t4.35e-06",
        f"{tmp_path}/c.npy[0]\t0\t0.500",
        f"{tmp_path}/c.npy[1]\t0\t0.500",
    ]
    assert "judges pairs" not in said.err


def test_a_discriminator_of_pairs_gives_no_probability(tmp_path, printed):
    said = printed("rpgan")
    assert said.out.splitlines()[:2] == [f"{tmp_path}/a.png\t12.35", f"{tmp_path}/b.png\t-12.35"]
    assert "train.loss is rpgan, which judges pairs" in said.err
