"""The calibration as a page of Markdown."""

from benchmarks.calibration.damage import DAMAGES, MANY
from benchmarks.calibration.ranking import SEEN, SOUND

_HEAD = """# What each measure sees, and what it is blind to

Made by `make calibrate` (`benchmarks/calibration`). Real held-out images take a generator's place,
first undamaged, as a perfect generator's would be, then damaged in graded ways, each level
containing the one before. A measure that is meant to see a damage must rank its levels strictly,
from undamaged on, or the command ends with 1.

- noise: Gaussian, of that standard deviation, pixels being in [-1, 1]
- blur: Gaussian, of that many pixels
- dropped: so large a share of the classes (where there are no labels, of the judge's clusters) is
  never drawn, others instead
- duplicated: each image so many times
- shuffled: in that share of the images, patches (4 by 4 of them) change places
- mixed: that share of the images is uniform noise
- copied: that share of the images is from the training set

![each measure's answer to each damage](calibration.png)

What each measure cannot see, by what it is:

- frechet_distance compares means and covariances of features, kernel_distance their first three
  moments. They see nearly every fault and tell no kind from another: a smaller one does not
  say whether images got better or more varied. In the kernel distance a share e of bad images
  counts with e^2, so that a few are lost in its noise; the Frechet distance sees them first.
- precision and density ask of each generated image whether it is like real ones: what is never
  drawn, or drawn again and again, is no fault to them. Blurred images may pass.
- recall and coverage ask of each real image whether there is anything like it: bad images that
  come in addition are no fault to them. Both fall with noise or blur on all images, as then
  nothing is like the real ones.
- class_coverage and class_divergence look at nothing but the judge's answers: an image may be
  anything as long as it gets a class. Noise gets one too, often always the same one.
- memorisation and near_copies are alone in seeing copies: to all others these are real images.
  Memorisation falls when images get worse, and so may hide copies; near_copies does not. What is
  simple lies near to many: on MNIST the nearest hundredth of new real images are ones, every one,
  so that near_copies asks of ones alone, and rises, too, when they are drawn more cleanly than
  real ones (`benchmarks.nearness` shows them; see [samples.md](samples.md)).
- critic_bce, the cross-entropy of a critic that was trained to tell just these images from real
  ones, sees nearly every fault in any image, also those the judge has no eyes for, and so soon
  that it hardly ranks: it is near 0 with any noise or blur on all images. What it cannot see is
  what no single image shows: the same ones again and again, or copies of the training images; and
  what it had too few images to learn: of 3,333 digits it saw that one in a hundred was noise, and
  that a class was left out; of 1,365 faces it saw neither. It is meant to see these two in samples
  of {many:,} images or more.
- All others see with the judge's eyes: what it takes for the same image is the same.

Far from real images the ranking ends: once none is like a real one precision stays at 0, and the
distances need not grow. Noise of 0.2, 0.4 and 0.8 on faces gave kernel distances of 7.3, 6.5 and
6.8; a blur of 1.5 and 3 pixels Frechet distances of 45.8 and 45.5. Distances rank generators that
draw something, and not the degrees of drawing nothing. The levels below are mild therefore. Nor
are they fainter than a measure can see: noise of 0.05 on digits raised precision from 0.944 to
0.954 and density from 1.01 to 1.04 (each with an error of 0.01 and 0.05), while both distances
and recall saw it. So the levels of noise and blur were chosen after a first look.

A sample of copies of each other breaks what the standard errors assume, independent images. With c
copies of each the errors given are the root of c times as large, which is the most it can be.

Three samples are made of held-out images. Where these are too few, as of the faces,
`preprocess.test_fraction` and `test_maximum` were raised for this; the judge has learned from fewer
images then, and is another than the one that scores generators.

In the picture distances are divided by that of 20 % noise images; bars are 2 standard errors;
framed in red is what a measure is meant to see.
"""


def text(results: dict) -> str:
    """The page, with a table of what is seen and one of all values for each data set."""
    head = _HEAD.format(many=MANY)
    return "\n".join([head, *(_part(name, found) for name, found in results.items())])


def _part(dataset: str, found: dict) -> str:
    measures = list(found["seen"]["noise"])
    bundled = " (bundled stand-in)" if found["bundled_data"] else ""
    lines = [
        f"## {dataset}{bundled}",
        "",
        f"{found['samples']:,} images in each sample, {found['training']:,} training images to be "
        f"near to; {found['counts']['train']:,} were trained on and {found['counts']['test']:,} "
        f"held out; judge {found['judge'][:8]}.",
        "",
        "From which level on a damage is seen: there and at all harder levels the value is worse "
        f"than undamaged by more than {SEEN:g} standard errors (of both together). Bold: meant to "
        'be seen and ranked. "blind": at no level. "not ranked": seen, but the levels are not '
        "in order.",
        "",
        "| measure | " + " | ".join(DAMAGES) + " |",
        "|---" * (len(DAMAGES) + 1) + "|",
    ]
    for measure in measures:
        cells = [_cell(found, name, measure) for name in DAMAGES]
        lines.append(f"| {measure} | " + " | ".join(cells) + " |")
    lines += ["", "In words:", ""]
    lines += [f"- {measure}: {_words(found, measure)}" for measure in measures]
    lines += ["", "All values, with their standard errors:", ""]
    lines += ["| | " + " | ".join(measures) + " |", "|---" * (len(measures) + 1) + "|"]
    sound = found["measured"]["noise"][SOUND]
    lines.append("| undamaged | " + " | ".join(_value(sound[m]) for m in measures) + " |")
    for name, damage in DAMAGES.items():
        for level, row in list(found["measured"][name].items())[1:]:
            values = " | ".join(_value(row[measure]) for measure in measures)
            lines.append(f"| {damage.title.format(level)} | {values} |")
    return "\n".join([*lines, ""])


def _cell(found: dict, name: str, measure: str) -> str:
    seen, ranked = found["seen"][name][measure], found["ranked"][name][measure]
    answer = "blind" if seen is None else f"from {seen}" if ranked else f"from {seen}, not ranked"
    return f"**{answer}**" if measure in DAMAGES[name].meant(found["samples"]) else answer


def _words(found: dict, measure: str) -> str:
    sees = [name for name in DAMAGES if found["seen"][name][measure] is not None]
    blind = [name for name in DAMAGES if name not in sees]
    return f"sees {_list(sees)}; is blind to {_list(blind)}."


def _list(names: list[str]) -> str:
    return ", ".join(names) if names else "nothing"


def _value(estimate: dict) -> str:
    return f"{estimate['value']:.4g} ± {estimate['error']:.1g}"
