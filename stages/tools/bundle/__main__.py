"""Pack a run's whole story into one file or folder, or check one that somebody has sent.

python -m stages bundle mnist [--output FILE.zip | FOLDER]     pack it
python -m stages bundle --check FILE.zip [--unpack FOLDER]     check it, then unpack it
"""

from collections import Counter
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.tools.bundle import check as bundle_check
from stages.tools.bundle import contents, summary
from stages.tools.bundle import pack as packing
from stages.tools.verify.__main__ import printable

DEFAULT = Path("bundles")


def main() -> None:
    """Parse the command line, and pack or check."""
    parser = argument_parser()
    parser.add_argument("dataset", nargs="?", help="a key of params.yaml's `datasets`, to pack")
    parser.add_argument(
        "--output", type=Path, help="FILE.zip or a new folder, instead of bundles/<dataset>.zip"
    )
    parser.add_argument("--check", type=Path, metavar="BUNDLE", help="read every byte of it")
    parser.add_argument("--unpack", type=Path, metavar="FOLDER", help="write it there, if sound")
    arguments = parser.parse_args()
    if bool(arguments.dataset) == bool(arguments.check):
        parser.error("name a data set to pack, or a bundle with --check")
    if arguments.check and arguments.output:
        parser.error("--output is for packing: --unpack names a folder to unpack into")
    if arguments.dataset and arguments.unpack:
        parser.error("--unpack is for a bundle that is named with --check")
    if arguments.dataset:
        pack(arguments.dataset, arguments.output or DEFAULT / f"{arguments.dataset}.zip")
    else:
        check(arguments.check, arguments.unpack)


def pack(dataset: str, target: Path) -> None:
    """Write a bundle of what the last `dvc repro` made."""
    params.check_name(paths.PARAMS, dataset)
    if target.suffix not in ("", contents.ARCHIVE):
        raise UserError(f"--output is {target}: valid is a .zip or a folder")
    contents.complain_if_there(target)
    story = packing.gather(dataset)
    contents.write(target, dataset, story.files, story.measured)
    for note in story.notes:
        say(printable(f"note: {note}"))
    size = sum(one.size for one in story.measured.values())
    say(f"{dataset}: {target}, {len(story.files)} files, {size:,} bytes{_identity(target)}")


def check(path: Path, target: Path | None) -> None:
    """Read a bundle to its last byte, tell what is in it, and unpack it if that is wanted."""
    if target:
        contents.complain_if_there(target)
    checked = bundle_check.check(path)
    for name, reason in checked.damages.items():
        say(printable(f"{name}: {reason}"))
    about = f"{path}: {len(checked.manifest.files)} files, {checked.size:,} bytes"
    if checked.damages:
        kinds = Counter(reason.split()[0] for reason in checked.damages.values())
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        raise UserError(f"{printable(about)}, of which something is wrong: {counts}")
    say(printable(f"{about}: each is what its manifest says{_identity(path)}"))
    for line in summary.lines(checked):
        say(printable(line))
    if differing := summary.warnings(checked):
        say(printable(f"warning: made again here it may round differently: {'; '.join(differing)}"))
    if target:
        bundle_check.unpack(checked, target)
        say(f"unpacked to {target}")


def _identity(path: Path) -> str:
    return f", sha256 {sha256(path)}" if path.is_file() else ""


if __name__ == "__main__":
    guarded(main)
