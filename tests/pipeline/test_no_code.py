"""Nothing that the project reads can bring code with it that is then run."""

import ast
import pickle

import numpy as np
import pytest

from stages.gan import params
from stages.gan.common.files import read_csv, read_json
from stages.gan.data import prepared
from stages.tools.use import generate, images
from stages.tools.verify import checksums
from tests.helpers.data import message_of
from tests.helpers.project import ROOT
from tests.helpers.traps import Trap

SOURCES = sorted((ROOT / "stages").rglob("*.py"))
# Modules that run what they read, and functions that do.
MODULES = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "torch", "code"}
# It unpickles, and what it does so comes from the process that started the workers.
MODULES |= {"multiprocessing"}
ALLOWED = {"workers.py": {"multiprocessing"}}
# Each with what it is called on: a metric's eval() takes no text, and the checkpoint that is loaded
# is one that the check itself has just written.
ALLOWED_CALLS = {
    "stages/tools/mindspore_check/evaluating.py": {("metric", "eval")},
    "stages/tools/mindspore_check/loading.py": {("ms", "load_checkpoint")},
}
CALLS = {"eval", "exec", "compile", "load_checkpoint", "unsafe_load", "full_load", "read_pickle"}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_source_uses_what_runs_what_it_reads(file):
    forbidden = MODULES - ALLOWED.get(file.name, set())
    allowed = {("re", "compile")} | ALLOWED_CALLS.get(file.relative_to(ROOT).as_posix(), set())
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            assert not forbidden & {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in forbidden
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            of = getattr(getattr(called, "value", None), "id", "")
            assert name not in CALLS or (of, name) in allowed, node.lineno
            # read_array is the one way to read .npy files, yaml.safe_load that of YAML.
            assert (of, name) not in {("np", "load"), ("npy", "read_array"), ("yaml", "load")}
            assert not any(word.arg in ("allow_pickle", "shell") for word in node.keywords)


@pytest.fixture
def hostile(tmp_path):
    """Make files that spring a trap if they are unpickled."""
    sprung = tmp_path / "sprung"

    def make(name):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".npy":
            np.save(file, np.array([Trap(sprung)], object), allow_pickle=True)
        else:
            file.write_bytes(pickle.dumps(Trap(sprung)))
        return file

    yield make
    assert not sprung.exists()


@pytest.mark.parametrize("name", ["train_images.npy", "train_latents.npy", "train_labels.npy"])
def test_prepared_data(hostile, tmp_path, name):
    for kind, shape in (("images", (2, 1, 4, 4)), ("latents", (2, 3)), ("labels", (2,))):
        dtype = {"images": np.float16, "latents": np.float32, "labels": np.uint8}[kind]
        np.save(tmp_path / f"train_{kind}.npy", np.zeros(shape, dtype))
    assert len(prepared.load(tmp_path, "train")) == 2
    file = hostile(name)
    text = message_of(prepared.load, tmp_path, "train")
    assert text.startswith(f"{file} is damaged, or no .npy file of numbers: it holds object, valid")


def test_latent_codes(hostile):
    file = hostile("codes.npy")
    assert message_of(generate.read_codes, file, 6).startswith(f"{file} is damaged, or no .npy")


@pytest.mark.parametrize("name", ["image.npy", "image.png", "image.jpg"])
def test_images_to_judge(hostile, name):
    file = hostile(name)
    assert message_of(images.read, file, (1, 8, 8)).startswith(f"{file}")


def test_descriptions_metrics_and_params(hostile):
    assert "is damaged" in message_of(read_json, hostile("prepared.json"))
    assert "is damaged" in message_of(read_csv, hostile("history.csv"))
    assert "is not UTF-8" in message_of(params.load, hostile("params.yaml"), "mnist")
    for name in ("raw/source.json", "final/checkpoint.json"):
        (reason,) = checksums.damages(hostile(name)).values()
        assert reason.startswith("is damaged")


@pytest.mark.parametrize(
    "tag",
    ["python/object/apply:os.mkdir [sprung]", "python/name:os.system", "python/module:os", "a {}"],
)
def test_tags_of_yaml_make_nothing(tmp_path, monkeypatch, tag):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(f"datasets: !!{tag}\n")
    assert "is not valid YAML" in message_of(params.load, tmp_path / "params.yaml", "mnist")
    assert not (tmp_path / "sprung").exists()
