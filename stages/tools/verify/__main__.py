"""Check every artifact byte by byte against dvc.lock and its own checksums.

If all artifacts are intact, it prints one line. Otherwise it prints one line for each damaged
artifact, with the command that repairs it, and ends with exit code 1.
"""

import shlex
from collections import Counter

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.language import _, translated
from stages.tools.dvc import limits
from stages.tools.dvc import pipeline as locked
from stages.tools.verify import repair
from stages.tools.verify.damage import check


def main() -> None:
    """Parse the command line, check, and print the result."""
    parser = argument_parser()
    parser.add_argument(
        "datasets", nargs="*", help=_("keys of params.yaml's `datasets`; all if none")
    )
    parser.add_argument(
        "--cache",
        action="store_true",
        help=_("also read DVC's copies of the artifacts in its cache"),
    )
    arguments = parser.parse_args()
    params.check_names(paths.PARAMS)  # DVC leaves out a name such as 2024 without a word
    for name in arguments.datasets:
        params.check_name(paths.PARAMS, name)
    pipeline = locked.read()
    stages = [
        stage
        for stage in pipeline.stages
        if not arguments.datasets or stage.dataset in arguments.datasets
    ]
    found = check(pipeline, stages, arguments.cache)
    for note in filter(None, [limits.emptied_configuration(), *found.notes]):
        say(printable(_("note: {note}").format(note=note)))
    for damage in found.damages:
        command = repair.command(damage, pipeline)
        reason = f" ({damage.reason})" if damage.reason else ""
        say(
            printable(
                _("{path}: {kind}{reason}; repair: {command}").format(
                    path=damage.path.as_posix(),
                    kind=translated(damage.kind.value),
                    reason=reason,
                    command=command,
                )
            )
        )
    if found.by_hand:
        names = " ".join(shlex.quote(name) for name in found.by_hand)
        say(
            _(
                "note: if you ran {names} by hand, `dvc commit -f {names}` keeps the new "
                "results; the repairs above bring the earlier ones back"
            ).format(names=names)
        )
    names = ", ".join(dict.fromkeys(stage.dataset for stage in stages))
    read = _("{names}: {count:,} files, {size:,} bytes").format(
        names=names, count=found.files, size=found.size
    )
    if found.damages:
        kinds = Counter(damage.kind.value for damage in found.damages)
        counts = ", ".join(f"{count} {translated(kind)}" for kind, count in kinds.items())
        raise UserError(_("{read}; some are wrong: {counts}").format(read=read, counts=counts))
    say(_("{read}: all match dvc.lock and their own checksums").format(read=read))


def printable(text: str) -> str:
    """The text with control characters escaped: file names may hold some."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


if __name__ == "__main__":
    guarded(main)
