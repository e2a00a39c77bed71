import sys
from types import SimpleNamespace

import numpy as np
from PIL import Image

from stages.tools.use import discriminate

SHAPE = (1, 8, 8)


def test_small_probabilities_keep_three_digits(tmp_path, monkeypatch, capsys):
    for name, level in (("b.png", 0), ("a.png", 255)):
        Image.new("L", (8, 8), level).save(tmp_path / name)
    array = tmp_path / "c.npy"
    np.save(array, np.zeros((2, *SHAPE)))
    checkpoint = SimpleNamespace(
        description=SimpleNamespace(image_shape=SHAPE), networks=lambda: (None, None)
    )
    monkeypatch.setattr(discriminate.params, "check_name", lambda *_: None)
    monkeypatch.setattr(discriminate.checkpoints, "load", lambda _: checkpoint)
    # The mean of an image, times 12.3456, is its logit.
    monkeypatch.setattr(discriminate, "logits", lambda _, x: 12.3456 * x.mean(axis=(1, 2, 3)))
    monkeypatch.setattr(sys, "argv", ["discriminate", "faces", str(tmp_path), str(array)])
    discriminate.main()
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/a.png\t12.35\t1.00",
        f"{tmp_path}/b.png\t-12.35\t4.35e-06",
        f"{array}[0]\t0\t0.500",
        f"{array}[1]\t0\t0.500",
    ]
