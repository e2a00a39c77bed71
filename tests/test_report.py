import re

import pytest
from conftest import Project

pytestmark = pytest.mark.pipeline


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_the_page_needs_nothing_else(reproduced: Project, dataset: str):
    page = (reproduced.folder / f"reports/{dataset}/index.html").read_text()
    links = re.findall(r"""(?:src|href)="([^"]*)""", page)
    assert len(links) == 8
    assert all(link.startswith("data:image/") for link in links)
    assert "<script" not in page
    assert str(reproduced.folder) not in page


def test_the_page_shows_params_metrics_and_data(reproduced: Project):
    page = (reproduced.folder / "reports/mnist/index.html").read_text()
    for text in ("train.learning_rate", "0.0002", "mean D(G(z))", "JSD, lower bound", "1.3863"):
        assert text in page
    assert "Not the real data" in page
    assert "bundled:digits" in page


def test_what_is_missing_is_named(project: Project):
    result = project.stage("report", "mnist", check=False)
    assert result.returncode == 1
    assert "metrics/mnist/evaluate.json is missing: run `dvc repro` first" in result.stderr
