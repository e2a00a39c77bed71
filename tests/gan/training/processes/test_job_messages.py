"""What a job reads in the logs of its ranks, in the language that the terminal speaks."""

import pytest

from stages.gan.common.language import ERROR, translated
from stages.gan.training.processes.dead_ranks import loss_of
from stages.gan.training.processes.job import _Job


@pytest.mark.parametrize("error", ["error: ", "错误："])
def test_a_ranks_error_is_found_in_each_language(tmp_path, error):
    told = []
    job = _Job(tmp_path, 2, told.append)
    (tmp_path / "worker_0.log").write_text(f"epoch 1\n{error}the loss is 3\n", encoding="utf-8")
    job._forward()
    assert told == ["epoch 1"]
    assert job._ending("rank 0") == ("the loss is 3", 1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_rank_that_knows_the_reason_is_believed(tmp_path, monkeypatch, language):
    monkeypatch.setenv("GAN_LANGUAGE", language)
    job = _Job(tmp_path, 2, print)
    job._processes = {"rank 0": None, "rank 1": None}
    for rank, message in enumerate((loss_of(1, 2), "out of memory")):
        line = translated(ERROR).format(message=message)
        (tmp_path / f"worker_{rank}.log").write_text(f"{line}\n", encoding="utf-8")
    assert str(job._error("nobody said anything")) == "rank 1: out of memory"
