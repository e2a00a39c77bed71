"""The tables of a page: the scores of the images, and the discriminator's losses.

Nothing here needs MindSpore.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stages.gan.common.language import _, translated
from stages.gan.measures import table
from stages.gan.measures.table import Measure
from stages.gan.pages.charts import error_bars, tug
from stages.gan.params import Train, choices

# Without options these three are the same measure, so the table shows only one.
_CROSS_ENTROPIES = ("bce", "bce_with_logits", "softplus")


def score_table(measures: Sequence[Measure], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table of scores: each has value, floor, and the errors of both.

    Parameters
    ----------
    measures : the measures of one section
    found : the content of that section in scores.json
    """
    return [
        {
            "name": translated(measure.name),
            "sentence": translated(measure.sentence),
            **found[measure.key],
            "drawing": (
                "" if found[measure.key]["value"] is None else error_bars.draw(**found[measure.key])
            ),
        }
        for measure in measures
    ]


def of_game(evaluate: Mapping[str, Any]) -> dict[str, Any]:
    """The section about the game: a sentence, a drawing, and a table; empty if none was played."""
    found = evaluate.get("game")
    if not found:
        return {}
    own = evaluate["training_loss"]["discriminator"]
    level = own["equilibrium"]
    ours, theirs = found["discriminator_gain"], found["generator_gain"]
    return {
        "sentence": _game_in_words(ours, found["proximal_gap"]),
        "drawing": tug.draw(
            -own["value"], ours["value"], theirs["value"], None if level is None else -level
        ),
        "rows": score_table(table.GAME, found),
        "turning": _turning_in_words(found["turning"]),
    }


def _game_in_words(ours: Mapping[str, Any], near: Mapping[str, Any]) -> str:
    """Whether D, and G where D may answer, could gain more than at equilibrium."""
    d_gains, g_gains = (_is_above_floor(score) for score in (ours, near))
    if not d_gains and not g_gains:
        return _(
            "Neither D nor G could gain more than a pair at equilibrium: the searches found no way "
            "in which one of them could become better against the other."
        )
    if d_gains:
        return _(
            "D alone could still gain {gain:.3g} by learning on (a pair at equilibrium: "
            "{floor:.3g}). So the losses of this run show a D that is weaker than it could be."
        ).format(gain=ours["value"], floor=ours["floor"])
    return _(
        "D could gain no more than a pair at equilibrium. The proximal gap is {gap:.3g} (a pair at "
        "equilibrium: {floor:.3g}): G could still gain, even if D may answer."
    ).format(gap=near["value"], floor=near["floor"])


def _turning_in_words(turning: Mapping[str, Any]) -> str:
    """The share of rotation, and the leading eigenvalue that turns most."""
    if turning["rotation"]["value"] is None:
        return _(
            "In training both networks follow the gradients of their losses. Near these weights "
            "these gradients do not change (their Jacobian is 0): nothing turns or comes to rest. "
            "If they are 0, as with dead ReLUs, nothing moves."
        )
    pairs = [complex(*pair) for pair in turning["eigenvalues"]]
    most = max(pairs, key=lambda value: abs(value.imag) / max(abs(value), 1e-12), default=None)
    said = _(
        "In training both networks follow the gradients of their losses. The Jacobian says how "
        "these gradients change near the trained weights. {share:.0%} of it is rotation, which "
        "makes the weights go round; the gradient of a single loss has no rotation."
    ).format(share=turning["rotation"]["value"])
    if most is None or not most.imag:
        return said + " " + _("The leading eigenvalues are real: along these nothing turns.")
    return (
        said
        + " "
        + _("Of the leading eigenvalues {real:.3g} ± {imaginary:.2g}i turns most.").format(
            real=most.real, imaginary=abs(most.imag)
        )
    )


def _is_above_floor(score: Mapping[str, Any]) -> bool:
    """Whether a value is above its floor by more than two errors of both."""
    errors = ((score["error"] or 0.0) ** 2 + (score["floor_error"] or 0.0) ** 2) ** 0.5
    return score["value"] - score["floor"] > 2.0 * errors


def loss_table(evaluate: Mapping[str, Any], train: Train) -> list[dict[str, Any]]:
    """The rows of a table of D's and G's losses on held-out images, each with a sentence.

    The training loss has its own rows if it differs from the plain cross-entropy.
    """
    bce = evaluate["bce"]
    own = evaluate["training_loss"]
    point = own["equilibrium_point"]
    probability = point["probability"] if point else None
    sentences = {
        "real": _("D's cross-entropy on real images: 0 if D is sure that each is real."),
        "fake": _("D's cross-entropy on generated images: 0 if D is sure that each is generated."),
        "discriminator": _("The sum of the two values above. D tries to make it small."),
        "generator": _("G tries to make it small. It is large if D recognises generated images."),
    }
    terms = {
        "real": _("real"),
        "fake": _("fake"),
        "discriminator": _("discriminator"),
        "generator": _("generator"),
    }
    rows = [
        _row(
            _("cross-entropy, {term} (nats)").format(term=terms[name]),
            **_figure(bce[name]),
            sentence=sentence,
        )
        for name, sentence in sentences.items()
    ]
    options = train.loss_options
    changed = (options.weight, options.pos_weight, options.label_smoothing) != (1.0, 1.0, 0.0)
    if own["name"] not in _CROSS_ENTROPIES or changed:
        same = _("The same term of the training loss, per image.")
        rows += [
            _row(
                _("{loss}, {term}").format(loss=own["name"], term=term),
                **_figure(own[name]),
                sentence=same,
            )
            for name, term in terms.items()
            if name in own
        ]
    of_real = _("D's probability of being real, averaged over real images.")
    of_fake = _("D's probability of being real, averaged over generated images.")
    if choices.LOSSES[own["name"]].is_paired:
        of_real = _(
            "D's probability that a real image, beside a generated one, is the real one of the two."
        )
        of_fake = _("The same for a generated image: 1 minus the row above.")
    return [
        *rows,
        _row(_("mean D(x)"), evaluate["real_probability"], probability, of_real),
        _row(_("mean D(G(z))"), evaluate["fake_probability"], probability, of_fake),
        _row(
            _("D's accuracy"),
            evaluate["accuracy"],
            0.5,
            _("The share of images that D classifies correctly. Guessing gives a half."),
        ),
        _row(
            _("JSD, lower bound (nats)"),
            evaluate["jsd_lower_bound"],
            0.0,
            _(
                "Real and generated images differ at least by this JSD. The largest JSD is 0.6931. "
                "0 proves nothing, because D may just be weak."
            ),
        ),
    ]


def _row(name: str, value: float, equilibrium: float | None, sentence: str) -> dict[str, Any]:
    return {"name": name, "value": value, "equilibrium": equilibrium, "sentence": sentence}


def _figure(term: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": term["value"], "equilibrium": term["equilibrium"]}
