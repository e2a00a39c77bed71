import numpy as np

from stages.gan.common.files import write_csv
from stages.gan.trained import checkpoints, choice
from tests.helpers.data import message_of


def test_the_best_is_the_kept_one_with_the_lowest_score(tmp_path):
    scores = {1: 0.1, 2: 0.4, 4: 0.2, 6: 0.2, 7: 0.3}
    for name in ("epoch-0002", "epoch-0004", "epoch-0006", checkpoints.FINAL):
        (tmp_path / name).mkdir()
        (tmp_path / name / "checkpoint.json").touch()
    assert choice.folder_of(tmp_path, "last") == tmp_path
    assert message_of(choice.folder_of, tmp_path, "best").startswith(
        f"{tmp_path}/quick_score.csv is missing"
    )
    write_csv(tmp_path / "quick_score.csv", ["epoch", "score"], scores.items())
    # Epoch 1 was not kept; of two that are equal the later one is taken.
    assert choice.folder_of(tmp_path, "best") == tmp_path / "epoch-0006"
    write_csv(tmp_path / "quick_score.csv", ["epoch", "score"], {**scores, 7: 0.05}.items())
    assert choice.folder_of(tmp_path, "best") == tmp_path / checkpoints.FINAL
    told = choice.about(tmp_path, 7)
    assert told == "of the kept checkpoints, that of epoch 7 has the lowest quick score"
    write_csv(tmp_path / "quick_score.csv", ["epoch", "score"], scores.items())
    told = choice.about(tmp_path, 6)
    assert "epoch 6 has the lowest" in told
    assert told.endswith(
        "; epoch 1 has a lower one, but was not kept: train.checkpoint_every decides"
    )
    write_csv(tmp_path / "quick_score.csv", ["epoch", "score"], {**scores, 2: np.nan}.items())
    assert choice.folder_of(tmp_path, "best") == tmp_path / "epoch-0006"
    write_csv(tmp_path / "quick_score.csv", ["epoch", "score"], {2: np.nan, 7: np.nan}.items())
    assert choice.folder_of(tmp_path, "best") == tmp_path / checkpoints.FINAL
    told = choice.about(tmp_path, 2)
    assert told == "of the kept checkpoints, that of epoch 2 has the lowest quick score"
    write_csv(tmp_path / "quick_score.csv", ["epoch", "score"], [])
    assert message_of(choice.folder_of, tmp_path, "best").endswith("run `dvc repro`")
