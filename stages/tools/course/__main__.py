"""Check the tasks of the course, build its notebooks, or collect the students' bundles.

python -m stages course                      list the parts, and how far the answers here are
python -m stages course check [PART]         check the answers in course/answers
python -m stages course collect FOLDER       the students' bundles: a table and a comparison
python -m stages course build [PART]         write the notebooks again from their sources
"""

import os
import sys
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan.common.errors import UserError
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
    checked = commands.add_parser("check", help="check the answers in course/answers")
    checked.add_argument("part", nargs="?", type=int, help="a part's number; all that are begun")
    collected = commands.add_parser("collect", help="put the students' bundles on one page")
    collected.add_argument("folder", type=Path, help="with the bundles, also in folders inside it")
    collected.add_argument(
        "--output",
        type=Path,
        default=OUTPUT,
        help=f"for table and pages; default: {OUTPUT}",
    )
    built = commands.add_parser("build", help="write the notebooks again from their sources")
    built.add_argument("part", nargs="?", type=int, help="a part's number; all if none")
    built.add_argument("--teacher", action="store_true", help="the teacher's notebooks, too")
    built.add_argument("--force", action="store_true", help="also over a notebook that was run")
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
            f"{part.number}  {title}: {right} of {len(content['tasks'])} tasks, "
            f"about {content['minutes']} minutes, {part.notebook('student', spoken())}"
        )


def check(number: int | None) -> None:
    """Print the outcome of each task; the exit code is 1 if one is not solved."""
    results = [checking.check_part(part, Project()) for part in chosen(number)]
    if number is None:
        results = [result for result in results if result.is_begun]
    if not results:
        raise UserError(
            f"there are no answers in {parts.ANSWERS}: a notebook of the course writes them"
        )
    for result in results:
        for name, outcome in result.outcomes.items():
            say(outcome.line(f"{result.part.number} {name}", spoken()))
        for name in checking.unknown(result.part, checking.read_answers(result.part, Project())):
            say(f"note: {result.part.answers} has {name!r}, which is no task")
        checking.write_record(result)
    right = sum(result.right for result in results)
    count = sum(len(result.outcomes) for result in results)
    say(f"{right} of {count} tasks are right")
    if any(o.state is not State.RIGHT for result in results for o in result.outcomes.values()):
        sys.exit(1)


def collect(folder: Path, output: Path) -> None:
    """Read all bundles in a folder, and write the table and the pages."""
    # Imported late: a check needs none of it.
    from stages.tools.course.collecting import bundles, table

    found = parts.every()
    students = []
    for path in bundles.find(folder):
        student = bundles.read(path, folder, found)
        students.append(student)
        tasks = sum(len(checked.outcomes) for checked in student.parts)
        state = "intact" if student.is_intact else "NOT INTACT"
        problem = f"; {student.problem}" if student.problem else ""
        say(printable(f"{student.name}: {state}, {student.right} of {tasks} tasks{problem}"))
    for path in table.write(output, students, found):
        say(str(path))


def build(found: list[Part], with_teacher: bool, force: bool) -> None:
    """Write hidden answers and notebooks."""
    try:
        from stages.tools.course.building import build as building
    except ModuleNotFoundError as error:
        raise UserError(
            f"{error.name} is not installed: `make course` installs what builds the notebooks"
        ) from None
    for part in found:
        for path in building.write(part, with_teacher, force):
            say(str(path))


def spoken() -> str:
    """The language of hints and titles: that of GAN_LANGUAGE, else of the locale."""
    named = (os.environ.get(name) for name in ("GAN_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"))
    return "zh" if next(filter(None, named), "").lower().startswith("zh") else "en"


if __name__ == "__main__":
    guarded(main)
