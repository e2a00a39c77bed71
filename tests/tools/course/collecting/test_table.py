"""The teacher's table as CSV and as a page, and the comparison of the runs."""

import csv
import re
import warnings

from stages.gan.common.language import speaking
from stages.tools.compare.runs import Run
from stages.tools.course import checking, parts
from stages.tools.course.collecting import table
from stages.tools.course.collecting.bundles import Student
from stages.tools.course.outcomes import MISSING, RIGHT, Outcome, State
from tests.helpers.project import ROOT

LOSSES = parts.Part(3, ROOT / "course/3-losses")
HISTORY = {"epoch": [1.0, 2.0], "discriminator_loss": [1.2, 1.3], "generator_loss": [0.8, 0.7]}


def run_of(name):
    train = {"steps": 2, "epochs": 2, "bundled_data": True}
    return Run(name, {"seed": name}, "near equilibrium", train, {}, HISTORY, {}, None, "none", "")


def students():
    outcomes = {"a": RIGHT, "b": RIGHT, "c": Outcome(State.WRONG), "d": MISSING}
    done = (checking.Checked(LOSSES, outcomes, True, frozenset({"b"})),)
    scores = {"quality.frechet_distance": (2.5, 0.25)}
    return [
        Student("li", "", True, "mnist", run_of("li"), scores, done, "0123456789ab"),
        Student("王", "", True, "mnist", run_of("王"), {}, (), "0123456789ab, changed"),
        Student("=1+1", "it is <broken>"),
    ]


def written(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of letters that the font of drawings lacks
        return table.write(folder, students(), [LOSSES])


def test_the_csv_has_a_row_for_each_bundle(tmp_path):
    written(tmp_path)
    with (tmp_path / "students.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["student"] for row in rows] == ["li", "王", "'=1+1"]
    assert rows[0]["part 3 right"] == "2"
    assert rows[0]["part 3 by record"] == "1"
    assert rows[0]["part 3 not right"] == "c d"
    assert rows[0]["quality.frechet_distance"] == "2.5"
    assert rows[2]["intact"] == "no"
    assert rows[2]["problem"] == "it is <broken>"


def test_the_page_has_the_same_and_is_escaped(tmp_path):
    written(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "3 bundles" in page
    # Templates drop the end of a line after a block, and English needs a gap between sentences.
    assert re.findall(r"\w\.[A-Z]", re.sub(r"<style.*?</style>", "", page, flags=re.S)) == []
    assert "2 of 4" in page
    assert "1 by the student&#39;s record" in page or "1 by the student's record" in page
    assert "not right: c, d" in page
    assert "it is &lt;broken&gt;" in page
    assert "2.5 ± 0.2" in page
    assert "王" in page


def test_a_chinese_page_has_an_english_csv_beside_it(tmp_path):
    with speaking("zh"):
        written(tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "共 3 个作业包。" in page
    assert "<td>接近均衡" in page
    assert "0123456789ab，有改动" in page
    assert "其中 1 个依据学生自己的记录" in page
    assert "没做对：c, d" in page
    text = (tmp_path / "students.csv").read_text(encoding="utf-8-sig")
    assert "near equilibrium" in text
    assert '"0123456789ab, changed"' in text
    assert "均衡" not in text


def test_runs_are_compared_by_names_that_can_be_drawn(tmp_path):
    paths = written(tmp_path)
    assert [path.name for path in paths] == ["index.html", "students.csv", "compare-mnist.html"]
    page = paths[2].read_text(encoding="utf-8")
    assert "li" in page
    assert "bundle 2" in page
