"""The whole pipeline as a user runs it: dvc repro, experiments, sharing, own data."""

import ast
import io
import json
import math
import re
import shlex
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.helpers.project import ROOT, Project, imported_modules

pytestmark = pytest.mark.pipeline

DATASETS = ("mnist", "faces")
STAGES = ("download", "preprocess", "judge", "train", "evaluate", "report", "export", "play")
# Modules of a declared room that a stage does not import, with either data set or with one of them.
# They are small, and a room is easier to read than a list of files.
_MADE_LATER = {  # averages of the generator are combined by a tool
    "stages/gan/trained/averaging/profiles.py",
    "stages/gan/trained/averaging/snapshots.py",
}
# What a critic and a judge are not trained by.
_LOOKAHEAD = "stages/gan/training/optimizers/lookahead.py"
# Which checkpoint is scored: for what comes after training.
_CHOICE = "stages/gan/trained/choice.py"
# The kind mixed has layers of two other kinds, and a stage of one kind needs not both.
_MLP = {"stages/gan/networks/mlp/__init__.py", "stages/gan/networks/mlp/dense.py"}
_DCGAN = {f"stages/gan/networks/dcgan/{name}.py" for name in ("__init__", "convolution", "maps")}
_OPTIONS = {_LOOKAHEAD, "stages/gan/training/optimizers/schedules.py"}
NOT_IMPORTED = {
    "download": {"stages/gan/common/compiled.py", "stages/gan/common/tensors.py"},
    "preprocess": {
        "stages/gan/common/compiled.py",
        "stages/gan/common/tensors.py",
        "stages/gan/data/raw/idx/bundled.py",
        "stages/gan/data/raw/images/bundled.py",
        "stages/gan/data/raw/packed.py",
    },
    "judge": {"stages/gan/trained/grids.py", _CHOICE, *_OPTIONS, *_MADE_LATER},
    "train": {_CHOICE, *_MLP, *_DCGAN},
    "evaluate": {_LOOKAHEAD, *_MADE_LATER, *_MLP},
    "report": {"stages/gan/common/compiled.py"},
    "export": {
        "stages/gan/export/plain/dcgan.py",
        "stages/gan/export/plain/mixed.py",
        "stages/gan/export/plain/mlp.py",
        "stages/gan/export/plain/residual.py",
        "stages/gan/trained/grids.py",
        *_MADE_LATER,
        *_MLP,
        *_DCGAN,
    },
    "play": {"stages/gan/trained/grids.py", _CHOICE, *_OPTIONS, *_MADE_LATER},
}


def clone(original: Project, folder: Path) -> Project:
    """A git clone that shares nothing else with the original but its DVC cache by remote."""
    remote = folder.parent / f"{folder.name}-remote"
    original.run("dvc", "remote", "add", "-f", "--local", "-d", "shared", str(remote))
    original.run("dvc", "push", "-q")
    # Other tests share the original, and some ask what happens where there is no remote.
    original.run("dvc", "remote", "remove", "--local", "shared")
    original.run("git", "clone", "-q", str(original.folder), str(folder))
    copy = Project(folder)
    copy.run("dvc", "remote", "add", "-f", "--local", "-d", "shared", str(remote))
    copy.run("dvc", "pull", "-q")
    return copy


def stages_run(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


def test_it_runs_to_the_end_and_is_then_up_to_date(reproduced: Project):
    for dataset in ("mnist", "faces"):
        page = (reproduced.folder / f"reports/{dataset}/index.html").read_text()
        assert "Not the real data" in page
    again = reproduced.run("dvc", "repro")
    assert "up to date" in again.stdout
    assert not stages_run(again.stdout)


def only_says_what_the_room_is_for(file: Path) -> bool:
    """Whether an __init__.py holds its docstring at most, so that an edit changes no result."""
    body = ast.parse(file.read_text()).body
    is_docstring = [
        isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) for part in body
    ]
    return file.name == "__init__.py" and (not body or is_docstring == [True])


