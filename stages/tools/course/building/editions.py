"""Makes a notebook of one edition in one language from a part's source.

The source is a notebook in jupytext's percent form. A cell with `lang` belongs to the notebooks of
that language alone, and so does a comment in code that begins with `# en: ` or `# zh: `; a line may
end in both. A cell that is tagged `solution` belongs to the teacher's notebooks alone. Between the
lines # BEGIN SOLUTION and # END SOLUTION stands what the student's edition leaves out, and a line
that ends in # SOLUTION gives a name a value that the student has to find (the marks of nbgrader and
otter-grader).
"""

import copy
import re

import jupytext
import nbformat

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.tools.course import parts
from stages.tools.course.parts import Part

STUDENT, TEACHER = EDITIONS = ("student", "teacher")
_BEGIN, _END = "# BEGIN SOLUTION", "# END SOLUTION"
_VALUE = re.compile(r"(?P<name>\s*[A-Za-z_][\w.]*\s*=) .*\S\s+# SOLUTION")
_CHINESE = r"[\u2014-\u201d\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_WITHIN_CHINESE = re.compile(rf"(?<={_CHINESE})\n *(?={_CHINESE})")
_YOURS = {"en": "...  # your code", "zh": "...  # 在这里写代码"}
# Without versions or dates: the same source gives the same bytes everywhere.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def read(part: Part) -> nbformat.NotebookNode:
    """The source of a part as a notebook with all its cells.

    Raises
    ------
    UserError
        If there is no source.
    """
    try:
        text = part.source.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            _("{path} is not here: the notebooks are made from it").format(path=part.source)
        ) from None
    return jupytext.reads(text, "py:percent")


def notebook_of(part: Part, edition: str, language: str) -> nbformat.NotebookNode:
    """The notebook of an edition, student or teacher, in a language.

    Raises
    ------
    UserError
        If the marks of a solution do not pair, or a cell names a language that is unknown.
    """
    cells: list[nbformat.NotebookNode] = []
    for cell in read(part).cells:
        spoken, tags = cell.metadata.get("lang"), cell.metadata.get("tags", [])
        if spoken is not None and spoken not in parts.LANGUAGES:
            raise UserError(
                _("{path}: lang {value!r}: {valid}").format(
                    path=part.source, value=spoken, valid=_(" or ").join(parts.LANGUAGES)
                )
            )
        if spoken not in (None, language) or ("solution" in tags and edition == STUDENT):
            continue
        text = cell.source
        if cell.cell_type == "code":
            text = commented(text, language)
            try:
                text = solved(text) if edition == TEACHER else unsolved(text, _YOURS[language])
            except ValueError as error:
                raise UserError(f"{part.source}: {error}: {text[:60]!r}") from None
        made = copy.deepcopy(cell)
        made.source = joined(text) if cell.cell_type == "markdown" else text
        made.id = f"cell-{len(cells) + 1}"
        made.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cells.append(made)
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(_METADATA))
    notebook.nbformat_minor = 5
    nbformat.validate(notebook)
    return notebook


def text_of(notebook: nbformat.NotebookNode) -> str:
    """The text of a notebook's file; the same notebook always gives the same text."""
    return nbformat.writes(notebook) + "\n"


def joined(text: str) -> str:
    """A text whose lines end within Chinese sentences, without these ends: each would be a gap.

    Examples
    --------
    >>> joined("损失\\n低。")
    '损失低。'
    >>> joined("a\\nb")
    'a\\nb'
    """
    return _WITHIN_CHINESE.sub("", text)


def commented(code: str, language: str) -> str:
    """The code with the comments of one language, without their marks.

    Examples
    --------
    >>> commented("n = 3  # en: runs  # zh: 次数", "zh")
    'n = 3  # 次数'
    >>> commented("# en: Try it.\\n# zh: 试一试。\\nn = 3", "en")
    '# Try it.\\nn = 3'
    """
    lines = []
    for line in code.split("\n"):
        marks = {each: f"# {each}: " for each in parts.LANGUAGES}
        found = {each: line.find(mark) for each, mark in marks.items() if mark in line}
        if not found:
            lines.append(line)
        elif language in found:
            begin = found[language] + len(marks[language])
            end = min((at for at in found.values() if at > begin), default=len(line))
            lines.append(f"{line[: min(found.values())]}# {line[begin:end].rstrip()}")
        elif before := line[: min(found.values())].rstrip():
            lines.append(before)
    return "\n".join(lines)


def solved(code: str) -> str:
    """The code with its solutions, without their marks.

    Raises
    ------
    ValueError
        If the marks do not pair.

    Examples
    --------
    >>> solved("a = 1  # SOLUTION")
    'a = 1'
    """
    _complain_unless_paired(code)
    kept = [line for line in code.split("\n") if line.strip() not in (_BEGIN, _END)]
    return "\n".join(re.sub(r"\s+# SOLUTION$", "", line) for line in kept)


def unsolved(code: str, yours: str) -> str:
    """The code with `yours` in the place of each solution.

    Raises
    ------
    ValueError
        If the marks do not pair.

    Examples
    --------
    >>> unsolved("a = 1  # SOLUTION", "...")
    'a = ...'
    """
    _complain_unless_paired(code)
    lines, hidden = [], False
    for line in code.split("\n"):
        if line.strip() == _BEGIN:
            hidden = True
            lines.append(line.replace(_BEGIN, yours))
        elif line.strip() == _END:
            hidden = False
        elif not hidden:
            value = _VALUE.fullmatch(line)
            lines.append(f"{value['name']} ..." if value else line)
    return "\n".join(lines)


def _complain_unless_paired(code: str) -> None:
    marks = [line.strip() for line in code.split("\n") if line.strip() in (_BEGIN, _END)]
    if marks != [_BEGIN, _END] * (len(marks) // 2):
        raise ValueError(_("{begin} and {end} do not pair").format(begin=_BEGIN, end=_END))
    for line in code.split("\n"):
        if line.endswith("# SOLUTION") and not _VALUE.fullmatch(line):
            raise ValueError(_("# SOLUTION ends a line `name = value`"))
