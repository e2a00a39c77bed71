import json

import pytest

from benchmarks import search
from benchmarks.scores.tables import COLUMNS
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.yaml_files import read_mapping
from stages.gan.evaluation import scoring


def score(value):
    return {"value": value, "error": 0.5, "floor": 0.0, "floor_error": 0.1}


def experiment(value, steps):
    """As `dvc exp show` tells of one."""
    evaluate = {
        "samples": 9,
        "judge": {"sha256": "x"},
        "quality": dict.fromkeys(scoring.QUALITY, score(value)),
        "critic": dict.fromkeys(scoring.CRITIC, score(value)),
    }
    return {
        "metrics": {
            "metrics/mnist/scores.json": {"data": evaluate},
            "metrics/mnist/train.json": {"data": {"steps": steps}},
        }
    }


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "RESULTS", tmp_path / "search.json")
    found = {"HEAD": {}, "mnist-fast": experiment(2.0, 4600), "other": {}}
    monkeypatch.setattr(search, "experiments", lambda: found)
    search.keep("mnist", search.scored("mnist"))
    found["mnist-lecture"] = experiment(3.0, 4680)
    del found["mnist-fast"]
    search.keep("mnist", search.scored("mnist"))
    return json.loads(search.RESULTS.read_text())


def test_all_scores_are_kept_with_what_was_changed(kept):
    fast = kept["mnist"]["fast"]
    assert set(fast["scores"]) == {*scoring.QUALITY, *scoring.CRITIC}
    assert (fast["steps"], fast["samples"], fast["judge"]) == (4600, 9, {"sha256": "x"})
    assert fast["changes"] == search.SEARCH["mnist"]["fast"]


def test_what_was_found_before_stays_in_the_order_of_the_search(kept):
    assert list(kept["mnist"]) == ["lecture", "fast"]
    faces = search.keep("faces", {"narrow": kept["mnist"]["fast"]})
    assert list(faces) == ["narrow"]
    faces = search.keep("faces", {"of old": kept["mnist"]["fast"]})
    faces = search.keep("faces", {"lecture": kept["mnist"]["fast"]})
    assert list(faces) == ["lecture", "narrow", "of old"]
    assert list(json.loads(search.RESULTS.read_text())) == ["mnist", "faces"]


def test_the_table_has_a_row_for_each(kept):
    lines = search.table(kept["mnist"]).splitlines()
    assert lines[0] == "Judge x, 9 images:"
    assert lines[4] == f"| lecture | 4,680 {'| 3 ± 0.5 ' * len(COLUMNS)}|"
    assert lines[5].startswith("| fast | 4,600 | 2 ± 0.5 |")


def test_what_cannot_be_compared_stands_in_another_table(kept):
    kept["mnist"]["fast"]["samples"] = 10
    lines = search.table(kept["mnist"]).splitlines()
    assert [line for line in lines if line.startswith("Judge")] == [
        "Judge x, 9 images:", "Judge x, 10 images:",
    ]  # fmt: skip


@pytest.mark.parametrize("dataset", search.SEARCH)
def test_every_change_is_of_a_param_that_there_is_with_a_valid_value(dataset, tmp_path):
    for changes in search.SEARCH[dataset].values():
        content = read_mapping(paths.PARAMS)
        for key, value in changes.items():
            *parents, last = key.split(".")
            place = content
            for parent in parents:
                place = place[parent]
            assert last in place, key
            place[last] = value
        file = tmp_path / "params.yaml"
        file.write_text(json.dumps(content))
        params.load(file, dataset)
