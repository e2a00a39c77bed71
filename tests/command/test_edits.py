import runpy
import shutil
from pathlib import Path

import pytest
import yaml

from stages import command
from stages.command import edits
from stages.gan.common.errors import UserError
from tests.helpers.data import load_params, message_of, write_params
from tests.helpers.project import ROOT, Project, make_project

USES = ("kind.network", "train")
STAGES = ("download", "preprocess", "train", "evaluate", "report", "export", "play")


@pytest.fixture
def began(tmp_path, monkeypatch):
    """The params of mnist in a folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return load_params(tmp_path, "mnist")


def test_what_was_not_touched_is_right(began):
    edits.check("mnist", began, USES)
    edits.check("mnist", began)


def test_an_edited_value_is_named_with_both_values(began, tmp_path):
    write_params(tmp_path, mnist__train__learning_rate=0.001)
    for uses in (USES, (), ("train.learning_rate",)):
        message = message_of(edits.check, "mnist", began, uses)
        assert "params.yaml: mnist.train.learning_rate was 0.0002 and is 0.001" in message
        assert "run the same command again" in message
        assert "\n" not in message


def test_an_edited_kind_is_named_by_its_place(began, tmp_path):
    faces = load_params(tmp_path, "faces")
    write_params(tmp_path, datasets__faces__network="mlp")
    message = message_of(edits.check, "faces", faces, USES)
    assert "datasets.faces.network was dcgan and is mlp" in message


@pytest.mark.parametrize(
    "change",
    [
        {"mnist__evaluate__seed": 8},
        {"mnist__preprocess__latent_size": 20},
        {"faces__train__learning_rate": 0.001},
        {"datasets__faces__network": "mlp"},
    ],
)
def test_what_the_stage_does_not_use_may_be_edited(began, tmp_path, change):
    write_params(tmp_path, **change)
    edits.check("mnist", began, USES)


def test_a_section_is_no_other_whose_name_begins_alike(began, tmp_path):
    write_params(tmp_path, mnist__train__loss_options__weight=2.0)
    edits.check("mnist", began, ("train.loss",))
    with pytest.raises(UserError):
        edits.check("mnist", began, ("train.loss_options",))


@pytest.mark.parametrize("content", ["mnist: [", "mnist: 1", None])
def test_a_file_that_cannot_be_read_any_more_is_an_edit(began, tmp_path, content):
    if content is None:
        (tmp_path / "params.yaml").unlink()
    else:
        (tmp_path / "params.yaml").write_text(content)
    message = message_of(edits.check, "mnist", began, USES)
    assert message.startswith("edited while this stage ran")
    assert "params.yaml" in message


EDIT_CODE = """
import importlib, sys
from pathlib import Path
from stages.command import edits
from stages.gan import params
from stages.gan.common import files, paths
began = params.load(paths.PARAMS, "mnist")
if sys.argv[3:]:
    importlib.import_module(sys.argv[3])
changed = Path("stages") / sys.argv[1]
content = changed.read_text()
changed.unlink()
if sys.argv[2] != "gone":
    changed.write_text(content + "#" * (sys.argv[2] == "edited"))
edits.check("mnist", began)
"""


@pytest.mark.parametrize(
    ("file", "how", "module", "used"),
    [
        ("gan/common/files.py", "edited", "", True),
        ("gan/common/files.py", "gone", "", True),
        ("gan/common/files.py", "saved as it was", "", False),
        ("gan/losses/__init__.py", "edited", "", False),
        ("gan/layers/normalisation.c", "edited", "", False),
        ("gan/layers/normalisation.c", "edited", "stages.gan.layers.kernels", True),
        ("report.py", "edited", "", False),
        ("gan/pages/templates/report.html", "edited", "stages.gan.pages", False),
        ("gan/pages/templates/report.html", "edited", "stages.report", True),
        ("gan/pages/templates/_style.html", "edited", "stages.report", True),
        ("gan/pages/templates/_charts.js", "edited", "stages.report", True),
        ("gan/pages/templates/failure.html", "edited", "stages.report", False),
        ("gan/pages/templates/failure.html", "edited", "stages.gan.pages.failure", True),
        ("gan/pages/templates/_style.html", "edited", "stages.train", False),
        ("gan/pages/play/scripts/main.js", "edited", "stages.gan.pages.play", True),
        ("gan/pages/play/texts/en/draw.yaml", "edited", "stages.report", False),
    ],
)
def test_edited_code_counts_if_it_is_in_use(tmp_path, file, how, module, used):
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    write_params(tmp_path)
    words = ["python", "-c", EDIT_CODE, file, how, *([module] if module else [])]
    done = Project(tmp_path).run(*words, check=False)
    if used:
        assert f"edited while this stage ran: stages/{file}. The results come" in done.stderr
    else:
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_watches_just_what_dvc_yaml_lists(stage, monkeypatch):
    seen = []
    monkeypatch.setattr(command, "run_stage", lambda work, *uses, **_: seen.append(uses))
    runpy.run_path(str(ROOT / "stages" / f"{stage}.py"), run_name="__main__")
    (uses,) = seen
    listed = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][stage]["do"]["params"]
    if not uses:
        assert sorted(listed) == ["${key}", "datasets.${key}", "language"]
        return
    places = [
        f"datasets.${{key}}.{name.removeprefix('kind.')}"
        if name.startswith("kind.")
        else name
        if name == "language"
        else f"${{key}}.{name}"
        for name in uses
    ]
    assert sorted(places) == sorted(listed)


# Runs the stage train of mnist; after its 5th step another learning rate is in the file.
EDITED_RUN = """
import runpy, sys
from pathlib import Path
from stages.gan.training.resume.keeper import Keeper
look = Keeper.look
def edit_at_the_fifth(self, step, row):
    if step == 5:
        file = Path("params.yaml")
        file.write_text(file.read_text().replace("learning_rate: 0.0002", "learning_rate: 0.001"))
    look(self, step, row)
Keeper.look = edit_at_the_fifth
sys.argv = ["train", "mnist"]
runpy.run_module("stages.train", run_name="__main__", alter_sys=True)
"""


@pytest.mark.pipeline
def test_a_run_whose_params_were_edited_leaves_nothing_and_loses_nothing(tmp_path):
    project: Project = make_project(tmp_path / "project")
    for stage in ("download", "preprocess"):
        project.stage(stage, "mnist")
    text = Path(project.folder / "params.yaml").read_text()
    done = project.run("python", "-c", EDITED_RUN, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: edited while this stage ran: params.yaml: mnist.train.learning_rate was 0.0002"
    )
    assert not (project.folder / "models/mnist/checkpoints").exists()
    assert not (project.folder / "metrics/mnist").exists()
    (project.folder / "params.yaml").write_text(text)
    again = project.stage("train", "mnist")
    assert "resuming after step 8 of 8" in again.stdout
    assert (project.folder / "models/mnist/checkpoints").exists()
