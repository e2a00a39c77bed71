"""The sentences of what the watch saw. Verdicts store them in English; `told` says them.

verdict.json and checkpoints hold English, so that their bytes do not depend on a language. A page
and the terminal say a stored sentence in their own language.

A sentence consists of clauses, joined by "; ", and some clauses of parts, joined by ", ". Nothing
heavy is imported here.
"""

from collections.abc import Mapping
from typing import Any

from stages.gan.common.language import _, marked, retold, translated

# What the figures are at the end of a run, part by part.
LOSS = marked("over {steps} steps D's loss is {loss:.4g}")
LOSS_AND_LEVEL = marked("over {steps} steps D's loss is {loss:.4g} ({level:.4g} at equilibrium)")
GENERATOR_LOSS = marked("G's {loss:.4g}")
GENERATOR_LOSS_AND_LEVEL = marked("G's {loss:.4g} ({level:.4g})")
REAL = marked("D(x) {probability:.3f}")
FAKE = marked("D(G(z)) {probability:.3f}")
D_GRADIENT = marked("D's gradient has length {length:.3g}")
G_GRADIENT = marked("G's gradient has length {length:.3g}")
APART = marked("generated images differ by {distance:.3g} (real ones by {real:.3g})")
# What speaks for a verdict, clause by clause.
FEW_KINDS = marked("at the end that is {share:.2g} of the real images' difference")
BEFORE = marked("and it was {share:.2g} before")
REJECTED = marked(
    "G's loss is above {limit:.4g}, what it is if D gives every generated image the probability "
    "{probability}"
)
PAIRS_TOLD_APART = marked(
    "G's loss is above {limit:.4g}, what it is if D is sure of both images of a pair: it is wrong "
    "about each with the probability {probability}"
)
HIDDEN = marked("not finite: {names}")
HIDDEN_AND_MORE = marked("not finite: {names} and {more} more")
UNREACHABLE = marked(
    "real images have values from {least:.4g} to {most:.4g}, but G draws in [-1, 1]"
)
NO_LEVELS = marked("they are not among the 256 levels that the stage preprocess makes of images")
ONE_REAL_IMAGE = marked(
    "the real images differ by only {distance:.2g} on average, less than half of one of 256 "
    "levels ({alike:.2g}): there is only one image to learn"
)
ALIKE = marked(
    "since step {since} the images of fixed latent codes differ by {distance:.2g} at most, less "
    "than half of one of 256 levels ({alike:.2g})"
)
REAL_APART = marked("real images differ by {distance:.3g}")
STUCK = marked(
    "from step {since} on D's loss is {loss:.6f} ({level:.4g} at equilibrium) and G's is "
    "{generator_loss:.6f}"
)
STUCK_ANSWERS = marked("D(x) is {real:.4g} and D(G(z)) is {fake:.4g}")
NO_GRADIENT = marked("in {steps} steps every measured gradient of both networks was exactly 0")
VANISHED = marked("the root mean square of G's gradient is at most {size:.2g}")
VANISHED_BELOW = marked("below {limit:.0e} Adam moves no weight")
NO_GENERATOR_GRADIENT = marked("every measured gradient of G was exactly 0")
SLOW_SWINGS = marked(
    "D(G(z)), averaged over {steps} steps, turned {turns} times by more than {swing} in the last "
    "{last} steps"
)
FAST_SWINGS = marked("D(G(z)) turned {turns} times by more than {swing} in the last {last} steps")
# A measure of `training.step.measures` that is no finite number.
NOT_FINITE = {
    "discriminator_loss": marked("discriminator loss is {value}"),
    "generator_loss": marked("generator loss is {value}"),
    "real_probability": marked("real probability is {value}"),
    "fake_probability": marked("fake probability is {value}"),
    "discriminator_gradient": marked("discriminator gradient is {value}"),
    "generator_gradient": marked("generator gradient is {value}"),
}
# Why a change is advised.
TIMES = marked("{times} times as long")

# Clauses as a whole, and the parts of the others.
_CLAUSES = (
    REJECTED, PAIRS_TOLD_APART, HIDDEN, HIDDEN_AND_MORE, UNREACHABLE, NO_LEVELS, ONE_REAL_IMAGE,
    ALIKE, REAL_APART, STUCK, STUCK_ANSWERS, NO_GRADIENT, VANISHED, VANISHED_BELOW,
    NO_GENERATOR_GRADIENT, SLOW_SWINGS, FAST_SWINGS,
)  # fmt: skip
_PARTS = (
    LOSS, LOSS_AND_LEVEL, GENERATOR_LOSS, GENERATOR_LOSS_AND_LEVEL, REAL, FAKE, D_GRADIENT,
    G_GRADIENT, APART, FEW_KINDS, BEFORE, *NOT_FINITE.values(),
)  # fmt: skip


def told(seen: str) -> str:
    """What was seen, in the language now spoken; a clause that is not known stays English."""
    return _("; ").join(_clause(clause) for clause in seen.split("; "))


def reason(why: str) -> str:
    """Why a change is advised, in the language now spoken."""
    return retold(why, TIMES)


def verdict(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of verdict.json, its texts in the language now spoken."""
    found = {
        **content,
        "name": translated(content["name"]),
        "seen": told(content["seen"]),
        "meaning": translated(content["meaning"]),
    }
    if "changes" in content:
        found["changes"] = changes(content["changes"])
    if "earlier" in content:
        found["earlier"] = [verdict({"meaning": "", **each}) for each in content["earlier"]]
    return found


def changes(content: Any) -> list[dict[str, Any]]:
    """Changes as JSON values, their reasons in the language now spoken."""
    return [{**change, "why": reason(change["why"])} for change in content]


def _clause(clause: str) -> str:
    whole = retold(clause, *_CLAUSES)
    if whole != clause:
        return whole
    return _(", ").join(retold(part, *_PARTS) for part in clause.split(", "))
