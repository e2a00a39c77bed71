import html
import json
import re
import shutil

import pytest

from stages.gan.measures import headline
from stages.gan.measures import table as measures
from stages.gan.pages.charts import error_bars, vega
from tests.helpers.processes import chromium
from tests.helpers.project import Project

pytestmark = pytest.mark.pipeline


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_the_page_needs_nothing_else(reproduced: Project, dataset: str):
    page = (reproduced.folder / f"reports/{dataset}/index.html").read_text()
    without_scripts = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    links = re.findall(r"""(?:src|href)="([^"]*)""", without_scripts)
    pictures = [link for link in links if link.startswith("data:image/")]
    # of the run; its epochs; of what was watched, but for what so short a run has none of; of the
    # lesson; and the classes, where there are enough images to be scored
    scored = dataset == "mnist"
    grids = len(list((reproduced.folder / f"reports/{dataset}/training/epochs").iterdir()))
    assert 7 + grids + 6 + scored <= len(pictures) <= 7 + grids + 2 + 6 + scored
    assert set(links) - set(pictures) == {"play.html"}  # which lies beside it
    for script in vega.scripts():
        assert page.count(script) == 1
    assert str(reproduced.folder) not in page


def test_the_page_shows_params_metrics_and_data(reproduced: Project):
    page = (reproduced.folder / "reports/mnist/index.html").read_text()
    for text in ("train.learning_rate", "0.0002", "mean D(G(z))", "JSD, lower bound", "1.3863"):
        assert text in page
    assert "Not the real data" in page
    assert "bundled:digits" in page


def test_the_page_shows_every_score_with_error_and_floor(reproduced: Project):
    page = html.unescape((reproduced.folder / "reports/mnist/index.html").read_text())
    scored = json.loads((reproduced.folder / "metrics/mnist/scores.json").read_text())
    for group, rows in (("quality", measures.QUALITY), ("critic", measures.CRITIC)):
        assert [row.key for row in rows] == list(scored[group])[: len(rows)]
        for name, sentence, found in (
            (row.name, row.sentence, scored[group][row.key]) for row in rows
        ):
            told = {
                number: "" if found[number] is None else f"{found[number]:.{digits}g}"
                for number, digits in (("value", 4), ("error", 2), ("floor", 4), ("floor_error", 2))
            }
            drawing = str(error_bars.draw(**found))
            cells = (name, *told.values(), drawing, sentence)
            row = r"\s*".join(f"<td[^>]*>{re.escape(cell)}</td>" for cell in cells)
            assert re.search(row, page), name
    assert scored["judge"]["sha256"][:12] in page
    few = (reproduced.folder / "reports/faces/index.html").read_text()
    assert "held-out images are too few to score" in few


def test_the_fields_own_names_and_what_they_are_not_are_told(reproduced: Project, tmp_path):
    page = (reproduced.folder / "reports/mnist/index.html").read_text()
    for words in ("(FID", "(KID)", "two-sample test", "not the scale of Inception's FID"):
        assert words in page
    assert "(EMA)" not in page  # the lecture's recipe has none
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    params = copy.params
    params["mnist"]["train"]["ema"] = 0.5
    copy.write_params(params)
    copy.stage("report", "mnist")
    assert "moving average (EMA)" in (copy.folder / "reports/mnist/index.html").read_text()


@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_without_scripts_it_shows_the_same_curves_as_pictures(reproduced: Project, dataset: str):
    page = (reproduced.folder / f"reports/{dataset}/index.html").read_text()
    charts = json.loads(re.search(r'id="charts">(.*?)</script>', page)[1])
    figures = re.findall(r'data-chart="(\w+)">.*?<noscript>(.*?)</noscript>', page, re.DOTALL)
    assert [name for name, _ in figures] == list(charts)
    assert {"losses", "steps", "probabilities"} <= set(charts)
    assert all('src="data:image/png' in picture for _, picture in figures)
    levels = charts["losses"]["spec"]["layer"][1]["data"]["values"]
    assert [round(row["height"], 4) for row in levels] == [1.3863, 0.6931]


