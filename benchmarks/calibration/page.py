"""The calibration as a page of Markdown."""

from benchmarks.calibration.damage import DAMAGES, MANY
from benchmarks.calibration.ranking import SEEN, SOUND

_HEAD = """# What each measure sees, and what it is blind to

`make calibrate` makes this page (`benchmarks/calibration`). Real held-out images take the place of
generated ones. First they are undamaged, as those of a perfect generator would be. Then they are
damaged in levels, and each level contains the one before. A measure that should see a damage must
rank the levels of the damage strictly, from undamaged on. Otherwise the command ends with 1.

In the names below, frechet_distance is our FID, kernel_distance our KID, and critic_bce belongs to
a classifier two-sample test.

The damages, and what their levels mean:

- noise: Gaussian noise of this standard deviation, on pixels in [-1, 1]
- blur: Gaussian blur of this many pixels
- dropped: this share of the classes is never drawn, and others are drawn instead; without labels,
  the judge's clusters are the classes
- duplicated: each image appears this many times
- shuffled: in this share of the images, patches (4 by 4 of them) change places
- mixed: this share of the images is uniform noise
- copied: this share of the images is from the training set

![each measure's answer to each damage](calibration.png)

What each measure cannot see, because of what it is:

- frechet_distance compares means and covariances of features, and kernel_distance compares their
  first three moments. They see nearly every fault, but do not say which one: a smaller distance
  does not say whether the images are better or more varied. In the kernel distance a share e of bad
  images counts with e^2, so a few bad images are lost in its noise. The Frechet distance sees them
  first.
- precision and density ask of each generated image whether it is like real ones. An image that is
  never drawn, or drawn again and again, is no fault to them. Blurred images may pass.
- recall and coverage ask of each real image whether any generated image is like it. Additional bad
  images are no fault to them. Both fall with noise or blur on all images, because then nothing is
  like the real ones.
- clipped_density and clipped_coverage ask the same with a limit to what one image counts. They fall
  in step with the share of bad images, and clipped_coverage also with copies.
- untrained_frechet_distance is the Frechet distance in the features of random convolutions, which
  are not the judge's. It sees noise, blur and shuffled patches early, and missing classes later.
- class_coverage and class_divergence look only at the judge's answers. An image may be anything, as
  long as it gets a class. Noise gets a class too, often always the same one.
- memorisation and near_copies are the only ones that see copies. For all others a copy is a real
  image. Memorisation falls when images get worse, so bad images may hide copies. near_copies does
  not fall in this way. Simple images are near to many others: on MNIST, the nearest hundredth of
  new real images are all ones. So near_copies looks only at ones there. It also rises when ones are
  drawn more cleanly than real ones (`benchmarks.nearness` shows them; see
  [samples.md](samples.md)).
- critic_bce is the cross-entropy of a critic that was trained to tell just these images from real
  ones. It sees nearly every fault in any image, also faults that the judge does not see. It sees
  them so soon that it hardly ranks: it is near 0 with any noise or blur on all images. It cannot
  see what no single image shows: the same images again and again, or copies of the training images.
  It also cannot see what it had too few images to learn. With 3,333 digits it saw that one in a
  hundred was noise, and that a class was left out. With 1,365 faces it saw neither. It should see
  these two in samples of {many:,} images or more.
- All others see with the judge's eyes: two images that are the same for the judge are the same for
  them.

Far from real images the ranking ends. Once no image is like a real one, precision stays at 0, and
the distances need not grow. Noise of 0.2, 0.4 and 0.8 on faces gave kernel distances of 7.3, 6.5
and 6.8. A blur of 1.5 and 3 pixels gave Frechet distances of 45.8 and 45.5. Distances rank
generators that draw something. They do not rank how badly a generator draws nothing. So the levels
below are mild. They are also not too weak to be seen. Noise of 0.05 on digits raised precision from
0.944 to 0.954 and density from 1.01 to 1.04 (with errors of 0.01 and 0.05), while both distances
and recall saw it. So the levels of noise and blur were chosen after a first look.

The standard errors assume independent images. A sample of copies of each other breaks this. With c
copies of each image, the errors given are multiplied by the root of c, which is the most they can
be.

Three samples are made of held-out images. If there are too few, as with the faces,
`preprocess.test_fraction` and `test_maximum` were raised for this. The judge has then learned from
fewer images, so it is not the judge that scores generators.

In the picture, distances are divided by the distance of 20 % noise images. Bars are 2 standard
errors. A red frame marks what a measure should see.
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
