"""What `python -m stages collapse` chooses for each kind of network; nothing is trained."""

import shutil
import sys

import pytest
import yaml

from stages.gan.params import choices
from stages.tools.collapse import __main__ as collapse
from tests.helpers.project import ROOT, tiny_params


class Prepared(Exception):
    """The first run is prepared, with these changes."""


@pytest.mark.parametrize("kind", choices.NETWORKS)
@pytest.mark.parametrize("own", [None, 130])
def test_the_runs_have_as_many_steps_as_the_kind_needs(tmp_path, monkeypatch, kind, own):
    params = tiny_params()
    params["datasets"]["faces"]["network"] = kind
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))

    def prepare(folder, dataset, source, changes):
        raise Prepared(changes)

    monkeypatch.setattr(collapse, "prepare", prepare)
    words = ["collapse", "faces", "--fixed", *([] if own is None else ["--steps", str(own)])]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(Prepared) as caught:
        collapse.main()
    assert caught.value.args[0]["max_steps"] == (own or choices.NETWORKS[kind].collapse_steps)


@pytest.fixture
def of_run(tmp_path, monkeypatch):
    """The params with which a data set's failing run is prepared, in a project of other params."""
    params = tiny_params()
    params["datasets"]["flowers"] = params["datasets"]["faces"]
    params["flowers"] = params["faces"]
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "recipes", "recipes")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))

    def of_run(dataset):
        project = collapse.prepare(tmp_path / "run", dataset, "here", collapse.FAILING)
        return yaml.safe_load((project / "params.yaml").read_text())[dataset]["train"]

    return of_run


@pytest.mark.parametrize(
    ("dataset", "batch", "generator", "discriminator"),
    [
        ("mnist", 128, [128, 256, 512, 1024], [512, 256]),
        ("faces", 64, [512, 256, 128, 64], [64, 128, 256, 512]),
        ("flowers", 16, [8, 4], [4, 8]),  # one's own has no lecture: its networks stay
    ],
)
def test_the_runs_have_the_lectures_networks_and_batches(
    of_run, dataset, batch, generator, discriminator
):
    train = of_run(dataset)
    assert train["batch_size"] == batch
    assert train["generator"]["widths"] == generator
    assert train["discriminator"]["widths"] == discriminator
    assert (train["learning_rate"], train["loss"]) == (0.01, "bce")
