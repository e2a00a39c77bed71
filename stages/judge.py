"""Train the judge: a small network on real images only, whose features measure generated images."""

from stages.command import run_stage, say
from stages.command.recorded import Files
from stages.gan.common import paths
from stages.gan.common.files import whole_folder, write_json
from stages.gan.common.language import _
from stages.gan.data import prepared
from stages.gan.evaluation import judge as judges
from stages.gan.evaluation.judge import storage
from stages.gan.params import Dataset


def judge(dataset: str, params: Dataset) -> None:
    """Write data/<dataset>/judge (see storage) and metrics/<dataset>/judge.json."""
    splits = {name: prepared.load(paths.prepared(dataset), name) for name in prepared.SPLITS}
    made = judges.make(splits["train"], splits["test"], params.judge)
    with whole_folder(paths.judge(dataset)) as folder:
        about = storage.save(folder, made, splits)
    write_json(paths.metrics(dataset) / "judge.json", {"accuracy": about["accuracy"]})
    say(
        _(
            "{dataset}: the judge is right on {accuracy:.2%} of {count:,} held-out images "
            "(task: {task}, {classes} classes)"
        ).format(
            dataset=dataset,
            accuracy=made.accuracy,
            count=about["counts"]["test"],
            task=made.task,
            classes=made.classes,
        )
    )


def files(dataset: str) -> Files:
    """What this stage reads and writes."""
    return Files(
        reads=[paths.prepared(dataset)],
        writes=[paths.judge(dataset), paths.metrics(dataset) / "judge.json"],
    )


if __name__ == "__main__":
    run_stage(judge, "judge", files=files)
