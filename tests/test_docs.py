"""What the pages of documentation name exists: links, paths, modules, commands, make targets."""

import ast
import math
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from stages.__main__ import COMMANDS, STAGES
from stages.gan.pages.play import SECTIONS, languages
from tests.helpers.project import ROOT

PAGES = [
    *sorted(ROOT.glob("README*.md")),
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("course/*.md")),
]
ROOMS = "stages|tests|benchmarks|docs|recipes|sweeps|course"


def names(pages: Iterable[Path]) -> list[str]:
    return [page.relative_to(ROOT).as_posix() for page in pages]


def code_of(text: str) -> list[str]:
    """What a page has between backticks, and the lines of its fenced blocks."""
    fenced = re.findall(r"^```.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in fenced for line in block.splitlines()]
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n|\n(?=\|)", prose)]
    return [code for part in paragraphs for code in re.findall(r"`([^`]+)`", part)] + lines


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def missing_links(page: Path) -> list[str]:
    """The relative links of a page, pictures included, that lead nowhere."""
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    return missing


def missing_paths(text: str) -> list[str]:
    """The paths between backticks that begin with one of the project's folders and do not exist."""
    paths = [
        path
        for code in (re.sub("<[a-z ]+>", "*", code) for code in code_of(text))
        for path in re.findall(rf"(?<![\w/.-])(?:{ROOMS})/[\w./*-]*", code)
    ]
    return [path for path in paths if not list(ROOT.glob(path.rstrip("/.")))]


def missing_modules(text: str) -> list[str]:
    """The modules of the project, written with dots, that do not exist."""
    modules = [
        module
        for code in code_of(text)
        for module in re.findall(r"(?<![\w/.-])(?:stages|tests|benchmarks)\.[a-z_.]*[a-z]", code)
    ]
    places = {module: ROOT / module.replace(".", "/") for module in modules}
    return [
        module
        for module, place in places.items()
        if not (place.is_dir() or place.with_name(f"{place.name}.py").exists())
    ]


def missing_commands(text: str) -> list[str]:
    """The names after `python -m stages` that are no command."""
    code = "\n".join(code_of(text))
    named = re.findall(r"python -m stages ([a-z][\w-]*)", code)
    stages = re.findall(r"python -m stages\.([\w.]+)", code)
    return [name for name in named if name not in COMMANDS] + [
        name for name in stages if name not in STAGES
    ]


def missing_targets(text: str) -> list[str]:
    """The names after `make` that are no target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))
    named = [
        name
        for code in code_of(text)
        for name in re.findall(r"(?:^|[$&;]) *make ([a-z][\w-]*)", code)
    ]
    return [name for name in named if name not in targets]


def tree_of(text: str) -> list[str]:
    """The paths of a page's tree, a fenced block whose first line is `stages/`."""
    block = re.search(r"^```\n(stages/.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert block is not None
    paths, above = [], [""]
    for line in block.group(1).splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        entries = re.split(r" {2,}", line.strip())[0].split()
        paths += [above[depth] + entry for entry in entries]
        above[depth + 1 :] = [above[depth] + entries[-1]]
    return paths


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_each_link_leads_somewhere(page):
    assert missing_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_each_path_and_module_exists(page):
    text = page.read_text(encoding="utf-8")
    assert missing_paths(text) + missing_modules(text) == []


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_each_command_and_make_target_exists(page):
    text = page.read_text(encoding="utf-8")
    assert missing_commands(text) + missing_targets(text) == []


def test_each_room_of_the_readmes_tree_exists():
    tree = tree_of((ROOT / "README.md").read_text(encoding="utf-8"))
    assert [path for path in tree if not (ROOT / path).exists()] == []
    assert "stages/gan/losses/" in tree


def test_the_readmes_tree_has_every_room():
    tree = tree_of((ROOT / "README.md").read_text(encoding="utf-8"))
    folders = [*ROOT.glob("stages/*/"), *ROOT.glob("stages/gan/*/"), *ROOT.glob("stages/tools/*/")]
    rooms = {f"{folder.relative_to(ROOT).as_posix()}/" for folder in folders if folder.is_dir()}
    assert {room for room in rooms - set(tree) if "__pycache__" not in room} == set()


def test_every_page_of_docs_is_in_their_list():
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in PAGES if page.parent.name == "docs"} - {"README.md"}
    assert {page for page in pages if f"({page})" not in listed} == set()


def promises() -> list[tuple[str, str, str]]:
    """The rows of the table of promises: what is promised, what tests it soon, and what later."""
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    table = re.search(r"^\| promise \|.*?\n\|[-|]+\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    assert table is not None
    rows = [line.strip("|").split(" | ") for line in table[1].splitlines()]
    return [(one.strip(), soon.strip(), later.strip()) for one, soon, later in rows]


def is_slow(marks: list[ast.expr]) -> bool:
    """Whether `pytest.mark.slow` is among decorators or the values of `pytestmark`."""
    return any(ast.unparse(mark) == "pytest.mark.slow" for mark in marks)


def quick_tests(file: Path) -> list[str]:
    """The tests of a module that `make test` runs, at least with some of their parameters."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    for node in body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            values = node.value.elts if isinstance(node.value, ast.List) else [node.value]
            if is_slow(values):
                return []
    return [
        node.name
        for node in body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and not is_slow(node.decorator_list)
    ]


@pytest.mark.parametrize("row", promises(), ids=lambda row: row[0][:40])
def test_each_promise_is_tested_by_make_test(row):
    _, soon, later = row
    named = re.findall(r"tests/[\w/]+\.py", soon)
    assert named
    for file in named:
        assert quick_tests(ROOT / file), f"{file} has slow tests alone"
    for file in re.findall(r"tests/[\w/]+\.py", later):
        assert (ROOT / file).is_file()


def test_slow_tests_are_told_from_quick_ones(tmp_path):
    file = tmp_path / "test_one.py"
    text = "@pytest.mark.slow\ndef test_a():\n    pass\n\n\ndef test_b():\n    pass\n"
    file.write_text(text)
    assert quick_tests(file) == ["test_b"]
    file.write_text(f"pytestmark = [pytest.mark.pipeline, pytest.mark.slow]\n{text}")
    assert quick_tests(file) == []


WRONG = """
A [page](nowhere.md), an [anchor](README.md#no-such-heading), `stages/gan/nothing.py`,
`benchmarks.nothing`, `python -m stages nothing`, `python -m stages.sweep loss`.

```sh
make nothing      # and `tests/test_nothing.py`
```
"""


def test_what_does_not_exist_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(WRONG)
    (tmp_path / "README.md").write_text("# A heading\n")
    assert missing_links(page) == ["nowhere.md", "README.md#no-such-heading"]
    assert missing_paths(WRONG) == ["stages/gan/nothing.py", "tests/test_nothing.py"]
    assert missing_modules(WRONG) == ["benchmarks.nothing", "stages.sweep"]
    assert missing_commands(WRONG) == ["nothing", "sweep"]
    assert missing_targets(WRONG) == ["nothing"]


CHINESE = [page for page in PAGES if page.name.endswith(".zh-CN.md")]


def english(page: Path) -> Path:
    return page.with_name(page.name.replace(".zh-CN", ""))


def numbers(page: Path) -> set[str]:
    """The numbers of a page's text, tables and code, but those in the targets of links.

    Chinese counts large numbers in ten thousands: 2.0 million and 200 万 are the same.
    """
    text = re.sub(r"\]\([^)]*\)", "]", page.read_text(encoding="utf-8"))
    number = r"(?<![\w.])\d(?:[\d,.]*\d)?"
    large = {"million": 10**6, "万": 10**4}
    text = re.sub(
        rf"({number})\s({'|'.join(large)})",
        lambda found: str(round(float(found[1]) * large[found[2]])),
        text,
    )
    return set(re.findall(number, text))


def commands(page: Path) -> list[str]:
    """The lines of a page's fenced blocks, without what explains them."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)
    comment = {True: r"\s+# .*", False: r"\s{2,}.*"}
    return [
        re.sub(comment[bool(language)], "", line)
        for language, block in fenced
        for line in block.splitlines()
        if language or not line.startswith(" ")
    ]


def test_there_are_chinese_editions():
    pages = ("data", "diagnosis", "experiments", "loss-13.8155", "losses", "play", "sharing")
    pages += ("samples", "seeds", "averages", "equilibrium")
    wanted = {"README.md", "docs/systems.md", *(f"docs/{page}.md" for page in pages)}
    assert wanted <= set(names(map(english, CHINESE)))


def test_a_million_is_a_hundred_times_ten_thousand(tmp_path):
    one, other = tmp_path / "one.md", tmp_path / "other.md"
    one.write_text("2.0 million weights, 0.55\nmillion, 1,000 runs")
    other.write_text("200 万个权重、55 万个、1,000 次", encoding="utf-8")
    assert numbers(one) == numbers(other) == {"2000000", "550000", "1,000"}


def links(page: Path) -> list[Path]:
    """The pages that a page links to."""
    found = re.findall(r"\]\(([^)\s#:]+\.md)[^)]*\)", page.read_text(encoding="utf-8"))
    return [(page.parent / link).resolve() for link in found]


@pytest.mark.parametrize("page", CHINESE, ids=names(CHINESE))
def test_chinese_pages_link_to_chinese_pages_where_these_exist(page):
    editions = {english(other) for other in CHINESE} - {english(page)}
    assert [link for link in links(page) if link in editions] == []


def is_extract(page: Path) -> bool:
    """Whether a page says at its top that it leaves parts of the English one out."""
    return "\n\n> 节选：" in page.read_text(encoding="utf-8")[:400]


EXTRACTS = [page for page in CHINESE if is_extract(page)]
WHOLE = [page for page in CHINESE if page not in EXTRACTS]


def rows(page: Path) -> list[tuple[str, ...]]:
    """The numbers of each row of a page's tables that has any, in their order."""
    lines = re.findall(r"^\|.*\|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    found = [tuple(re.findall(r"-?\d(?:[\d,.]*\d)?(?:e-\d+)?", line)) for line in lines]
    return [row for row in found if row]


@pytest.mark.parametrize("page", WHOLE, ids=names(WHOLE))
def test_chinese_pages_link_to_what_their_english_pages_link_to(page):
    def targets(edition):
        return {english(link) for link in links(edition)} - {english(page)}

    assert targets(english(page)) - targets(page) == set()


@pytest.mark.parametrize("page", WHOLE, ids=names(WHOLE))
def test_both_editions_have_the_same_numbers_and_commands(page):
    assert numbers(page) == numbers(english(page))
    assert commands(page) == commands(english(page))


@pytest.mark.parametrize("page", EXTRACTS, ids=names(EXTRACTS))
def test_an_extract_has_no_number_row_or_command_that_the_english_page_lacks(page):
    other = english(page)
    assert numbers(page) - numbers(other) == set()
    assert [row for row in rows(page) if row not in rows(other)] == []
    assert [line for line in commands(page) if line not in commands(other)] == []


def test_another_number_in_an_extract_is_found(tmp_path):
    one, other = tmp_path / "one.md", tmp_path / "one.zh-CN.md"
    one.write_text("# One\n\n| a run | 0.5 ± 0.1 |\n| b | 1e-05, 0.7 |\n")
    other.write_text("# 一\n\n> 节选：略\n\n| 甲 | 0.5 ± 0.7 |\n| 乙 | 1e-05、0.7 |\n", "utf-8")
    assert is_extract(other)
    assert numbers(other) - numbers(one) == set()  # each number stands somewhere
    assert [row for row in rows(other) if row not in rows(one)] == [("0.5", "0.7")]


@pytest.mark.parametrize("page", CHINESE, ids=names(CHINESE))
def test_both_editions_name_each_other(page):
    other = english(page)
    assert f"]({other.name})" in page.read_text(encoding="utf-8")
    assert f"]({page.name})" in other.read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "language"), [("play.md", "en"), ("play.zh-CN.md", "zh")])
def test_the_tables_about_the_page_to_play_with_name_what_it_shows(page, language):
    table = languages.table(language)
    shown = {value for section in table.values() for value in section.values()}
    rows = re.findall(r"^\| .*\|$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.M)
    assert [row.split("|")[1].strip() for row in rows[1:6]] == [
        table[section]["title"] for section in SECTIONS
    ]
    quoted = {label for row in rows for label in re.findall(r'["“]([^"”]+)["”]', row)}
    assert len(quoted) > 5
    inner = str.maketrans("\u2018\u2019", "\u201c\u201d")  # quotes in quotes
    assert [label for label in quoted if label.translate(inner) not in shown] == []


RIDDLE = ROOT / "docs/loss-13.8155.md"


def test_the_code_of_the_riddle_prints_the_table_of_the_page(capsys):
    python = RIDDLE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    code = compile(python, "docs/loss-13.8155.md", "exec")
    exec(code, {"__name__": "page"})  # MindSpore asks a function for its module's name
    printed = [
        [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?|\b\d+\b", line)[:3]]
        for line in capsys.readouterr().out.splitlines()
    ]
    rows = re.findall(r"^\| (\d+) \|(.*)\|$", RIDDLE.read_text(encoding="utf-8"), re.M)
    told = [[s, *re.findall(r"[\d.]+", cells)] for s, cells in rows]
    assert len(told) == 5
    for (s, p, *pairs), on_probability, on_logit in zip(
        told, printed[::2], printed[1::2], strict=True
    ):
        assert float(p) == pytest.approx(1 / (1 + math.exp(-float(s))), abs=2e-7)
        for column, line in enumerate((on_probability, on_logit)):
            assert line[0] == float(s)
            pair = [float(value) for value in pairs[2 * column : 2 * column + 2]]
            assert line[1:] == pytest.approx(pair, abs=1e-6)
