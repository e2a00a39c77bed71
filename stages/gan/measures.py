"""What each measure of generated images is called, what it says, and which way is better.

The one list for page, model card, bundle, comparison and benchmarks. It stands beside the rooms
and not in `evaluation`, where the measures are computed: pages, export and tools all use it, and an
edit of a sentence should rerun `report` and `export`, but not `evaluate`. `evaluation` states the
names, and a test holds both lists against each other. Nothing heavy is imported here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Measure:
    """One measure of evaluate.json.

    Parameters
    ----------
    section, key : str
        Its place in evaluate.json: quality (by the judge) or critic (the two-sample test).
    name : str
        What it is called in a table of its section.
    better : str
        higher, lower, or floor: the nearer to the floor, the score of real images.
    sentence : str
        What it says.
    short : str
        A name for the head of a narrow column; empty: the name is short enough.
    """

    section: Literal["quality", "critic"]
    key: str
    name: str
    better: Literal["higher", "lower", "floor"]
    sentence: str
    short: str = ""

    @property
    def full_name(self) -> str:
        """What it is called where both sections stand in one table."""
        return f"the critic's {self.name}" if self.section == "critic" else self.name

    @property
    def head(self) -> str:
        """What it is called at the head of a column."""
        return self.short or self.name


QUALITY = (
    Measure(
        "quality", "frechet_distance", "Frechet distance (FID, in the judge's features)", "lower",
        "How far apart the two sets' means and covariances are. Lower is better.",
        "Frechet (FID)",
    ),
    Measure(
        "quality", "kernel_distance", "kernel distance (KID)", "lower",
        "The same of the first three moments; 0 is expected of equal sets at any number of images.",
        "kernel (KID)",
    ),
    Measure(
        "quality", "precision", "precision", "higher",
        "The share of generated images that lie among real ones: do they look right?",
    ),
    Measure(
        "quality", "recall", "recall", "higher",
        "The share of real images that lie among generated ones: is everything there?",
    ),
    Measure(
        "quality", "density", "density", "higher",
        "How many real neighbourhoods a generated image lies in, of what is usual; may pass 1.",
    ),
    Measure(
        "quality", "coverage", "coverage", "higher",
        "The share of real images with a generated one in their neighbourhood.",
    ),
    Measure(
        "quality", "class_coverage", "class coverage", "higher",
        "The share of classes that are generated at least a tenth as often as they are real.",
    ),
    Measure(
        "quality", "class_divergence", "class divergence (nats)", "lower",
        "How far the frequencies of the classes are from the real ones; 0 if equal.",
        "classes' KL",
    ),
    Measure(
        "quality", "memorisation", "memorisation", "floor",
        "How often a generated image is nearer to a training image than a new real one is: above a "
        "half it copies; below, its images are farther from all that is real.",
    ),
    Measure(
        "quality", "near_copies", "near copies", "floor",
        "The share nearer to a training image than all but 1 % of new real images are.",
    ),
)  # fmt: skip
CRITIC = (
    Measure(
        "critic", "bce", "cross-entropy, sum (nats)", "higher",
        "How surprised the critic is by both; 1.3863 if it cannot tell them apart.",
        "critic's BCE",
    ),
    Measure(
        "critic", "equilibrium_distance", "distance from equilibrium (nats)", "lower",
        "How far that is from 1.3863.",
    ),
    Measure(
        "critic", "jsd_lower_bound", "JSD, lower bound (nats)", "lower",
        "Real and generated images are at least this far apart, of 0.6931 at most.",
        "JSD at least",
    ),
    Measure(
        "critic", "accuracy", "accuracy", "lower",
        "The share of images that the critic sorts rightly; guessing gives a half.",
    ),
    Measure(
        "critic", "p_value", "p-value", "higher",
        "How probable so many right answers would be if there were no difference; 0 is below "
        "1e-323.",
    ),
)  # fmt: skip
ALL = QUALITY + CRITIC


def scored(evaluate: Mapping[str, Any]) -> Iterator[tuple[Measure, Mapping[str, Any]]]:
    """Each measure that has a value in the content of evaluate.json, and its score.

    A measure has none where there were too few images, or where an older run did not know it.
    """
    for measure in ALL:
        score = evaluate[measure.section].get(measure.key)
        if score is not None and score["value"] is not None:
            yield measure, score
