"""The lecture's failure as `make collapse` shows it, on the real bundled digits."""

import re

import pytest
import yaml

from tests.helpers.project import ROOT, Project

pytestmark = pytest.mark.pipeline


@pytest.fixture
def shipped(project: Project) -> Project:
    """The project with the params that it is shipped with."""
    (project.folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    return project


@pytest.mark.slow
def test_it_ends_with_the_lectures_line_and_the_verdict(shipped: Project):
    # whatever the params have been changed to
    params = shipped.params
    params["mnist"]["train"].update(
        on_failure="warn", max_steps=20, init_from="earlier", optimizer="sgd", momentum=0.9
    )
    shipped.write_params(params)
    before = (shipped.folder / "params.yaml").read_bytes()
    result = shipped.run("python", "-m", "stages", "collapse", check=False)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert "loss d:13.815511, loss g:-0.000000" in lines
    assert "verdict: saturated discriminator" in lines
    assert lines.index("loss d:13.815511, loss g:-0.000000") < lines.index(
        "verdict: saturated discriminator"
    )
    assert "Traceback" not in result.stderr
    step = int(re.search(r"stopped at step ([0-9]+)", result.stderr)[1])
    assert step <= 100
    (page,) = (shipped.folder / "reports").rglob("failure.html")
    assert f"mnist: {page.relative_to(shipped.folder)}" in lines
    # the project's own params and results are not touched
    assert (shipped.folder / "params.yaml").read_bytes() == before
    assert not (shipped.folder / "models").exists()
    assert not (shipped.folder / "data").exists()


@pytest.mark.slow
def test_the_three_runs_stand_on_one_page(shipped: Project):
    # whatever an earlier run left there
    earlier = shipped.folder / "reports/collapse/mnist"
    (earlier / "run-1/data").mkdir(parents=True)
    (earlier / "run-2").mkdir()
    (earlier / "run-2/data").symlink_to(earlier / "run-1/data")
    output = shipped.run("python", "-m", "stages", "collapse", "--fixed", "--steps", "130").stdout
    page = (shipped.folder / "reports/collapse/mnist/index.html").read_text()
    assert page.count("<section>") == 3
    assert "learning_rate=0.01" in page
    assert "loss=bce_with_logits" in page
    assert "Saturated discriminator" in page
    verdicts = re.findall(r"^mnist: (?:the|as) [^:]*: ([a-z ]+), ", output, re.MULTILINE)
    assert len(verdicts) == 3
    assert verdicts[0] == "saturated discriminator"
    assert "saturated discriminator" not in verdicts[1:]
    settings = yaml.safe_load(
        (shipped.folder / "reports/collapse/mnist/run-3/params.yaml").read_text()
    )
    assert settings["mnist"]["train"]["learning_rate"] == 0.0002


def test_a_data_set_without_bundled_data_needs_a_source(shipped: Project):
    params = shipped.params
    params["mnist"]["download"]["sources"] = ["/nowhere"]
    shipped.write_params(params)
    result = shipped.run("python", "-m", "stages", "collapse", check=False)
    assert result.returncode == 1
    assert "mnist has no bundled data: name a source with --source" in result.stderr
    result = shipped.run("python", "-m", "stages", "collapse", "minst", check=False)
    assert "no data set 'minst', did you mean mnist?" in result.stderr
    assert "Traceback" not in result.stderr