def test_each_stage_depends_on_all_modules_it_imports_and_on_few_others(reproduced: Project):
    lock = yaml.safe_load((reproduced.folder / "dvc.lock").read_text())["stages"]
    unused: dict[str, set[str]] = {stage: set() for stage in STAGES}
    for stage, entry in lock.items():
        name, dataset = stage.split("@")
        imported = {f"stages/{name}.py"}
        for module in imported_modules(reproduced, name, dataset):
            path = reproduced.folder / module.replace(".", "/")
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            imported.add(file.relative_to(reproduced.folder).as_posix())
        declared, rooms = set(), set()
        for dependency in entry["deps"]:
            path = Path(dependency["path"])
            folder = reproduced.folder / path
            if path.parts[0] == "stages":
                rooms |= set(path.parents)
                files = folder.rglob("*.py") if folder.is_dir() else [folder]
                declared |= {
                    file.relative_to(reproduced.folder).as_posix()
                    for file in files
                    if file.suffix == ".py"
                }
        for file in imported - declared:
            assert Path(file).parent in rooms, (stage, file)
            assert only_says_what_the_room_is_for(reproduced.folder / file), (stage, file)
        unused[name] |= {
            file
            for file in declared - imported
            if not only_says_what_the_room_is_for(reproduced.folder / file)
        }
    assert len(lock) == 2 * len(STAGES)
    assert unused == {stage: NOT_IMPORTED.get(stage, set()) for stage in STAGES}


def test_a_run_that_succeeds_imports_no_page(reproduced: Project):
    for dataset in DATASETS:
        imported = imported_modules(reproduced, "train", dataset)
        assert "stages.gan.training.watch.supervisor" in imported
        assert not {module for module in imported if module.startswith("stages.gan.pages")}


def test_all_files_have_the_mode_that_the_umask_says(reproduced: Project, tmp_path):
    (tmp_path / "file").touch()
    usual = (tmp_path / "file").stat().st_mode
    folders = [reproduced.folder / name for name in ("data", "models", "metrics", "reports")]
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 50
    assert not [file for file in files if file.stat().st_mode != usual]


def test_an_edit_of_the_pages_style_reruns_the_report_alone(reproduced, tmp_path):
    copy = clone(reproduced, tmp_path / "clone")
    style = copy.folder / "stages/gan/pages/templates/_style.html"
    style.write_text(style.read_text().replace("1.7rem", "1.8rem"))
    status = json.loads(copy.run("dvc", "status", "--json").stdout)
    assert set(status) == {f"report@{dataset}" for dataset in DATASETS}


def test_another_language_reruns_only_what_is_written_in_it(reproduced, tmp_path):
    copy = clone(reproduced, tmp_path / "clone")
    params = copy.params
    copy.write_params({**params, "language": "zh"})
    status = json.loads(copy.run("dvc", "status", "--json").stdout)
    written = {f"{stage}@{data}" for stage in ("report", "export", "play") for data in DATASETS}
    assert set(status) == written
    catalogue = copy.folder / "stages/languages/zh/LC_MESSAGES/terminal.mo"
    copy.write_params(params)
    catalogue.write_bytes(catalogue.read_bytes() + b" ")
    assert json.loads(copy.run("dvc", "status", "--json").stdout) == {}


@pytest.mark.slow
def test_a_comment_in_a_module_reruns_only_what_uses_it(reproduced, tmp_path):
    copy = clone(reproduced, tmp_path / "clone")
    module = copy.folder / "stages/gan/networks/dcgan/convolution.py"
    module.write_text(module.read_text() + "# a remark\n")
    # judges and critics convolve, too, and the kind mixed, which any data set may name; outs come
    # out the same, so what follows is up to date again
    ran = stages_run(copy.run("dvc", "repro").stdout)
    stages = ("judge", "train", "evaluate", "export", "play")
    assert ran == {f"{stage}@{dataset}" for stage in stages for dataset in DATASETS}


