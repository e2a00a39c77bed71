import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from mindspore.train import mind_ir_pb2

from stages.gan.export import mindir_files
from stages.gan.networks import KINDS
from tests.helpers.project import ROOT
from tests.helpers.training.mindir import write
from tests.helpers.training.network import as_if_trained, describe

# In a process with another history, another folder and another hash of strings.
_ELSEWHERE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from stages.gan.common import runtime
runtime.wait_without_spinning()
from stages.gan.networks import KINDS
from tests.helpers.training.mindir import write
Path("other").mkdir()
write(Path("other"), "mlp", seed=9)
for kind in reversed(KINDS):
    Path(kind).mkdir()
    write(Path(kind), kind)
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, str(ROOT)],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        check=True,
        capture_output=True,
    )
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_networks_give_the_same_bytes_in_any_process(tmp_path, elsewhere, kind):
    for file in write(tmp_path, kind):
        assert file.read_bytes() == (elsewhere / kind / file.name).read_bytes()
        assert file.stat().st_mode & 0o600 == 0o600
    assert len(list(tmp_path.iterdir())) == 2  # nothing is left beside them


def test_other_weights_give_other_bytes(tmp_path, elsewhere):
    for file in write(tmp_path, "mlp"):
        assert file.read_bytes() != (elsewhere / "other" / file.name).read_bytes()


def test_nothing_of_the_machine_is_in_it(tmp_path):
    for file in write(tmp_path, "dcgan"):
        content = file.read_bytes()
        for word in (str(tmp_path), str(Path.home()), "site-packages", "stages", "Default/", ".py"):
            assert word.encode() not in content, word


@pytest.mark.parametrize("kind", KINDS)
def test_loaded_it_takes_any_number_of_rows(tmp_path, kind):
    description = describe(kind)
    ours = as_if_trained(description)
    files = write(tmp_path, kind)
    draw = np.random.default_rng(0)
    for file, network, shape in zip(
        files, ours, ((description.latent_size,), description.image_shape), strict=True
    ):
        batches = [draw.standard_normal((n, *shape)).astype(np.float32) for n in (3, 1, 5)]
        for batch, (found,) in zip(batches, mindir_files.run(file, *batches), strict=True):
            expected = network(Tensor(batch)).asnumpy()
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() < 1e-5


def test_parameters_keep_their_names(tmp_path):
    generator, _ = write(tmp_path, "mlp")
    model = mind_ir_pb2.ModelProto.FromString(generator.read_bytes())
    names = [parameter.name for parameter in model.graph.parameter]
    assert names[:3] == ["generator:0.weight", "generator:0.bias", "generator:2.weight"]
    assert [one.name for one in model.graph.input] == ["generator:input_0"]


@pytest.mark.parametrize("temporary", ["plain", "临时"])
def test_a_folder_may_have_a_chinese_name(tmp_path, elsewhere, monkeypatch, temporary):
    """MindSpore itself takes only ASCII: a data set may be called 数字, and a user 张三."""
    (tmp_path / temporary).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary))
    monkeypatch.chdir(tmp_path)
    folder = Path("模型/数字")
    folder.mkdir(parents=True)
    for file in write(folder, "mlp"):
        assert file.read_bytes() == (elsewhere / "mlp" / file.name).read_bytes()
    description = describe("mlp")
    code = np.zeros((2, description.latent_size), np.float32)
    ((found,),) = mindir_files.run(folder / "generator.mindir", code)
    assert found.shape == (2, *description.image_shape)
    assert list((tmp_path / temporary).iterdir()) == []
    assert Path.cwd() == tmp_path
