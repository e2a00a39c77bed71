import numpy as np
import pytest

from stages.gan.training.progress import ProgressBar, lecture_line

MEANS = {
    "discriminator_loss": 27.631021,
    "generator_loss": -0.0,
    "real_probability": 1.0,
    "fake_probability": 0.25,
}


def said(capsys, lecture_log: bool) -> str:
    with ProgressBar(3, lecture_log) as bar:
        for _ in range(2):
            bar.advance(np.array([1.5, 0.5, 0.6, 0.4], np.float32))
        bar.finish_epoch(7, MEANS)
    return capsys.readouterr().out


def test_an_epoch_is_one_line(capsys):
    (line,) = said(capsys, lecture_log=False).splitlines()
    assert line.startswith("epoch 7: loss d 27.6310 g -0.0000, D(x) 1.000, D(G(z)) 0.250; ")
    assert "steps/s" in line


def test_the_lectures_line_instead(capsys):
    assert said(capsys, lecture_log=True) == "loss d:13.815511, loss g:-0.000000\n"


@pytest.mark.parametrize(
    ("d", "g", "line"),
    [
        (1.386294, 0.693147, "loss d:0.693147, loss g:0.693147"),
        (float("nan"), float("inf"), "loss d:nan, loss g:inf"),
    ],
)
def test_the_discriminators_sum_is_halved(d, g, line):
    assert lecture_line(d, g) == line
