"""Turn raw files into arrays in [-1, 1], and attach a latent code to each image."""

from stages.command import run_stage, say
from stages.gan.common import paths
from stages.gan.common.files import read_json, whole_folder
from stages.gan.common.language import ENGLISH, _, speaking
from stages.gan.data import prepared
from stages.gan.data.raw import account, formats
from stages.gan.params import Dataset


def preprocess(dataset: str, params: Dataset) -> None:
    """Write data/<dataset>/prepared: see stages.gan.data.prepared."""
    settings = params.preprocess
    source = read_json(paths.raw(dataset) / "source.json", "source", "bundled", "left_out")
    account.check_all_there(paths.raw(dataset), source)
    reader = formats.module(params.kind.format, "reader")
    with whole_folder(paths.prepared(dataset)) as folder:
        result = reader.prepare(paths.raw(dataset), folder, settings)
        prepared.attach_latents(folder, result.counts, settings.latent_size, settings.seed)
        with speaking(ENGLISH):  # the page says it in its own language
            told = account.lines(result, source["left_out"], settings.transposed)
        prepared.describe(
            folder,
            {
                "source": source["source"],
                "bundled": source["bundled"],
                "image_shape": [settings.channels, settings.image_size, settings.image_size],
                "latent_size": settings.latent_size,
                "value_range": [-1.0, 1.0],
                "raw_values": result.values,
                "counts": result.counts,
                "rejected": result.rejected,
                "beyond_maximum": result.beyond_maximum,
                "several_frames": result.several_frames,
                "left_out": source["left_out"],
                "copies": result.copies,
                "told": told,
            },
        )
    say(
        _("{dataset}: {train:,} images to train on, {test:,} held out, {skipped} skipped").format(
            dataset=dataset,
            train=result.counts["train"],
            test=result.counts["test"],
            skipped=len(result.rejected),
        )
    )
    for line in account.skipped(result.rejected):
        say(f"  {line}")
    for line in account.lines(result, source["left_out"], settings.transposed):
        say(f"  {line}")


if __name__ == "__main__":
    run_stage(preprocess, "kind.format", "preprocess")