@pytest.mark.slow
def test_an_experiment_reruns_only_what_depends_on_its_param(reproduced, tmp_path):
    copy = clone(reproduced, tmp_path / "clone")
    experiment = copy.run(
        "dvc", "exp", "run", "-S", "mnist.train.learning_rate=0.0001", "report@mnist"
    )
    assert stages_run(experiment.stdout) == {"train@mnist", "evaluate@mnist", "report@mnist"}
    params = copy.run("dvc", "params", "diff", "--md").stdout
    assert "mnist.train.learning_rate" in params
    assert "0.0001" in params
    assert "faces" not in params
    metrics = copy.run("dvc", "metrics", "diff", "--md").stdout
    assert "bce.discriminator.value" in metrics
    table = copy.run("dvc", "exp", "show", "--csv").stdout
    assert "mnist.train.learning_rate" in table
    plots = copy.run("dvc", "plots", "diff", "-o", "plots").stdout
    assert "index.html" in plots


@pytest.mark.slow
def test_what_was_pushed_can_be_pulled_and_nothing_runs(reproduced, tmp_path):
    copy = clone(reproduced, tmp_path / "clone")
    result = copy.run("dvc", "repro")
    assert "up to date" in result.stdout
    assert not stages_run(result.stdout)
    grid = "reports/mnist/evaluation/generated.png"
    assert (copy.folder / grid).read_bytes() == (reproduced.folder / grid).read_bytes()


@pytest.mark.slow
def test_going_on_from_a_checkpoint_equals_an_unbroken_run(project: Project):
    for stage in ("download", "preprocess", "train"):
        project.stage(stage, "mnist")
    unbroken = (
        project.folder / "models/mnist/checkpoints/final/generator.safetensors"
    ).read_bytes()
    shutil.move(project.folder / "models/mnist/checkpoints/epoch-0001", project.folder / "earlier")
    params = project.params
    params["mnist"]["train"].update(epochs=1, init_from="earlier")
    project.write_params(params)
    output = project.stage("train", "mnist").stdout
    assert "beginning with earlier, epoch 1" in output
    continued = (
        project.folder / "models/mnist/checkpoints/final/generator.safetensors"
    ).read_bytes()
    assert continued == unbroken


