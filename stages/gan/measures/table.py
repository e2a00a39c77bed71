"""The list of measures of generated images: names, sentences, and the better direction.

Page, model card, bundle, comparison and benchmarks all use this list. It is not in `evaluation`,
which computes the measures, because an edit of a sentence should rerun `report` and `export`, but
not `evaluate`. `evaluation` states the keys; a test compares them with this list. Nothing heavy is
imported here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from stages.gan.common.language import _, marked, translated


@dataclass(frozen=True)
class Measure:
    """One measure of scores.json.

    Parameters
    ----------
    section, key : str
        Its place in scores.json and evaluate.json: quality (by the judge), critic (the two-sample
        test) or game (what both networks could still gain).
    name : str
        Its name in a table of its section.
    better : str
        higher, lower, or floor: nearer to the floor, the score of real images, is better.
    sentence : str
        What it means.
    short : str
        A name for the head of a narrow column; "" if `name` is short enough.
    """

    section: Literal["quality", "critic", "game"]
    key: str
    name: str
    better: Literal["higher", "lower", "floor"]
    sentence: str
    short: str = ""

    @property
    def full_name(self) -> str:
        """Its name in a table of all sections, in the language now spoken."""
        if self.section == "critic":
            return _("the critic's {measure}").format(measure=translated(self.name))
        return translated(self.name)

    @property
    def head(self) -> str:
        """Its name at the head of a column, in the language now spoken."""
        return translated(self.short or self.name)


QUALITY = (
    Measure(
        "quality", "frechet_distance",
        marked("Frechet distance (FID, in the judge's features)"), "lower",
        marked("The distance between the means and covariances of the two sets. Lower is better."),
        marked("Frechet (FID)"),
    ),
    Measure(
        "quality", "kernel_distance", marked("kernel distance (KID)"), "lower",
        marked("The distance between the first three moments. For equal sets, 0 is expected."),
        marked("kernel (KID)"),
    ),
    Measure(
        "quality", "precision", marked("precision"), "higher",
        marked("The share of generated images that lie among real images: do they look right?"),
    ),
    Measure(
        "quality", "recall", marked("recall"), "higher",
        marked("The share of real images that lie among generated images: is nothing missing?"),
    ),
    Measure(
        "quality", "density", marked("density"), "higher",
        marked(
            "How many real neighbourhoods contain a generated image, divided by the expected "
            "number."
        ),
    ),
    Measure(
        "quality", "coverage", marked("coverage"), "higher",
        marked("The share of real images that have a generated image in their neighbourhood."),
    ),
    Measure(
        "quality", "clipped_density", marked("clipped density"), "higher",
        marked(
            "As density, but each image counts at most as one, and outliers among the real images "
            "have less weight. It falls in proportion to the share of bad images."
        ),
    ),
    Measure(
        "quality", "clipped_coverage", marked("clipped coverage"), "higher",
        marked(
            "The share of good images that would cover the real images equally well. It falls in "
            "proportion to the share of bad or missing images."
        ),
    ),
    Measure(
        "quality", "class_coverage", marked("class coverage"), "higher",
        marked(
            "The share of classes that are generated at least a tenth as often as they are real."
        ),
    ),
    Measure(
        "quality", "class_divergence", marked("class divergence (nats)"), "lower",
        marked("The KL divergence of the class frequencies in the two sets. 0 means equal."),
        marked("classes' KL"),
    ),
    Measure(
        "quality", "memorisation", marked("memorisation"), "floor",
        marked(
            "How often a generated image is nearer to a training image than a new real image is. "
            "Above a half, G copies. Below a half, its images are farther from all real images."
        ),
    ),
    Measure(
        "quality", "near_copies", marked("near copies"), "floor",
        marked(
            "The share of generated images that are very near to a training image: nearer than "
            "99 % of new real images are."
        ),
    ),
    Measure(
        "quality", "untrained_frechet_distance",
        marked("Frechet distance in the features of an untrained network"), "lower",
        marked(
            "The distance of the first row, in the features of fixed random convolutions. They "
            "also show what the judge's task does not need."
        ),
        marked("untrained Frechet"),
    ),
)  # fmt: skip
CRITIC = (
    Measure(
        "critic", "bce", marked("cross-entropy, sum (nats)"), "higher",
        marked(
            "The loss on real plus on generated images. It is 1.3863 if the critic can only "
            "guess."
        ),
        marked("critic's BCE"),
    ),
    Measure(
        "critic", "equilibrium_distance", marked("distance from equilibrium (nats)"), "lower",
        marked("The distance of the cross-entropy from 1.3863."),
    ),
    Measure(
        "critic", "jsd_lower_bound", marked("JSD, lower bound (nats)"), "lower",
        marked("Real and generated images differ at least by this JSD. The largest JSD is 0.6931."),
        marked("JSD at least"),
    ),
    Measure(
        "critic", "accuracy", marked("accuracy"), "lower",
        marked("The share of images that the critic classifies correctly. Guessing gives a half."),
    ),
    Measure(
        "critic", "p_value", marked("p-value"), "higher",
        marked(
            "The probability of so many right answers if there were no difference. 0: below "
            "1e-323."
        ),
    ),
)  # fmt: skip
GAME = (
    Measure(
        "game", "duality_gap", marked("duality gap"), "lower",
        marked(
            "What D could gain against this G, and G against this D, together. At a Nash "
            "equilibrium it is 0."
        ),
    ),
    Measure(
        "game", "discriminator_gain", marked("D's gain"), "lower",
        marked(
            "How much better D becomes if it learns on and G stays as it is. At equilibrium D can "
            "gain nothing."
        ),
    ),
    Measure(
        "game", "generator_gain", marked("G's gain"), "lower",
        marked(
            "How much better G becomes if it learns on and D stays as it is. It is large for most "
            "good generators, because images that deceive an unchanging D are easy to find."
        ),
    ),
    Measure(
        "game", "perturbed_gap", marked("perturbed duality gap"), "lower",
        marked(
            "The duality gap, searched from slightly changed weights. It is above the duality gap "
            "where both gradients are 0 but there is no equilibrium."
        ),
        marked("perturbed gap"),
    ),
    Measure(
        "game", "proximal_gap", marked("proximal duality gap"), "lower",
        marked(
            "The duality gap if D may answer each change of G, but its answers must change "
            "little. It can be 0 where there is no Nash equilibrium."
        ),
        marked("proximal gap"),
    ),
)  # fmt: skip
# What every run has that is scored; the game is played only if the params ask for it.
ALWAYS = QUALITY + CRITIC
ALL = ALWAYS + GAME


def scored(evaluate: Mapping[str, Any]) -> Iterator[tuple[Measure, Mapping[str, Any]]]:
    """Each measure that has a value in the content of scores.json, and its score.

    A measure has no value if there were too few images, if an older run did not know it, or if the
    game was not played.
    """
    for measure in ALL:
        score = evaluate.get(measure.section, {}).get(measure.key)
        if score is not None and score["value"] is not None:
            yield measure, score
