"""Notebooks of each edition and language from one source."""

import pytest

from stages.gan.common.errors import UserError
from stages.tools.course.building import editions
from stages.tools.course.parts import Part

SOURCE = """# %% [markdown] lang="en"
# # Title
# %% [markdown] lang="zh"
# # 标题
#
# 一行
# 接一行。
# %% tags=["parameters"]
steps = 3  # en: of a run  # zh: 每次的步数
# %%
def double(x):
    # en: x: a number
    # zh: x：一个数
    # BEGIN SOLUTION
    y = 2
    return y * x
    # END SOLUTION


# %%
answer = double(4)  # SOLUTION
print(answer)
# %% [markdown] lang="en" tags=["solution"]
# For teachers.
"""


@pytest.fixture
def part(tmp_path):
    part = Part(1, tmp_path)
    part.source.write_text(SOURCE, encoding="utf-8")
    return part


def cells(part, edition, language):
    return [cell.source for cell in editions.notebook_of(part, edition, language).cells]


def test_the_student_gets_no_solution(part):
    assert cells(part, "student", "en") == [
        "# Title",
        "steps = 3  # of a run",
        "def double(x):\n    # x: a number\n    ...  # your code",
        "answer = ...\nprint(answer)",
    ]
    assert cells(part, "student", "zh")[1:3] == [
        "steps = 3  # 每次的步数",
        "def double(x):\n    # x：一个数\n    ...  # 在这里写代码",
    ]


def test_the_teacher_gets_all_of_it_without_marks(part):
    assert cells(part, "teacher", "en") == [
        "# Title",
        "steps = 3  # of a run",
        "def double(x):\n    # x: a number\n    y = 2\n    return y * x",
        "answer = double(4)\nprint(answer)",
        "For teachers.",
    ]


def test_each_language_has_its_own_text_without_gaps_in_chinese(part):
    assert cells(part, "teacher", "zh")[0] == "# 标题\n\n一行接一行。"


def test_the_same_source_gives_the_same_text(part):
    texts = [editions.text_of(editions.notebook_of(part, "student", "zh")) for _ in range(2)]
    assert texts[0] == texts[1]
    assert "标题" in texts[0]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("# BEGIN SOLUTION\na = 1", "do not pair"),
        ("# END SOLUTION\n# BEGIN SOLUTION", "do not pair"),
        ("return 1  # SOLUTION", "ends a line `name = value`"),
    ],
)
def test_marks_that_do_not_pair_are_refused(part, code, why):
    part.source.write_text(f"# %%\n{code}\n", encoding="utf-8")
    for edition in editions.EDITIONS:
        with pytest.raises(UserError, match=why):
            editions.notebook_of(part, edition, "en")


def test_an_unknown_language_is_refused(part):
    part.source.write_text('# %% lang="de"\na = 1\n', encoding="utf-8")
    with pytest.raises(UserError, match="lang 'de': en or zh"):
        editions.notebook_of(part, "student", "en")


def test_a_part_without_source_says_so(tmp_path):
    with pytest.raises(UserError, match="the notebooks are made from it"):
        editions.read(Part(1, tmp_path))
