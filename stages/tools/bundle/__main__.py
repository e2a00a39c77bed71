"""Pack all results of a run into one file or folder, or check a bundle from others.

python -m stages bundle mnist [--output FILE.zip | FOLDER]     pack it
python -m stages bundle --check FILE.zip [--unpack FOLDER]     check it, then unpack it
"""

import re
from collections import Counter
from pathlib import Path

from stages.command import argument_parser, guarded, say
from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import sha256
from stages.gan.common.language import _
from stages.tools.bundle import check as bundle_check
from stages.tools.bundle import contents, summary
from stages.tools.bundle import pack as packing
from stages.tools.verify.__main__ import printable

DEFAULT = Path("bundles")


def main() -> None:
    """Parse the command line, and pack or check."""
    parser = argument_parser()
    parser.add_argument("dataset", nargs="?", help=_("a key of params.yaml's `datasets`, to pack"))
    parser.add_argument(
        "--output", type=Path, help=_("FILE.zip or a new folder, instead of bundles/<dataset>.zip")
    )
    parser.add_argument(
        "--check", type=Path, metavar="BUNDLE", help=_("check every byte of a bundle")
    )
    parser.add_argument(
        "--unpack",
        type=Path,
        metavar="FOLDER",
        help=_("unpack it if it is intact"),
    )
    arguments = parser.parse_args()
    if bool(arguments.dataset) == bool(arguments.check):
        parser.error(_("name a data set to pack, or a bundle with --check"))
    if arguments.check and arguments.output:
        parser.error(_("--output is only for packing; use --unpack FOLDER with --check"))
    if arguments.dataset and arguments.unpack:
        parser.error(_("--unpack is only valid with --check BUNDLE"))
    if arguments.dataset:
        pack(arguments.dataset, arguments.output or DEFAULT / f"{arguments.dataset}.zip")
    else:
        check(arguments.check, arguments.unpack)


def pack(dataset: str, target: Path) -> None:
    """Write a bundle of the results of the last `dvc repro`."""
    params.check_name(paths.PARAMS, dataset)
    if target.suffix not in ("", contents.ARCHIVE):
        raise UserError(
            _("--output is {target}: valid is a .zip or a folder").format(target=target)
        )
    contents.refuse_existing(target)
    gathered = packing.gather(dataset)
    contents.write(target, dataset, gathered.files, gathered.measured)
    for note in gathered.notes:
        say(printable(_("note: {note}").format(note=note)))
    size = sum(one.size for one in gathered.measured.values())
    say(
        _("{dataset}: {target}, {count} files, {size:,} bytes{identity}").format(
            dataset=dataset,
            target=target,
            count=len(gathered.files),
            size=size,
            identity=_identity(target),
        )
    )


def check(path: Path, target: Path | None) -> None:
    """Read every byte of a bundle, print its contents, and unpack it if a target is given."""
    if target:
        contents.refuse_existing(target)
    checked = bundle_check.check(path)
    for name, reason in checked.damages.items():
        say(printable(f"{name}: {reason}"))
    about = _("{path}: {count} files, {size:,} bytes").format(
        path=path, count=len(checked.manifest.files), size=checked.size
    )
    if checked.damages:
        # A reason begins with its kind, in each language.
        kinds = Counter(
            re.split(r"\W", reason, maxsplit=1)[0] for reason in checked.damages.values()
        )
        counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
        raise UserError(
            _("{about}; some are wrong: {counts}").format(about=printable(about), counts=counts)
        )
    say(
        printable(
            _("{about}: all match the manifest{identity}").format(
                about=about, identity=_identity(path)
            )
        )
    )
    for line in summary.lines(checked):
        say(printable(line))
    if differing := summary.warnings(checked):
        say(
            printable(
                _("warning: a new run here may round differently: {differences}").format(
                    differences="; ".join(differing)
                )
            )
        )
    if target:
        bundle_check.unpack(checked, target)
        say(_("unpacked to {target}").format(target=target))


def _identity(path: Path) -> str:
    return _(", sha256 {hash}").format(hash=sha256(path)) if path.is_file() else ""


if __name__ == "__main__":
    guarded(main)
