"""Check the tasks of the course, build its notebooks, or collect the students' bundles.

python -m stages course                      list the parts, and how far the answers here are
python -m stages course check [PART]         check the answers in course/answers
python -m stages course collect FOLDER       the students' bundles: a table and a comparison
python -m stages course build [PART]         write the notebooks again from their sources
"""

import sys
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, speaking, spoken
from stages.tools.course import checking, parts
from stages.tools.course.outcomes import State
from stages.tools.course.parts import Part
from stages.tools.course.places import Project
from stages.tools.verify.__main__ import printable

OUTPUT = Path("reports/course")


def main() -> None:
    """Parse the command line, and do one of these."""
    parser = argument_parser()
    commands = parser.add_subparsers(dest="command", metavar="check | collect | build")
    checked = commands.add_parser("check", help=_("check the answers in course/answers"))
    checked.add_argument("part", nargs="?", type=int, help=_("a part's number; all that are begun"))
    collected = commands.add_parser("collect", help=_("put the students' bundles on one page"))
    collected.add_argument(
        "folder", type=Path, help=_("with the bundles, also in folders inside it")
    )
    collected.add_argument(
        "--output",
        type=Path,
        default=OUTPUT,
        help=_("for table and pages; default: {folder}").format(folder=OUTPUT),
    )
    built = commands.add_parser("build", help=_("write the notebooks again from their sources"))
    built.add_argument("part", nargs="?", type=int, help=_("a part's number; all if none"))
    built.add_argument("--teacher", action="store_true", help=_("the teacher's notebooks, too"))
    built.add_argument("--force", action="store_true", help=_("also over a notebook that was run"))
    arguments = parser.parse_args()
    if arguments.command == "check":
        check(arguments.part)
    elif arguments.command == "collect":
        collect(arguments.folder, arguments.output)
    elif arguments.command == "build":
        build(chosen(arguments.part), arguments.teacher, arguments.force)
    else:
        listing()


def chosen(number: int | None) -> list[Part]:
    """The part with that number; all without one."""
    return parts.every() if number is None else [parts.find(number)]


def listing() -> None:
    """Print one line for each part."""
    for part in parts.every():
        content = part.read_checks()
        right = checking.check_part(part, Project()).right
        title = content["title"][spoken()]
        say(
            _(
                "{number}  {title}: {right} of {count} tasks, about {minutes} minutes, {notebook}"
            ).format(
                number=part.number,
                title=title,
                right=right,
                count=len(content["tasks"]),
                minutes=content["minutes"],
                notebook=part.notebook("student", spoken()),
            )
        )


def check(number: int | None) -> None:
    """Print the outcome of each task; the exit code is 1 if one is not solved."""
    results = [checking.check_part(part, Project()) for part in chosen(number)]
    if number is None:
        results = [result for result in results if result.is_begun]
    if not results:
        raise UserError(
            _("there are no answers in {folder}: a notebook of the course writes them").format(
                folder=parts.ANSWERS
            )
        )
    for result in results:
        for name, outcome in result.outcomes.items():
            say(outcome.line(f"{result.part.number} {name}"))
        for name in checking.unknown(result.part, checking.read_answers(result.part, Project())):
            say(
                _("note: {path} has {name!r}, which is no task").format(
                    path=result.part.answers, name=name
                )
            )
        checking.write_record(result)
    right = sum(result.right for result in results)
    count = sum(len(result.outcomes) for result in results)
    say(_("{right} of {count} tasks are right").format(right=right, count=count))
    if any(o.state is not State.RIGHT for result in results for o in result.outcomes.values()):
        sys.exit(1)


def collect(folder: Path, output: Path) -> None:
    """Read all bundles in a folder, and write the table and the pages."""
    # Imported late: a check needs none of it.
    from stages.tools.course.collecting import bundles, table

    found, language = parts.every(), params.language(paths.PARAMS)
    students = []
    for path in bundles.find(folder):
        with speaking(language):
            student = bundles.read(path, folder, found)
        students.append(student)
        tasks = sum(len(checked.outcomes) for checked in student.parts)
        state = _("intact") if student.is_intact else _("NOT INTACT")
        problem = f"; {student.problem}" if student.problem else ""
        line = _("{student}: {state}, {right} of {count} tasks{problem}").format(
            student=student.name, state=state, right=student.right, count=tasks, problem=problem
        )
        say(printable(line))
    with speaking(language):
        written = table.write(output, students, found)
    for path in written:
        say(str(path))


def build(found: list[Part], with_teacher: bool, force: bool) -> None:
    """Write hidden answers and notebooks."""
    try:
        from stages.tools.course.building import build as building
    except ModuleNotFoundError as error:
        raise UserError(
            _(
                "{package} is not installed: `make course` installs what builds the notebooks"
            ).format(package=error.name)
        ) from None
    for part in found:
        for path in building.write(part, with_teacher, force):
            say(str(path))


if __name__ == "__main__":
    guarded(main)
