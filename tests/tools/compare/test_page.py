import io
import re
from dataclasses import replace

from PIL import Image

from stages.gan.common.language import speaking
from stages.gan.measures.headline import NOT_REAL, Finding
from stages.tools.compare import page as side_by_side
from stages.tools.compare import ranking
from stages.tools.compare.groups import grouped
from stages.tools.compare.runs import NO_VERDICT, Figure, Run
from tests.helpers.texts.chinese import english_left, strange_letters


def picture():
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    return buffer.getvalue()


def run(name, rate=0.1, **changes):
    found = {
        "params": {"train.learning_rate": rate, "train.on_failure": "warn", "train.seed": 1},
        "verdict": "near equilibrium",
        "train": {"steps": 1200, "epochs": 2, "diversity": 0.35, "real_diversity": 0.7},
        "figures": {"precision": Figure(0.5, 0.01, 0.9, 0.02, "Do they look right?")},
        "history": {
            "epoch": [1.0, 2.0], "discriminator_loss": [1.2, 1.3], "generator_loss": [0.7, 0.8],
        },
        "levels": {"discriminator": 1.386, "generator": 0.693},
        "picture": picture(),
        "note": "",
        "judge": "a" * 64,
        **changes,
    }  # fmt: skip
    return Run(name=name, **found)


def page_of(*runs, **commands):
    return side_by_side.page_of("What if?", "mnist", runs, commands)


def test_the_page_needs_nothing_else_and_is_the_same_for_the_same_runs():
    page = page_of(run("one"), run("two", 0.2))
    assert page == page_of(run("one"), run("two", 0.2))
    assert "<script" not in page
    assert 'src="http' not in page
    assert page.count('src="data:image/png') == 2 + 2  # grids, curves
    assert page.index("one") < page.index("two")
    assert "1,200 in 2 epochs" in page
    assert ">0.50<" in page  # diversity


def test_only_params_that_differ_and_matter_stand_in_the_table():
    params = {"train.learning_rate": 0.2, "train.on_failure": "stop", "train.seed": 1}
    page = page_of(run("one"), run("two", params=params))
    table = page[page.index("Differences and results") : page.index("Which params differ")]
    assert "train.learning_rate" in table
    assert "train.seed" not in table
    assert "on_failure" not in table
    pairs = page[page.index("Which params differ between") :]
    assert "train.on_failure" in pairs
    assert '<a href="#params-0-1">2</a>' in pairs


def test_the_machines_are_named_and_that_bits_differ_where_there_are_several():
    first, second = "x86, MindSpore 2", "arm, MindSpore 2"
    assert "ade on" not in page_of(run("one"), run("two"))
    page = page_of(run("one", made_on=first), run("two", made_on=first), run("three"))
    assert page.count(f"were made on {first}.") == page.count(first) == 1
    page = page_of(run("one", made_on=first), run("two", made_on=second))
    assert page.count(f"<p>Made on {first}</p>") == page.count(f"<p>Made on {second}</p>") == 1
    assert "Another kind of processor may round differently" in page


def test_a_param_that_one_has_not_is_told():
    params = {"train.learning_rate": 0.1, "train.on_failure": "warn", "train.new": 3}
    page = page_of(run("one"), run("two", params=params))
    assert "(none)" in page


def test_a_common_floor_stands_once_and_others_beside_each_value():
    figure = Figure(0.5, 0.01, 0.8, 0.02, "")
    (row,) = side_by_side.rows(grouped([run("one"), run("two")]))
    assert row["cells"] == ["0.5 ± 0.01", "0.5 ± 0.01"]
    assert row["reference"] == "0.9 ± 0.02"
    (row,) = side_by_side.rows(grouped([run("one"), run("two", figures={"precision": figure})]))
    assert row["cells"] == ["0.5 ± 0.01 (of 0.9 ± 0.02)", "0.5 ± 0.01 (of 0.8 ± 0.02)"]
    (row,) = side_by_side.rows(grouped([run("one"), run("two", figures={})]))
    assert row["cells"] == ["0.5 ± 0.01", ""]


def test_scores_of_two_judges_are_not_to_be_compared():
    assert "Several judges" not in page_of(run("one"), run("two"))
    page = page_of(run("one"), run("two", judge="b" * 64))
    assert "Several judges" in page
    assert "b" * 12 in page


def test_a_run_that_came_to_no_end_has_its_row():
    lost = run(
        "lost", verdict="saturated discriminator", train={}, figures={}, history={}, levels={},
        picture=None, note="it <cannot> recover", judge="",
    )  # fmt: skip
    page = page_of(run("one"), lost, one="dvc exp apply one")
    assert "Saturated discriminator" in page
    assert "banner failed" in page
    assert "it &lt;cannot&gt; recover" in page
    assert "dvc exp apply one" in page
    assert page.count('src="data:image/png') == 1 + 2
    assert "dvc exp apply" not in page_of(lost)


def test_what_the_scores_say_stands_before_the_verdict_of_the_watch():
    found = Finding("not like real images", "seen", "meaning")
    page = page_of(run("one"), run("two", found=found))
    assert "Not like real images (near equilibrium)" in page
    assert page.count("banner failed") == 2  # its picture's and its cell in the table
    harmless = Finding("recognised without error", "seen", "meaning", serious=False)
    assert "banner failed" not in page_of(run("one"), run("two", found=harmless))


