"""Check every artifact against dvc.lock and its own checksums, byte by byte.

Ends with one line if all is sound; else with a line for each damaged thing and the command
that mends it, and exit code 1.
"""

from collections import Counter

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.tools.dvc import pipeline as locked
from stages.tools.verify import repair
from stages.tools.verify.damage import check


def main() -> None:
    """Parse the command line, check, and tell."""
    parser = argument_parser()
    parser.add_argument("datasets", nargs="*", help="keys of params.yaml's `datasets`; all if none")
    parser.add_argument(
        "--cache", action="store_true", help="read DVC's own copies of the artifacts, too"
    )
    arguments = parser.parse_args()
    for name in arguments.datasets:
        params.check_name(paths.PARAMS, name)
    pipeline = locked.read()
    stages = [
        stage
        for stage in pipeline.stages
        if not arguments.datasets or stage.dataset in arguments.datasets
    ]
    found = check(pipeline, stages, arguments.cache)
    for note in found.notes:
        say(printable(f"note: {note}"))
    for damage in found.damages:
        mend = repair.command(damage, pipeline)
        reason = f" ({damage.reason})" if damage.reason else ""
        say(printable(f"{damage.path.as_posix()}: {damage.kind.value}{reason}; mend: {mend}"))
    names = ", ".join(dict.fromkeys(stage.dataset for stage in stages))
    read = f"{names}: {found.files:,} files, {found.size:,} bytes"
    if found.damages:
        kinds = Counter(damage.kind.value for damage in found.damages)
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        raise UserError(f"{read}, of which something is wrong: {counts}")
    say(f"{read}: each is what dvc.lock and its own checksums say")


def printable(text: str) -> str:
    """Without anything that a terminal would act on or could not show: names may hold it."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


if __name__ == "__main__":
    guarded(main)