def idx(array: np.ndarray) -> bytes:
    """Written by hand and not by the project's encoder: a set as somebody else makes it."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.slow
def test_own_data_needs_params_alone(project: Project):
    draw = np.random.default_rng(0)
    own = project.folder / "my idx"
    own.mkdir()
    for split, count in (("train", 40), ("t10k", 24)):
        images = draw.integers(0, 256, (count, 12, 12), dtype=np.uint8)
        (own / f"{split}-images-idx3-ubyte").write_bytes(idx(images))
        labels = draw.integers(0, 3, count, dtype=np.uint8)
        (own / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    folder = project.folder / "my pictures"
    folder.mkdir()
    for index in range(40):
        pixels = draw.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")

    params = project.params
    params["datasets"]["shapes"] = {"format": "idx", "network": "mlp"}
    params["datasets"]["pictures"] = {"format": "images", "network": "dcgan"}
    for name, like, source in (("shapes", "mnist", own), ("pictures", "faces", folder)):
        section = yaml.safe_load(yaml.safe_dump(params[like]))
        section["download"].update(sources=[str(source)], sha256={})
        params[name] = section
    params["shapes"]["preprocess"]["image_size"] = 12
    project.write_params(params)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    project.run("dvc", "repro", "report@shapes", "report@pictures")
    for name in ("shapes", "pictures"):
        page = (project.folder / f"reports/{name}/index.html").read_text()
        assert "Not the real data" not in page
        assert str(project.folder) not in page


def test_a_typo_ends_in_one_line_and_loses_nothing(reproduced, tmp_path):
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder)
    params = copy.params
    params["mnist"]["train"]["lerning_rate"] = 0.1
    copy.write_params(params)
    result = copy.run("dvc", "repro", "train@mnist", check=False)
    assert result.returncode != 0
    errors = [line for line in result.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert "mnist.train.lerning_rate" in errors[0]
    assert "did you mean learning_rate?" in errors[0]
    assert "Traceback" not in result.stderr
    del params["mnist"]["train"]["lerning_rate"]
    copy.write_params(params)
    mended = copy.run("dvc", "repro")
    assert "is cached - skipping run" in mended.stdout
    assert not stages_run(mended.stdout)
    assert (copy.folder / "models/mnist/checkpoints/final/checkpoint.json").exists()


def test_the_trained_model_draws_and_judges(reproduced: Project, tmp_path: Path):
    for name in ("one.png", "two.png"):
        reproduced.run(
            "python", "-m", "stages", "generate", "mnist", "--seed", "7", "--count", "4",
            "--output", str(tmp_path / name),
        )  # fmt: skip
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    folder = tmp_path / "single"
    reproduced.run(
        "python", "-m", "stages", "generate", "faces", "--count", "3", "--output", str(folder)
    )
    pictures = sorted(folder.iterdir())
    assert len(pictures) == 3
    judge = ("python", "-m", "stages", "discriminate", "faces")
    said = reproduced.run(*judge, *map(str, pictures)).stdout
    assert said == reproduced.run(*judge, str(folder)).stdout
    rows = [line.split("\t") for line in said.splitlines()]
    assert [name for name, _, _ in rows] == [str(picture) for picture in pictures]
    for _, logit, chance in rows:
        assert float(chance) == pytest.approx(1 / (1 + math.exp(-float(logit))), rel=0.01)
    wrong = tmp_path / "wrong.png"
    buffer = io.BytesIO()
    Image.new("RGB", (5, 7)).save(buffer, "PNG")
    wrong.write_bytes(buffer.getvalue())
    result = reproduced.run(
        "python", "-m", "stages", "discriminate", "faces", str(wrong), check=False
    )
    assert result.returncode == 1
    assert "5 x 7 pixels: valid is 16 x 16" in result.stderr


@pytest.mark.slow
def test_a_data_set_with_a_chinese_name_goes_all_the_way(copied: Project):
    params = copied.params
    params["datasets"]["数字"] = params["datasets"]["mnist"]
    params["数字"] = params["mnist"]
    copied.write_params(params)
    targets = ["report@数字", "play@数字"]
    assert "train@数字" in stages_run(copied.run("dvc", "repro", *targets).stdout)
    assert "didn't change" in copied.run("dvc", "repro", *targets).stdout
    for name in ("generator.onnx", "generator.mindir", "README.md"):
        ours = (copied.folder / "models/数字/export" / name).read_bytes()
        # Only the card has the data set's name.
        theirs = (copied.folder / "models/mnist/export" / name).read_bytes()
        assert ours == theirs or name == "README.md"
    assert "all match dvc.lock" in copied.run("python", "-m", "stages", "verify", "数字").stdout
    assert "bundles/数字.zip" in copied.run("python", "-m", "stages", "bundle", "数字").stdout
    copied.run("python", "-m", "stages", "bundle", "--check", "bundles/数字.zip")


def test_experiments_are_readable_in_a_terminal_of_160_columns(copied: Project):
    change = ("-S", "mnist.evaluate.seed=9", "evaluate@mnist")
    copied.run("dvc", "exp", "run", "-q", "-n", "other", *change)
    text = (ROOT / "docs/experiments.md").read_text()
    (options,) = re.findall(r"^dvc exp show (.*)$", text, re.MULTILINE)
    making = (ROOT / "Makefile").read_text().replace("$(or $(DATASET),mnist)", "mnist")
    assert f"dvc exp show {options}\n" in making
    show = ["dvc", "exp", "show", "--no-pager", *shlex.split(options)]
    tables = [copied.run(*show, COLUMNS="160", LC_ALL="C.UTF-8").stdout]
    diff = copied.run("dvc", "metrics", "diff", "HEAD", "other").stdout
    # The tiny run has too few faces to score. Once both data sets have scores, DVC names the file.
    faces = copied.folder / "metrics/faces/evaluate.json"
    assert "null" in faces.read_text()
    faces.write_text(faces.read_text().replace("null", "0.5"))
    tables.append(copied.run(*show, COLUMNS="160", LC_ALL="C.UTF-8").stdout)
    file = "metrics/mnist/evaluate.json:"
    assert [f"{file}quality" in table for table in tables] == [False, True]
    for table in tables:
        assert table.count("quality.") == table.count("quality.frechet_distance.value") == 1
        assert "mnist.evaluate.seed" in table
        assert "\u2026" not in table  # nothing is cut off
    for line in [*tables[0].splitlines(), *tables[1].splitlines(), *diff.splitlines()]:
        assert len(line.rstrip()) <= 160
    assert len(diff.splitlines()) <= 40
