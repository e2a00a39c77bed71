"""Write one self-contained page with the run's data, params, curves, samples and metrics."""

from stages.command import run_stage, say
from stages.gan.common import paths
from stages.gan.common.files import read_csv, read_json, whole_file
from stages.gan.data import prepared
from stages.gan.pages.report import SHOWN, SHOWN_BY_STEP, Run, page_of
from stages.gan.params import Dataset

# The keys of scores.json that the page shows.
MEASURED = (
    "samples", "bce", "training_loss", "real_probability", "fake_probability", "accuracy",
    "jsd_lower_bound", "quality", "critic", "judge", "epoch",
)  # fmt: skip


def report(dataset: str, params: Dataset) -> None:
    """Write reports/<dataset>/index.html."""
    metrics = paths.metrics(dataset)
    training = paths.training_pictures(dataset)
    evaluation = paths.evaluation_pictures(dataset)
    quick = paths.models(dataset) / paths.QUICK_SCORES
    run = Run(
        evaluate=read_json(metrics / paths.SCORES, *MEASURED),
        prepared=prepared.description(paths.prepared(dataset)),
        train=read_json(
            metrics / "train.json", "steps", "epochs", "went_on_from", "real_diversity"
        ),
        verdict=read_json(
            training / "verdict.json", "name", "meaning", "seen", "changes", "earlier", "levels"
        ),
        source=read_json(paths.raw(dataset) / "source.json", "sha256"),
        epochs=read_csv(metrics / "history.csv", "epoch", *SHOWN),
        steps=read_csv(metrics / "history_steps.csv", "step", *SHOWN_BY_STEP),
        classes=read_json(evaluation / paths.CLASSES),
        training=training,
        evaluation=evaluation,
        quick=read_csv(quick, "epoch", "score") if params.train.quick_score else (),
    )
    page = page_of(dataset, params, run)
    with whole_file(paths.report(dataset)) as scratch:
        scratch.write_text(page, encoding="utf-8", newline="\n")
    say(f"{dataset}: {paths.report(dataset)}")


if __name__ == "__main__":
    run_stage(report)
