from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.gan.common.errors import UserError
from stages.tools.dvc import pipeline as locked
from stages.tools.verify.damage import check
from tests.helpers.data import message_of
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline


def test_stages_have_their_data_set_outs_and_dependencies(copied):
    pipeline = locked.read()
    assert {stage.dataset for stage in pipeline.stages} == {"mnist", "faces"}
    (train,) = (stage for stage in pipeline.stages if stage.name == "train@mnist")
    outs = {out.path: out for out in train.outs}
    assert set(outs) == {
        "models/mnist/checkpoints", "reports/mnist/training/animation.gif",
        "reports/mnist/training/epochs", "reports/mnist/training/verdict.json",
        "metrics/mnist/train.json", "metrics/mnist/history.csv", "metrics/mnist/history_steps.csv",
    }  # fmt: skip
    models = outs["models/mnist/checkpoints"]
    assert models.md5.endswith(".dir")
    assert models.cached
    assert not outs["metrics/mnist/train.json"].cached
    assert "data/mnist/prepared" in {item.path for item in train.dependencies}
    assert pipeline.unknown == train.changed == ()
    assert pipeline.cache == copied.folder / ".dvc/cache/files/md5"
    assert not pipeline.has_remote


def test_cache_and_remote_are_those_of_dvcs_settings(copied, tmp_path):
    copied.run("dvc", "cache", "dir", "--local", str(tmp_path / "elsewhere"))
    copied.run("dvc", "remote", "add", "-q", "--local", "shared", str(tmp_path / "remote"))
    pipeline = locked.read()
    assert pipeline.cache == tmp_path / "elsewhere/files/md5"
    assert pipeline.has_remote


def test_changed_command_and_params_are_named(copied):
    params = copied.params
    params["faces"]["evaluate"]["seed"] = 77
    copied.write_params(params)
    file = Path("dvc.yaml")
    file.write_text(
        file.read_text().replace("python -m stages.download", "python3 -m stages.download")
    )
    changed = {stage.name: stage.changed for stage in locked.read().stages if stage.changed}
    assert changed == {
        "download@mnist": ("its command",),
        "download@faces": ("its command",),
        "evaluate@faces": ("params.yaml (faces.evaluate)",),
        "report@faces": ("params.yaml (faces)",),
    }


def test_outside_of_the_project_one_line_says_where_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message_of(locked.read).startswith("dvc.lock is not here: run this from the project's")


def test_without_dvc_one_line_says_so(copied):
    Path(".dvc").rename("away")
    assert "you are not inside of a DVC repository" in message_of(locked.read)


def test_a_merge_that_is_not_finished_is_named(copied):
    lock = Path("dvc.lock")
    text = lock.read_text()
    lock.write_text(f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n")
    assert message_of(locked.read).startswith("dvc.lock holds both sides of a merge: choose one")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[", b"[1]", b"5", b"stages: 3", b"schema: '1.0'", b"\xff\xfe\x00", b"\0", b"[" * 999,
        b"schema: '2.0'\nstages:\n  report@mnist: 3", b"schema: '2.0'\nstages: {a: {outs: []}}",
        b"schema: 2020-99-99", b"schema: 0x_", b"schema: !!bool x", b"? {}\n: 1",
    ],
)  # fmt: skip
def test_a_lock_of_something_else_ends_in_one_line(copied, content):
    Path("dvc.lock").write_bytes(content)
    assert "dvc.lock" in message_of(locked.read)


@pytest.mark.parametrize("content", ["[", "stages: 3", "stages: {a: {cmd: [}}", "${x}"])
def test_a_garbled_pipeline_ends_in_one_line(copied, content):
    Path("dvc.yaml").write_text(content)
    assert "dvc.yaml" in message_of(locked.read)


def test_garbled_params_end_in_one_line(copied):
    Path("params.yaml").write_text("datasets: [")
    assert "params.yaml" in message_of(locked.read)


@pytest.mark.parametrize("content", ["schema: '2.0'\n", "schema: '2.0'\nstages: {}\n"])
def test_an_empty_lock_has_nothing(copied, content):
    Path("dvc.lock").write_text(content)
    pipeline = locked.read()
    assert {out.md5 for stage in pipeline.stages for out in stage.outs} == {None}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_lock_is_read_or_ends_in_one_line(copied: Project, data):
    lock = Path("dvc.lock")
    original = lock.read_bytes()
    try:
        content = bytearray(original)
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        lock.write_bytes(content)
        try:
            pipeline = locked.read()
        except UserError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            check(pipeline, pipeline.stages)
    finally:
        lock.write_bytes(original)
