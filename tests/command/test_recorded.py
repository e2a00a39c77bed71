"""What has finished is kept until dvc.lock has all its results, and no longer."""

from pathlib import Path

import pytest
import yaml

from stages import evaluate, judge
from stages.command import edits, recorded
from stages.gan import params
from stages.gan.common import unfinished
from stages.gan.common.errors import UserError
from stages.gan.common.files import remove
from stages.gan.common.locks import lock
from tests.helpers.project import ROOT

MODELS, METRICS = Path("models/mnist/checkpoints"), Path("metrics/mnist/train.json")


@pytest.fixture
def run(tmp_path, monkeypatch) -> unfinished.Run:
    """A finished run whose results are written, in a project without dvc.lock."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (MODELS / "final").mkdir(parents=True)
    (MODELS / "final/weights").write_text("weights")
    METRICS.parent.mkdir(parents=True)
    METRICS.write_text("{}")
    with unfinished.opened(Path(".scratch"), "mnist", "train", "a" * 64, print) as run:
        run.finish([MODELS, METRICS])
    return run


def note(run: unfinished.Run, **changed: str) -> None:
    """Write a dvc.lock that has the run's results, some with another hash."""
    hashes = {path: recorded.name_of(files) for path, files in run.results.items()} | changed
    outs = [{"path": path, "md5": hashed} for path, hashed in hashes.items()]
    stages = {"download@mnist": {"cmd": "no outs"}, "train@mnist": {"outs": outs}}
    recorded.LOCK.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def test_a_run_that_dvc_lock_has_goes(run):
    note(run)
    assert recorded.clear() == [run]
    assert unfinished.runs(Path(".scratch")) == []
    assert recorded.clear() == []


@pytest.mark.parametrize("out", [MODELS, METRICS])
def test_a_run_stays_while_one_result_is_not_in_dvc_lock(run, out):
    note(run, **{out.as_posix(): "0" * 32})
    assert recorded.clear() == []
    assert run.results


@pytest.mark.parametrize(
    "content", [None, "", "{", "stages: 1", "stages: {a: {outs: [1]}}", "\xff"]
)
def test_a_run_stays_where_dvc_lock_is_missing_or_damaged(run, content):
    if content is not None:
        recorded.LOCK.write_text(content, encoding="latin-1")
    assert recorded.clear() == []
    assert run.results


def test_a_run_that_has_not_finished_stays(run):
    note(run)
    (run.folder / "finished.json").unlink()
    assert recorded.clear() == []
    assert unfinished.runs(Path(".scratch")) == [run]


def test_a_run_that_a_process_uses_stays(run):
    note(run)
    with lock(run.folder / "lock", "the run"):
        assert recorded.clear() == []
    assert recorded.clear() == [run]


def test_experiments_in_a_copy_clear_the_run_in_the_project(run, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    copy.mkdir()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(copy)
    note(unfinished.Run(tmp_path / run.folder))
    assert [each.name for each in recorded.clear()] == [run.name]


DATA, OUT = Path("data/mnist/prepared"), Path("data/mnist/judge")
FILES = recorded.Files(reads=[DATA], writes=[OUT, METRICS])
SETTINGS = params.load(ROOT / "params.yaml", "mnist")


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Runs a stage as DVC does, and returns what it says, or None if it makes its results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "judge@mnist")
    monkeypatch.delenv("DVC_ROOT", raising=False)
    DATA.mkdir(parents=True)
    (DATA / "images.npy").write_text("images")
    METRICS.parent.mkdir(parents=True)

    def run(settings: params.Dataset = SETTINGS) -> str | None:
        remove(OUT)  # as DVC does
        METRICS.unlink(missing_ok=True)
        said: list[str] = []
        with recorded.kept("judge", "mnist", settings, ["judge"], FILES, said.append) as is_made:
            if not is_made:
                OUT.mkdir()
                (OUT / "state").write_text("state")
                METRICS.write_text("{}")
        assert ((OUT / "state").read_text(), METRICS.read_text()) == ("state", "{}")
        return " ".join(said) if is_made else None

    return run


def changed(**values: object) -> params.Dataset:
    section = SETTINGS.judge.model_copy(update=values)
    return SETTINGS.model_copy(update={"judge": section})


def test_what_a_stage_has_made_is_there_again_until_dvc_lock_has_it(stage):
    assert stage() is None
    for _ in range(2):
        assert "mnist: judge has finished before" in stage()
    (run,) = unfinished.runs(Path(".scratch"))
    note(run)
    assert recorded.clear() == [run]
    assert stage() is None


def test_other_data_params_or_code_are_another_stage(stage, monkeypatch):
    assert stage() is None
    assert stage(changed(seed=SETTINGS.judge.seed + 1)) is None
    train = SETTINGS.train.model_copy(update={"seed": 99})  # it does not depend on this
    assert stage(SETTINGS.model_copy(update={"train": train}))
    (DATA / "images.npy").write_text("others")
    assert stage() is None
    monkeypatch.setattr(edits, "code", dict)
    assert stage() is None
    assert len(unfinished.runs(Path(".scratch"))) == 4


def test_damaged_results_are_made_again(stage):
    assert stage() is None
    (run,) = unfinished.runs(Path(".scratch"))
    (run.folder / "results" / OUT / "state").write_text("cut")
    assert stage() is None
    assert stage()


def test_by_hand_a_stage_always_makes_its_results(stage, monkeypatch):
    monkeypatch.delenv("DVC_STAGE")
    assert [stage(), stage()] == [None, None]
    assert unfinished.runs(Path(".scratch")) == []


def test_of_a_stage_that_fails_nothing_is_kept(stage):
    with (
        pytest.raises(UserError),
        recorded.kept("judge", "mnist", SETTINGS, ["judge"], FILES, print),
    ):
        raise UserError("edited while this stage ran")
    assert unfinished.runs(Path(".scratch")) == []


def test_results_that_cannot_be_kept_are_not_lost(stage, monkeypatch):
    def full(self, results):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unfinished.Run, "keep", full)
    said = []
    files = FILES._replace(writes=[OUT])
    with recorded.kept("judge", "mnist", SETTINGS, ["judge"], files, said.append) as is_made:
        assert not is_made
        OUT.mkdir()
    assert OUT.is_dir()
    assert "the results of judge are not kept beside: [Errno 28] No space left" in said[-1]


@pytest.mark.parametrize("module", [judge, evaluate])
def test_the_files_of_a_stage_are_those_of_dvc_yaml(module):
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][module.__name__[7:]]["do"]
    files = module.files("${key}")
    code = {path for path in stage["deps"] if path.startswith("stages/")}
    assert {path.as_posix() for path in files.reads} == {*stage["deps"]} - code
    outs = [out if isinstance(out, str) else next(iter(out)) for out in stage["outs"]]
    outs += [next(iter(metric)) for metric in stage["metrics"]]
    assert sorted(path.as_posix() for path in files.writes) == sorted(outs)


def test_what_stages_pass_on_lies_in_an_out():
    # What a folder of several outs holds beside them is not in the cache. A stage that depended on
    # the folder would run again after each `dvc pull`.
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]

    def listed(stage, *kinds):
        found = [item for kind in kinds for item in stage["do"].get(kind, [])]
        return {Path(item if isinstance(item, str) else next(iter(item))) for item in found}

    made = set().union(*(listed(stage, "outs", "metrics", "plots") for stage in stages.values()))
    for name, stage in stages.items():
        for path in listed(stage, "deps"):
            is_code = path.parts[0] == "stages"
            assert is_code or made & {path, *path.parents}, (name, path)
