"""What `python -m stages collapse` chooses for each kind of network; nothing is trained."""

import sys

import pytest
import yaml

from stages.gan.params import choices
from stages.tools.collapse import __main__ as collapse
from tests.helpers.project import tiny_params


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
