"""Fetch a data set from the first source that has the right files."""

import functools
import tempfile
from pathlib import Path

from stages.command import run_stage, say, workspace
from stages.gan.common import language, paths
from stages.gan.common.errors import UserError
from stages.gan.common.files import whole_folder, write_json
from stages.gan.common.language import _
from stages.gan.common.randomness import stream
from stages.gan.data.raw import formats, leftovers, sources, transfer
from stages.gan.data.raw.packed import open_source
from stages.gan.params import Dataset


def download(dataset: str, params: Dataset) -> None:
    """Write data/<dataset>/raw: the files in their original form, and source.json."""
    settings = params.download
    raw = formats.module(params.kind.format, "raw")
    for name in settings.sha256:
        if name not in raw.HASHED:
            raise UserError(
                _("{dataset}.download.sha256 names {name}: valid is one of {valid}").format(
                    dataset=dataset, name=name, valid=", ".join(raw.HASHED)
                )
            )
    for source in filter(sources.is_local, settings.sources):
        paths.refuse_own_result(source, paths.raw(dataset), f"{dataset}.download.sources")
    begun = workspace.downloads(dataset)
    with whole_folder(paths.raw(dataset)) as folder:
        left_out = leftovers.NOTHING

        def take(source: str) -> None:
            nonlocal left_out
            for file in raw.FILES:
                (folder / file).unlink(missing_ok=True)
            if source.startswith(sources.BUNDLED):
                make_bundled(source, params, folder)
                left_out = leftovers.NOTHING
                return
            with tempfile.TemporaryDirectory(dir=folder) as scratch:
                limits = transfer.Limits(settings.timeout, settings.retries, settings.maximum_bytes)
                found = sources.fetch(source, raw.FILES, Path(scratch), limits, begun)
                with open_source(found, settings.maximum_bytes, Path(scratch)) as container:
                    left_out = raw.gather(
                        container, folder, settings.maximum_bytes, settings.subset
                    )
            sources.check_hashes(settings.sha256, raw.identities(folder))

        are_known = set(settings.sha256) >= set(raw.HASHED)
        ordered = sources.in_order(settings.sources, language.of_terminal(), are_known)
        found = sources.first_that_works(ordered, take, say)
        there = [folder / file for file in raw.FILES if (folder / file).exists()]
        files = {file.name: file.stat().st_size for file in there}
        write_json(
            folder / "source.json",
            {
                "source": found.name,
                "bundled": found.bundled,
                "bytes": files,
                "sha256": raw.identities(folder),
                "left_out": left_out,
            },
        )
    transfer.clear(begun)
    say(
        _("{dataset}: {size:,} bytes from {name}").format(
            dataset=dataset, size=sum(files.values()), name=found.name
        )
    )
    for line in leftovers.lines(left_out):
        say(f"  {line}")
    if found.bundled:
        say(
            _("WARNING: {dataset}: this is the bundled stand-in of this project,").format(
                dataset=dataset
            )
        )
        say(_("not the real data. The metrics and the report say so too."))


def make_bundled(source: str, params: Dataset, folder: Path) -> None:
    """Make the stand-in that this project has for the data set's format."""
    bundled = formats.module(params.kind.format, "bundled")
    if source != bundled.NAME:
        raise UserError(
            _("unknown bundled set: format {format} has {valid}").format(
                format=params.kind.format, valid=bundled.NAME
            )
        )
    settings = params.download
    stream_at = functools.partial(stream, settings.bundled_seed, "drawing")
    bundled.make(folder, settings.bundled_count, stream_at)


if __name__ == "__main__":
    run_stage(download, "kind.format", "download")
