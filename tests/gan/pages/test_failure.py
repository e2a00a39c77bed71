import re

from PIL import Image

from stages.gan.pages import failure
from stages.gan.training.step.measures import MEASURES
from stages.gan.training.watch.verdicts import Change, Verdict
from tests.helpers.data import load_params
from tests.helpers.texts.chinese import english_left, strange_letters


def write(tmp_path, monkeypatch, dataset: str, *changes: Change, language: str = "en") -> str:
    own = {
        "mnist__train__init_from": "/home/somebody/earlier",
        "mnist__report__title": "数字",
        "language": language,
    }
    params = load_params(tmp_path, "mnist", **own)
    monkeypatch.chdir(tmp_path)
    rows = [{"step": step, **dict.fromkeys(MEASURES, 0.5)} for step in range(1, 20)]
    verdict = Verdict("discriminator won", 19, 11, "D's loss is <0.01>", "why", changes, True)
    picture = Image.new("L", (10, 10))
    path = failure.write_page(dataset, params, verdict, rows, {}, 0.7, picture, picture)
    assert path == f"reports/{dataset}/failure.html"
    return (tmp_path / path).read_text()


def test_the_page_carries_the_verdict_and_needs_nothing_else(tmp_path, monkeypatch):
    rate = Change("train.learning_rate", 0.0001, "slower")
    page = write(tmp_path, monkeypatch, "mnist", rate)
    assert "Discriminator won." in page
    assert "began at step 11 and was reported at step 19" in page
    assert "D&#39;s loss is &lt;0.01&gt;" in page
    assert "dvc exp run -S mnist.train.learning_rate=0.0001 report@mnist" in page
    links = re.findall(r"""(?:src|href)="([^"]*)""", page)
    assert len(links) == 2 + 4
    assert all(link.startswith("data:image/") for link in links)
    assert "<script" not in page
    assert "/home/somebody" not in page


def test_a_change_that_is_no_param_of_training_has_no_command(tmp_path, monkeypatch):
    page = write(tmp_path, monkeypatch, "other", Change("download.sources", "other data", "why"))
    assert "download.sources" in page
    assert "dvc exp run" not in page


def test_the_same_failure_gives_the_same_page(tmp_path, monkeypatch):
    assert write(tmp_path, monkeypatch, "a") == write(tmp_path, monkeypatch, "a")


def test_the_page_is_in_the_params_language(tmp_path, monkeypatch, drawn_texts):
    rate = Change("train.learning_rate", 0.0001, "a tenth of the present rate")
    english = write(tmp_path, monkeypatch, "mnist", rate)
    chinese = write(tmp_path, monkeypatch, "mnist", rate, language="zh")
    assert '<html lang="en">' in english
    assert '<html lang="zh-CN">' in chinese
    assert "判别器获胜。" in chinese
    assert "现在学习率的十分之一" in chinese
    assert "从第 11 步开始，在第 19 步报告" in chinese
    assert english_left(chinese.replace("D&#39;s loss is", "")) == []
    pictures = [re.findall(r"data:image/png;base64,[^\"]*", page) for page in (english, chinese)]
    assert pictures[0] == pictures[1]  # they hold no Chinese letters, and differ in nothing
    assert drawn_texts
    assert not strange_letters("".join(drawn_texts))