@pytest.mark.slow
@chromium.needed
@pytest.mark.parametrize("dataset", ["mnist", "faces"])
def test_a_browser_draws_every_curve_and_has_nothing_to_say(reproduced: Project, dataset: str):
    file = reproduced.folder / f"reports/{dataset}/index.html"
    charts = len(re.findall(r'data-chart="', file.read_text()))
    for size in ("360,900", "1440,900"):
        page, said = chromium.dom(file, f"--window-size={size}")
        assert said == []
        widths = re.findall(r'<canvas[^>]* width="(\d+)"[^>]* class="marks"', page)
        assert len(widths) == charts
        assert all(int(width) > 250 for width in widths)
        grids = re.findall(r'<img [^>]*data-epoch="(\d+)"([^>]*)>', page)
        shown = [epoch for epoch, others in grids if "hidden" not in others]
        assert shown == [grids[-1][0]]
        assert f"epoch {shown[0]}</output>" in page


def test_the_page_begins_with_the_verdict(reproduced: Project):
    page = (reproduced.folder / "reports/mnist/index.html").read_text()
    verdict = json.loads((reproduced.folder / "reports/mnist/training/verdict.json").read_text())
    assert f"The verdict: {verdict['name']}" in page
    scores = json.loads((reproduced.folder / "metrics/mnist/scores.json").read_text())
    first = page.index(f"<strong>{html.escape(headline.line(verdict['name'], scores))}</strong>")
    assert first < page.index("steps in")
    assert page.index("What to do next") < page.index("The verdict")
    assert page.index("The verdict") < page.index("What the generator draws")
    assert html.escape(verdict["meaning"], quote=True).replace("&#x27;", "&#39;") in page
    for change in verdict["changes"]:
        assert change["param"] in page


@pytest.mark.slow
def test_a_run_that_went_on_from_a_checkpoint_says_so(reproduced: Project, tmp_path):
    copy = Project(tmp_path / "copy")
    shutil.copytree(reproduced.folder, copy.folder, ignore=shutil.ignore_patterns(".git", ".dvc"))
    shutil.copytree(copy.folder / "models/mnist/checkpoints/final", copy.folder / "earlier")
    params = copy.params
    params["mnist"]["train"].update(init_from="earlier", epochs=1)
    copy.write_params(params)
    for stage in ("train", "evaluate", "report"):
        copy.stage(stage, "mnist")
    page = (copy.folder / "reports/mnist/index.html").read_text()
    assert "beginning with a checkpoint of epoch 2, step 8" in page


def test_the_page_says_what_the_loss_means(reproduced: Project):
    page = (reproduced.folder / "reports/mnist/index.html").read_text()
    assert "What the loss means" in page
    row = r'"number">{}</td><td class="number">{}</td><td class="number">{}</td>'
    for values in ((r"0\.9", 1, r"0\.105"), (r"0\.1", 1, r"2\.303"), (r"0\.9", 0, r"2\.303")):
        assert re.search(row.format(*values), page)
    assert "stays at 27.631" in page
    assert "More than two classes" in page
    assert "this is 0.840 = 0.802 + 0.038 nats" in page
    assert "D then gives every image the probability 0.5 of being real" in page


@pytest.mark.slow
def test_a_loss_without_equilibrium_gets_its_page(project: Project):
    params = project.params
    params["mnist"]["train"]["loss"] = "wgan_gp"
    project.write_params(params)
    for stage in ("download", "preprocess", "judge", "train", "evaluate", "report"):
        project.stage(stage, "mnist")
    page = (project.folder / "reports/mnist/index.html").read_text()
    assert "The loss wgan_gp has no equilibrium point" in page
    assert "The dashed lines show" not in page
    assert "cross-entropy, discriminator (nats)" in page


def test_what_is_missing_is_named(project: Project):
    result = project.stage("report", "mnist", check=False)
    assert result.returncode == 1
    assert "metrics/mnist/scores.json is missing: run `dvc repro` first" in result.stderr
