import json

import numpy as np
import pytest
from PIL import Image

from stages.gan import networks
from stages.gan.common import paths
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation import judge, scoring
from stages.gan.evaluation.judge import storage
from stages.gan.trained import checkpoints
from stages.gan.trained.averaging.snapshots import Combined
from stages.gan.trained.sampling import generate
from stages.tools.average import sweep
from tests.helpers.data import load_params
from tests.helpers.judge import SETTINGS, split
from tests.helpers.training.network import as_if_trained, describe
from tests.helpers.training.steps import optimize

LENGTHS = (0.05, 0.2)
EVALUATION_SEED = 7


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """The results of a sweep over two lengths, in a folder; and the averages."""
    folder = tmp_path_factory.mktemp("sweep")
    splits = {"train": split(100, labelled=True), "test": split(80, labelled=True, seed=1)}
    made = judge.make(splits["train"], splits["test"], SETTINGS)
    evaluate = load_params(
        folder,
        "mnist",
        mnist__evaluate__seed=EVALUATION_SEED,
    ).evaluate
    description = describe("mlp")
    pair = as_if_trained(description, 1)
    parts = checkpoints.parts(*pair, optimize(pair, 0.1))
    averages = [
        Combined(
            length,
            {p.name: p.asnumpy() for p in as_if_trained(description, seed)[0].get_parameters()},
            0.01,
        )
        for seed, length in enumerate(LENGTHS, start=2)
    ]
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(prepared, "load", lambda _, name: splits[name])
        paths.judge("mnist").mkdir(parents=True)
        storage.save(paths.judge("mnist"), made, splits)
        checkpoints.save(folder / "final", description, parts, 1, 9)
        (folder / "swept").mkdir()
        checkpoint = checkpoints.load(folder / "final")
        sweep.write(folder / "swept", "mnist", evaluate, checkpoint, averages, said.append)
    return folder / "swept", pair[0], averages, said


def test_each_length_and_the_last_step_are_scored(swept):
    folder, _, _, said = swept
    found = json.loads((folder / "scores.json").read_text())
    assert (found["step"], found["samples"]) == (9, 80)
    assert [row["length"] for row in found["averages"]] == [None, *LENGTHS]
    assert [row["profile_error"] for row in found["averages"]] == [None, 0.01, 0.01]
    values = []
    for row in found["averages"]:
        assert tuple(row["quality"]) == scoring.QUALITY
        values.append(row["quality"]["frechet_distance"]["value"])
    assert len(set(values)) == 3
    assert [line.split(":")[1].strip() for line in said] == [
        "the last step, without an average",
        "length 0.05, combined with an error of 1.0%",
        "length 0.2, combined with an error of 1.0%",
    ]
    assert f"frechet_distance {values[1]:.4g}, " in said[1]


def test_each_length_is_a_row_of_the_same_codes(swept):
    folder, generator, averages, _ = swept
    with Image.open(folder / "sweep.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    # Rows of images of 8 pixels with lines of 2 around them, beside the labels.
    assert pixels.shape == (3 * 10 + 2, sweep.MARGIN + 10 * 10 + 2, 3)
    other = networks.build(describe("mlp"))[0]
    codes = latent_codes(stream(EVALUATION_SEED, "evaluation latents"), 80, 6)[: sweep.COLUMNS]
    for row, average in enumerate((None, *averages)):
        used = generator
        if average is not None:
            average.put_into(other)
            used = other
        drawn = pixels[2 + 10 * row : 10 + 10 * row, sweep.MARGIN :, 0]
        for column, image in enumerate(prepared.to_pixels(generate(used, codes))):
            place = slice(2 + 10 * column, 10 + 10 * column)
            np.testing.assert_array_equal(drawn[:, place], image[0])
        assert (pixels[10 * row : 10 * row + 12, : sweep.MARGIN] < 128).any()