def test_the_command_that_discards_edits_stands_beside_a_warning():
    warning = "You lose edits that are in no commit"
    assert warning in page_of(run("one"), run("two"), two="dvc exp apply two")
    assert warning not in page_of(run("one"), run("two"))


def test_the_stand_in_is_named():
    train = {**run("one").train, "bundled_data": True}
    assert "Not the real data" not in page_of(run("one"))
    assert "Not the real data.</strong> They were" in page_of(
        run("one", train=train), run("two", train=train)
    )
    page = page_of(run("one", train=train), run("two"))
    assert "Not the real data in all runs.</strong> one was" in page


def test_the_page_is_in_the_language_now_spoken(drawn_texts):
    found = Finding(NOT_REAL, "", "")
    stand_in = {"steps": 9, "epochs": 1, "bundled_data": True}
    with speaking("zh"):
        note = side_by_side.note_of("x")
        other = run("two", 0.2, judge="b" * 64, train=stand_in, picture=None, note=note)
        runs = (run("one", found=found), other)
        page = side_by_side.page_of(
            side_by_side.title_of("mnist"), "mnist", runs, {"one": "dvc exp apply one"}
        )
    assert '<html lang="zh-CN">' in page
    assert "mnist：多次训练对比" in page
    assert "不像真实图像（接近均衡）" in page
    assert "2 轮，1,200 步" in page
    assert "1 轮，9 步" in page
    assert "two 用的是本项目自带的替代数据" in page
    assert "图像不在本机上：x" in page
    assert english_left(page.replace("Do they look right?", "")) == []
    assert drawn_texts
    assert not strange_letters("".join(drawn_texts))


def of_seed(rate, seed, value):
    name = ranking.measure(ranking.DEFAULT).full_name
    return run(
        f"rate-{rate}-seed{seed}",
        params={"train.learning_rate": rate, "train.seed": seed},
        figures={name: Figure(value, 0.01, 0.2, 0.02, "How far?")},
    )


def test_runs_that_differ_in_seeds_are_shown_as_settings_in_order():
    runs = [of_seed(0.1, 1, 9.5), of_seed(0.2, 1, 1.5), of_seed(0.1, 2, 10.5), of_seed(0.2, 2, 1.7)]
    page = page_of(*runs)
    assert "The settings, best first" in page
    assert page.index("rate-0.2") < page.index("rate-0.1")
    assert re.findall("<h3>(rate.*)</h3>", page) == [
        "rate-0.2-seed1", "rate-0.2-seed2", "rate-0.1-seed1", "rate-0.1-seed2",
    ]  # fmt: skip
    assert "10 ± 0.7<br><small>9.5, 10.5</small>" in page
    assert "2 of 2 near equilibrium" in page
    assert "Welch" in page
    pairs = page[page.index("Which params differ between two settings") :]
    assert '<a href="#params-0-1">1</a>' in pairs
    assert "train.seed" not in pairs
    assert page.count('src="data:image/png') == 4 + 1 + 2  # grids, dots, curves


def test_settings_in_order_are_told_in_the_language_now_spoken(drawn_texts):
    with speaking("zh"):
        # The last seed of the second setting has no score, and the third setting has one run.
        runs = [of_seed(0.1, 1, 9.5), of_seed(0.2, 1, 1.5), of_seed(0.1, 2, 10.5)]
        runs += [of_seed(0.2, 2, 1.7), of_seed(0.2, 3, None), of_seed(0.3, 1, 5.0)]
        page = page_of(*runs)
    assert "各种设置，最好的在前" in page
    assert "2 次中有 2 次接近均衡" in page
    assert "3: 无（3 次中 1 次没有得分）" in page
    assert "与 rate-0.3-seed1 的差异无法检验" in page
    assert "大约不超过 5%" in page
    assert english_left(page.replace("What if?", "").replace("How far?", "")) == []
    assert "rate-0.2" in drawn_texts
    assert not strange_letters("".join(drawn_texts))


def test_a_best_setting_that_lost_runs_and_another_judge_are_told():
    def runs():
        yield from (of_seed(0.1, 1, 1.5), of_seed(0.1, 2, None))
        yield from (of_seed(0.2, seed, 9.5 + seed) for seed in (1, 2))

    def others():
        return (replace(of_seed(0.3, seed, 0.5), judge="b" * 64) for seed in (1, 2))

    page = page_of(*runs())
    assert "<strong>rate-0.1</strong> has the best geometric mean." in page
    assert "But 1 of its 2 runs ended without a score" in page
    assert "come from another judge" not in page
    page = page_of(*runs(), *others())
    assert "The scores of rate-0.3 come from another judge." in page
    with speaking("zh"):
        page = page_of(*runs(), *others())
    assert "它的 2 次训练中有 1 次结束时没有得分" in page
    assert "rate-0.3 的得分来自另一个评判网络" in page
    assert english_left(page.replace("What if?", "").replace("How far?", "")) == []


def test_a_run_that_failed_without_a_verdict_is_told_in_the_language_now_spoken():
    lost = run("lost", verdict=NO_VERDICT, train={}, figures={}, history={}, picture=None)
    assert "<strong>Failed</strong>" in page_of(run("one"), lost)
    with speaking("zh"):
        page = page_of(run("one"), lost)
    assert "<strong>失败</strong>" in page
    assert english_left(page.replace("What if?", "").replace("Do they look right?", "")) == []


def test_without_several_seeds_the_page_tests_nothing():
    page = page_of(run("one"), run("two", 0.2))
    assert "Welch" not in page
    assert "<code>seeds: [1, 2, 3]</code>" in page
