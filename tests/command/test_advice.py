"""Every command that a message or a page prints is run as printed, where it is printed, and helps.

ADVICE lists every piece, and a test finds those that the list lacks. A new message with a command
needs an entry here, and a test that goes through with it.
"""

import ast
import html
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from stages.gan import pages
from stages.gan.common import paths
from stages.tools.compare import __main__ as compare
from stages.tools.dvc import pipeline, revisions
from tests.helpers.data import message_of, tree
from tests.helpers.project import ROOT, Project, commit
from tests.helpers.texts import advice

HERE = "tests/command/test_advice.py::"
BROKEN = f"{HERE}test_what_is_missing_or_damaged_is_mended_by_the_command_that_is_told"
REPAIR = "tests/tools/verify/test_repair.py::"
SETUP = "tests/pipeline/test_setup.py::test_what_it_advises_is_enough"
LIMITS = "tests/tools/dvc/test_limits.py::"
REMOTES = "tests/tools/sweep/test_cluster.py::test_without_remotes_or_a_scheduler_it_ends_in_a_line"
# `make setup` itself takes minutes and a network: `make test` runs it before any test.
ALL = "Makefile::setup"
NONE = "no advice: "
ADVICE = {
    ("__main__.py", "dvc repro"): NONE + "it says what runs the stages",
    ("__main__.py", "python -m stages COMMAND [ARGUMENT ...]; COMMAND --help lists its arguments"):
        NONE + "a usage line",
    ("command/arguments.py", "python -m stages {}"): NONE + "a usage line",
    ("gan/common/files.py", "dvc repro"): BROKEN,
    ("gan/common/paths.py", "{}cp -r {} {}"): "tests/gan/common/test_paths.py::"
        "test_a_stages_own_result_is_refused_and_the_copy_that_is_told_is_taken",
    ("gan/common/paths.py", "dvc checkout {} &&"): f"{HERE}test_an_own_result_is_copied_first",
    ("gan/data/prepared/__init__.py", "dvc repro"): BROKEN,
    ("gan/data/prepared/arrays.py", "dvc repro"): BROKEN,
    ("gan/data/raw/account.py", "dvc repro"): BROKEN,
    ("gan/data/raw/idx/values.py", "dvc repro"):
        f"{HERE}test_a_file_that_an_older_source_json_does_not_name_is_fetched",
    ("gan/evaluation/judge/__init__.py", "dvc repro"):
        f"{HERE}test_results_of_other_params_are_made_again",
    ("gan/evaluation/scoring.py", "dvc repro"):
        f"{HERE}test_results_of_other_params_are_made_again",
    ("gan/pages/__init__.py", "dvc exp run -S {} report@{}"):
        f"{HERE}test_a_change_that_a_page_proposes_is_one_word_of_the_shell",
    ("gan/pages/__init__.py", "dvc repro"): BROKEN,
    ("gan/pages/charts/vega.py", "make setup"): ALL,
    ("gan/pages/epochs.py", "dvc repro"): BROKEN,
    ("gan/pages/play/layers.py", "dvc repro"): BROKEN,
    ("gan/pages/play/pictures.py", "dvc repro"): BROKEN,
    ("gan/pages/templates/report.html", "dvc repro play@{{ dataset }}"):
        f"{HERE}test_a_stale_bundle_is_packed_after_the_command_that_is_told",
    ("gan/pages/templates/report.html", "python -m stages recipe"):
        "tests/tools/recipe/test_recipe_command.py::test_without_a_name_all_are_listed",
    ("gan/pages/templates/report.html", "python -m stages recipe NAME"):
        "tests/tools/recipe/test_recipe_command.py::"
        "test_it_is_an_experiment_of_that_name_with_the_users_own_changes_last",
    ("gan/pages/templates/side_by_side.html", "dvc exp apply"): NONE + "a caution about it",
    ("gan/pages/templates/side_by_side.html", "dvc params diff A B"):
        f"{HERE}test_runs_are_compared_and_taken_by_the_commands_of_their_page",
    ("gan/trained/checkpoints.py", "dvc checkout"): BROKEN,
    ("gan/trained/checkpoints.py", "dvc repro"):
        f"{HERE}test_results_of_other_params_are_made_again",
    ("gan/trained/choice.py", "dvc repro"):
        f"{HERE}test_checkpoints_with_quick_scores_are_made_again",
    ("gan/common/unfinished.py", "python -m stages scratch clear {}"):
        f"{HERE}test_a_finished_training_is_taken_up_or_cleared",
    ("tools/bundle/environment.py", "make setup"): ALL,
    ("tools/bundle/pack.py", "dvc repro report@{} play@{}"):
        f"{HERE}test_a_stale_bundle_is_packed_after_the_command_that_is_told",
    ("tools/bundle/pack.py", "python -m stages verify {}"):
        f"{HERE}test_a_damaged_file_is_named_for_a_bundle_and_repaired",
    ("tools/compare/__main__.py", "dvc exp apply {}"):
        f"{HERE}test_runs_are_compared_and_taken_by_the_commands_of_their_page",
    ("tools/compare/__main__.py", "dvc exp pull {} {}"): "tests/tools/compare/"
        "test_compare_command.py::"
        "test_a_picture_that_is_not_here_is_named_with_a_command_that_brings_it",
    ("tools/compare/__main__.py", "dvc fetch --all-commits {}"): "tests/tools/compare/"
        "test_compare_command.py::"
        "test_a_picture_that_is_not_here_is_named_with_a_command_that_brings_it",
    ("tools/compare/__main__.py", "dvc pull {}"): "tests/tools/verify/test_repair.py::"
        "test_file_and_copy_are_fetched_where_there_is_a_remote",
    ("tools/compare/__main__.py", "dvc repro evaluate@{}"):
        f"{HERE}test_a_picture_without_a_remote_is_made_again",
    ("tools/compare/__main__.py", "git checkout {} && dvc repro evaluate@{}"):
        f"{HERE}test_a_picture_without_a_remote_is_made_again",
    ("tools/dvc/limits.py", "dvc exp run"): NONE + "it names what still works",
    ("tools/dvc/limits.py", "dvc exp run report@{}"):
        f"{HERE}test_a_data_set_that_dvc_cannot_name_is_set_in_the_file",
    ("tools/dvc/limits.py", "git clone --depth"): NONE + "it names what made the clone shallow",
    ("tools/dvc/limits.py", "git fetch --unshallow"):
        f"{LIMITS}test_a_shallow_clone_is_told_and_the_command_mends_it",
    ("tools/dvc/limits.py", "mv {} {} && cd {} && make clean-venv setup"):
        f"{LIMITS}test_a_path_at_which_copies_fail_is_told_and_the_project_can_be_moved",
    ("tools/dvc/limits.py", "git checkout HEAD -- {}"):
        f"{LIMITS}test_an_emptied_configuration_is_told_and_the_command_brings_it_back",
    ("tools/dvc/clones.py", "git add .dvc"):
        "tests/tools/dvc/test_clones.py::test_a_project_without_dvc_is_told",
    ("tools/dvc/clones.py", "git {} failed: {}"): NONE + "it names what failed",
    ("tools/dvc/commands.py", "dvc {}"): NONE + "it names what failed",
    ("tools/dvc/limits.py", "git config --global {} {} && git config --local --unset-all {}"):
        f"{LIMITS}test_a_setting_of_git_that_is_not_ascii_is_told_and_can_be_moved",
    ("tools/dvc/limits.py", "mv {} {}"):
        f"{LIMITS}test_a_cache_at_a_path_that_is_not_ascii_is_told_and_can_be_moved",
    ("tools/dvc/limits.py", "dvc cache dir --local {} && {}"):
        f"{LIMITS}test_a_cache_at_a_path_that_is_not_ascii_is_told_and_can_be_moved",
    ("tools/course/__main__.py", "make course"): NONE + "it installs packages",
    ("tools/course/places.py", "dvc repro {}"): BROKEN,
    ("tools/dvc/limits.py", "dvc remote add"): NONE + "it names what emptied the file",
    ("tools/dvc/pipeline.py", "dvc repro"): f"{HERE}test_a_merge_is_ended",
    ("tools/dvc/pipeline.py", "git checkout --theirs {}"): f"{HERE}test_a_merge_is_ended",
    ("tools/recipe/__main__.py", "dvc exp run"): NONE + "the help of an argument",
    ("tools/recipe/__main__.py", "dvc {}"): NONE + "it names what it runs itself",
    ("tools/sweep/__main__.py", "python -m stages sweep {}"):
        "tests/tools/sweep/test_sweep_command.py::",
    ("tools/sweep/__main__.py", "dvc repro {}"): NONE + "it names what saves time",
    ("tools/sweep/cluster.py", "dvc remote add -d NAME URL"): REMOTES,
    ("tools/sweep/cluster.py", "git pull"): NONE + "it names what helps on another machine",
    ("tools/sweep/cluster.py", "git remote add {} URL"): REMOTES,
    ("tools/upkeep/messages/catalogues.py", "python -m stages messages"):
        "tests/tools/upkeep/messages/test_messages_command.py::",
    ("tools/upkeep/plots_page.py", "dvc config"): NONE + "it names what failed",
    ("tools/upkeep/scratch.py", "dvc repro"):
        f"{HERE}test_a_finished_training_is_taken_up_or_cleared",
    ("tools/upkeep/smoke.py", "make setup"): ALL,
    ("tools/verify/__main__.py", "dvc commit -f {}"):
        f"{HERE}test_a_stage_that_was_run_by_hand_is_kept_or_taken_back",
    ("tools/verify/damage.py", "dvc repro"):
        f"{HERE}test_a_stale_bundle_is_packed_after_the_command_that_is_told",
    ("tools/verify/repair.py", "cp -f {} {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "dvc checkout {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "dvc commit -f {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "dvc pull {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "dvc repro -f -s {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "dvc repro {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "git checkout HEAD -- {}"): f"{REPAIR}",
    ("tools/verify/repair.py", "rm {} {}"): f"{REPAIR}",
}  # fmt: skip
CODE_OF_THE_CARD = "gan/export/model_card.py"  # tests/stages/test_export.py runs its examples


def test_every_piece_of_advice_is_in_the_list():
    found = {piece for piece in advice.pieces() if piece[0] != CODE_OF_THE_CARD}
    assert found - ADVICE.keys() == set(), "write a test that runs it, and list it"
    assert ADVICE.keys() - found == set(), "no message gives this advice any more"


@pytest.mark.parametrize("place", sorted({p for p in ADVICE.values() if not p.startswith(NONE)}))
def test_every_test_in_the_list_is_there(place):
    file, _, name = place.partition("::")
    text = (ROOT / file).read_text(encoding="utf-8")
    if file == "Makefile":
        assert f"\n{name}: " in text
    else:
        names = {each.name for each in ast.parse(text).body if isinstance(each, ast.FunctionDef)}
        assert name in names if name else any(each.startswith("test_") for each in names)


def test_a_command_is_found_in_each_form_of_a_message():
    assert advice.commands("x is missing: run `dvc repro` first") == ["dvc repro"]
    assert advice.commands("to resume: python -m stages sweep a") == ["python -m stages sweep a"]
    assert advice.commands("`a` and `git status`, then `make setup`") == [
        "git status",
        "make setup",
    ]
    assert advice.commands("the dvc.lock of git") == []


def remove(project: Project, told: str) -> None:
    """Remove the file or folder that a message begins with, if it says so."""
    if "remove it and run" in told or "remove the folder and run" in told:
        path = Path(re.split(r" (?:is|does|and|has|it|files|hold|do) ", told)[0])
        place = project.folder / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def follow(project: Project, told: str) -> None:
    """Do what a message says: remove the file that it begins with, and run its command."""
    remove(project, told)
    for command in advice.commands(told):
        project.run("sh", "-c", command)


def told_by(project: Project, *command: str) -> str:
    """The error of a command that must fail, in one line."""
    ended = project.run("python", "-m", *command, check=False)
    assert ended.returncode == 1, ended.stdout
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    return line.removeprefix("error: ")


# What a stage reads, and what is there instead of it; None is nothing.
BREAKS = {
    "JSON is missing": ("report", "metrics/mnist/scores.json", None),
    "JSON is damaged": ("report", "metrics/mnist/scores.json", b"{"),
    "JSON lacks a key": ("report", "metrics/mnist/scores.json", b"{}"),
    "a table is missing": ("report", "metrics/mnist/history.csv", None),
    "a table is damaged": ("report", "metrics/mnist/history.csv", b"epoch\nx\n"),
    "a picture": ("report", "reports/mnist/evaluation/generated.png", None),
    "all grids of epochs": ("report", "reports/mnist/training/epochs", None),
    "all grids, to play with": ("play", "reports/mnist/training/epochs", None),
    "an exported network": ("play", "models/mnist/export/generator.onnx", None),
    "a damaged network": ("play", "models/mnist/export/generator.onnx", b"x"),
    "an array": ("judge", "data/mnist/prepared/train_images.npy", None),
    "a damaged array": ("judge", "data/mnist/prepared/train_images.npy", b"x"),
    "raw data": ("preprocess", "data/mnist/raw/train-images-idx3-ubyte", None),
    "a damaged checkpoint": (
        "evaluate", "models/mnist/checkpoints/final/generator.safetensors", b"x"
    ),
}  # fmt: skip


def content_of(place: Path) -> dict[str, bytes] | bytes | None:
    """What is at a place: a folder's files, or a file's bytes."""
    if place.is_dir():
        return tree(place)
    return place.read_bytes() if place.exists() else None


def put(place: Path, content: dict[str, bytes] | bytes | None) -> None:
    """Have that there, and nothing else."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    if isinstance(content, dict):
        for name, part in content.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(part)
    elif content is not None:
        place.write_bytes(content)


@pytest.fixture(scope="module")
def broken(reproduced: Project, tmp_path_factory: pytest.TempPathFactory):
    """What was told of each break, and what was there when its command had run; and before.

    Each stage meets one break at a time. Then what was told is done about all of them, and the
    commands, which are the same for many, run once for as many breaks as go together: those of one
    file do not, if they leave it differently, and no command runs that was not told.
    """
    project = Project(tmp_path_factory.mktemp("broken") / "project")
    shutil.copytree(reproduced.folder, project.folder, symlinks=True)
    sound = {file: content_of(project.folder / file) for _, file, _ in BREAKS.values()}
    told = {}
    # The commands, and each file with the break that leaves it as it is then.
    rounds: list[tuple[list[str], dict[str, str]]] = []
    left = {}
    for name, (stage, file, content) in BREAKS.items():
        place = project.folder / file
        put(place, content)
        told[name] = told_by(project, f"stages.{stage}", "mnist")
        remove(project, told[name])
        left[name] = content_of(place)
        put(place, sound[file])
        commands = advice.commands(told[name])
        for others, together in rounds:
            alike = file not in together or left[together[file]] == left[name]
            if others == commands and alike:
                together.setdefault(file, name)
                break
        else:
            rounds.append((commands, {file: name}))
    found = {}
    for commands, together in rounds:
        for file, name in together.items():
            put(project.folder / file, left[name])
        for command in commands:
            project.run("sh", "-c", command)
        for name, (_, file, _) in BREAKS.items():
            alike = file in together and left[together[file]] == left[name]
            if alike and advice.commands(told[name]) == commands:
                found[name] = content_of(project.folder / file)
    return told, found, sound


@pytest.mark.pipeline
@pytest.mark.parametrize("name", BREAKS)
def test_what_is_missing_or_damaged_is_mended_by_the_command_that_is_told(broken, name):
    told, found, sound = broken
    assert advice.commands(told[name])
    assert found[name] == sound[BREAKS[name][1]]


@pytest.mark.pipeline
def test_a_file_that_an_older_source_json_does_not_name_is_fetched(copied):
    raw = copied.folder / "data/mnist/raw"
    source = json.loads((raw / "source.json").read_text())
    del source["bytes"]
    (raw / "source.json").unlink()
    (raw / "source.json").write_text(json.dumps(source))
    (raw / "train-images-idx3-ubyte").unlink()
    follow(copied, told_by(copied, "stages.preprocess", "mnist"))
    copied.stage("preprocess", "mnist")


@pytest.mark.slow
@pytest.mark.pipeline
def test_results_of_other_params_are_made_again(copied):
    params = copied.params
    params["mnist"]["preprocess"]["image_size"] = 20
    copied.write_params(params)
    copied.stage("preprocess", "mnist")
    told = told_by(copied, "stages.evaluate", "mnist")
    assert "run `dvc repro`" in told
    follow(copied, told)
    copied.stage("evaluate", "mnist")


@pytest.mark.slow
@pytest.mark.pipeline
def test_checkpoints_with_quick_scores_are_made_again(copied):
    params = copied.params
    params["mnist"]["train"].update(quick_score=20, epochs=1)
    params["mnist"]["evaluate"]["checkpoint"] = "best"
    copied.write_params(params)
    copied.stage("train", "mnist")
    scores = copied.folder / paths.models("mnist") / paths.QUICK_SCORES
    scores.write_text(scores.read_text().splitlines()[0] + "\n")
    told = told_by(copied, "stages.evaluate", "mnist")
    assert "holds no checkpoint that has a quick score" in told
    follow(copied, told)
    copied.stage("evaluate", "mnist")


@pytest.mark.parametrize("value", [0.5, "hinge", None, ["color", "cutout"], "it's"])
def test_a_change_that_a_page_proposes_is_one_word_of_the_shell(value):
    """`tests/pipeline` runs such a command; DVC's own reader of -S is tried in test_yaml_files."""
    (command,) = pages.commands("mnist", [{"param": "train.loss", "value": value}])
    words = shlex.split(command)
    assert words[:4] == ["dvc", "exp", "run", "-S"]
    assert words[5:] == ["report@mnist"]
    assert words[4].startswith("mnist.train.loss=")
    assert pages.commands("数字", [{"param": "train.loss", "value": value}]) == [""]


@pytest.mark.pipeline
def test_an_own_result_is_copied_first(copied):
    params = copied.params
    params["mnist"]["train"].update(init_from="models/mnist/checkpoints/final", epochs=1)
    copied.write_params(params)
    ended = copied.run("dvc", "repro", "train@mnist", check=False)
    assert ended.returncode != 0
    (told,) = [line for line in ended.stderr.splitlines() if line.startswith("error: mnist.train")]
    command, other = re.findall(
        r"copy it \(`(.*)`\), then set mnist.train.init_from to (.*)", told
    )[0]
    copied.run("sh", "-c", command)
    params["mnist"]["train"]["init_from"] = other
    copied.write_params(params)
    assert f"beginning with {other}" in copied.run("dvc", "repro", "train@mnist").stdout


@pytest.mark.pipeline
def test_a_finished_training_is_taken_up_or_cleared(copied):
    params = copied.params
    params["mnist"]["train"]["seed"] = 7
    copied.write_params(params)
    copied.stage("train", "mnist")
    models = copied.folder / "models/mnist/checkpoints/final"
    first = (models / "generator.safetensors").read_bytes()
    listed = copied.run("python", "-m", "stages", "scratch").stdout
    assert "finished" in listed
    (command,) = advice.commands(listed)
    done = copied.run("sh", "-c", f"{command} train@mnist")
    assert "train has finished before" in done.stdout
    assert "epoch 1:" not in done.stdout
    assert (models / "generator.safetensors").read_bytes() == first
    assert copied.run("python", "-m", "stages", "scratch").stdout == "no unfinished runs\n"
    params["mnist"]["train"]["seed"] = 8
    copied.write_params(params)
    copied.stage("train", "mnist")
    told = copied.stage("train", "mnist").stdout
    copied.run("sh", "-c", re.findall(r"first: (python -m stages scratch clear mnist)", told)[0])
    assert "finished before" not in copied.stage("train", "mnist").stdout


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_stale_bundle_is_packed_after_the_command_that_is_told(copied):
    """Only the page was made again after a change, so the exported networks are of other params."""
    params = copied.params
    params["mnist"]["train"]["epochs"] = 1
    copied.write_params(params)
    copied.run("dvc", "repro", "report@mnist")
    told = told_by(copied, "stages", "bundle", "mnist")
    note = copied.run("python", "-m", "stages", "verify", "mnist").stdout
    assert "`dvc repro` would run export@mnist" in note
    follow(copied, told)
    assert "bundles/mnist.zip" in copied.run("python", "-m", "stages", "bundle", "mnist").stdout


@pytest.mark.pipeline
def test_a_damaged_file_is_named_for_a_bundle_and_repaired(copied):
    page = copied.folder / "reports/mnist/index.html"
    page.unlink()
    (command,) = advice.commands(told_by(copied, "stages", "bundle", "mnist"))
    shown = copied.run("sh", "-c", command, check=False).stdout
    copied.run("sh", "-c", re.findall("repair: (.*)", shown)[0])
    copied.run("python", "-m", "stages", "bundle", "mnist")


@pytest.mark.pipeline
def test_a_stage_that_was_run_by_hand_is_kept_or_taken_back(copied):
    params = copied.params
    params["mnist"]["train"]["seed"] = 7
    copied.write_params(params)
    copied.stage("train", "mnist")
    lines = copied.run("python", "-m", "stages", "verify", check=False).stdout.splitlines()
    (note,) = [line for line in lines if "by hand" in line]
    assert "train@mnist" in note
    (command,) = advice.commands(note)
    copied.run("sh", "-c", command)
    made = (copied.folder / "models/mnist/checkpoints/final/generator.safetensors").read_bytes()
    shown = copied.run("dvc", "repro", "train@mnist").stdout
    assert "Running stage 'train@mnist'" not in shown
    final = copied.folder / "models/mnist/checkpoints/final/generator.safetensors"
    assert final.read_bytes() == made


@pytest.mark.pipeline
def test_runs_are_compared_and_taken_by_the_commands_of_their_page(copied):
    copied.run("dvc", "exp", "run", "-q", "-n", "other", "-S", "mnist.evaluate.seed=9",
               "evaluate@mnist")  # fmt: skip
    copied.run("git", "checkout", "-q", "-f", "HEAD")
    copied.run("python", "-m", "stages", "compare", "workspace", "other")
    page = html.unescape((copied.folder / "reports/compare/index.html").read_text())
    (take,) = re.findall("<code>(dvc exp apply other)</code>", page)
    assert "evaluate.seed" in copied.run("dvc", "params", "diff", "HEAD", "other").stdout
    copied.run("sh", "-c", take)
    assert copied.params["mnist"]["evaluate"]["seed"] == 9


@pytest.mark.pipeline
@pytest.mark.parametrize(
    "name",
    ["workspace", *(pytest.param(name, marks=pytest.mark.slow) for name in ("other", "HEAD~1"))],
)
def test_a_picture_without_a_remote_is_made_again(copied, name):
    if name == "other":
        copied.run("dvc", "exp", "run", "-q", "-n", "other", "-S", "mnist.evaluate.seed=9",
                   "evaluate@mnist")  # fmt: skip
        copied.run("git", "checkout", "-q", "-f", "HEAD")
    else:
        copied.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q",
                   "--allow-empty", "-m", "next")  # fmt: skip
    shutil.rmtree(copied.folder / ".dvc/cache")
    folder = Path("reports/mnist/evaluation")
    if name == "workspace":
        shutil.rmtree(copied.folder / folder)
    revision = revisions.find(name)
    copied.run("sh", "-c", compare.fetching(revision, folder))
    assert (copied.folder / folder / "generated.png").is_file()
    assert compare.read(revision, "mnist", compare.find_cache()).picture
    assert copied.params["mnist"]["evaluate"]["seed"] == (9 if name == "other" else 7)


@pytest.fixture
def small(tmp_path, monkeypatch) -> Project:
    """A project of DVC's with one stage that takes no time, in git."""
    project = Project(tmp_path / "small")
    project.folder.mkdir()
    monkeypatch.chdir(project.folder)
    project.run("git", "init", "-q")
    project.run("dvc", "init", "-q")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "t")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "t@t")
    Path("params.yaml").write_text("a: 1\n")
    Path("dvc.yaml").write_text(
        "stages:\n  report:\n    foreach: [数字]\n    do:\n      cmd: cat params.yaml > out\n"
        "      params: [a]\n      outs: [out]\n"
    )
    project.run("dvc", "repro", "-q")
    commit(project, "one")
    return project


def test_a_merge_is_ended(small):
    for branch, value in (("other", 2), ("mine", 3)):
        small.run("git", "checkout", "-q", "-b", branch, "HEAD" if branch == "other" else "HEAD~1")
        Path("params.yaml").write_text(f"a: {value}\n")
        small.run("dvc", "repro", "-q")
        commit(small, branch)
    assert small.run("git", "merge", "other", check=False).returncode == 1
    told = message_of(pipeline.read)
    assert "holds both sides of a merge" in told
    small.run("git", "checkout", "--theirs", "params.yaml")
    follow(small, told)
    assert pipeline.read().stages[0].changed == ()


def test_a_data_set_that_dvc_cannot_name_is_set_in_the_file(small):
    Path("params.yaml").write_text("a: 5\n")
    small.run("sh", "-c", "dvc exp run report@数字")
    assert Path("out").read_text() == "a: 5\n"
