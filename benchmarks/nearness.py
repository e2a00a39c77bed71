"""What the images are like that lie nearest to the training images: of which class, and a look.

    python -m benchmarks.nearness DATASET PICTURE FOLDER [FOLDER ...]

Each FOLDER is one in which the stages have run, such as a run of `benchmarks.scores`; all are of
the data set of the first. Near is what is nearer to a training image, in the judge's features, than
all but 1 % of the held-out images are, as `quality.near_copies` has it: so many of these are near,
and of generated ones more if the generator copies, or draws what is like many training images.

PICTURE gets two rows a folder, after two of held-out images: the nearest ten, and below each the
training image that it is nearest to.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stages.gan import params
from stages.gan.common import paths
from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.evaluation.judge import Seen, storage
from stages.gan.evaluation.neighbours import nearest
from stages.gan.evaluation.quality.memorisation import NEAR
from stages.gan.trained import choice, grids
from stages.gan.trained.sampling import generate

SHOWN = 10


def main() -> None:
    """Parse the arguments and do it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset")
    parser.add_argument("picture", type=Path)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    lines, picture = look(arguments.dataset, arguments.folders)
    print("\n".join(lines))
    grids.grid(picture, columns=SHOWN).save(arguments.picture)


def look(dataset: str, folders: Sequence[Path]) -> tuple[list[str], NDArray[np.floating]]:
    """What to say of the held-out images and of each folder's, and the rows of the picture."""
    data = folders[0] / paths.prepared(dataset)
    known, held_out = prepared.load(data, "train"), prepared.load(data, "test")
    judge_folder = folders[0] / paths.judge(dataset)
    judge = storage.load(judge_folder)
    features = storage.seen(judge_folder, judge, "train", len(known)).features
    rows, lines = [], []

    def tell(name: str, images: NDArray[np.floating], seen: Seen, within: float | None) -> float:
        indices, distances = nearest(seen.features, features)
        if within is None:
            within = float(np.quantile(distances, NEAR))
        near = distances <= within
        lines.append(summary(name, seen.classes, near, judge.classes))
        first = np.argsort(distances, kind="stable")[:SHOWN]
        rows.extend([images[first], known.batch(indices[first])])
        return within

    seen = storage.seen(judge_folder, judge, "test", len(held_out))
    within = tell("held-out", held_out.images, seen, None)
    for folder in folders:
        settings = params.load(folder / paths.PARAMS, dataset).evaluate
        checkpoint = choice.load(folder / paths.models(dataset), settings.checkpoint)
        count = min(settings.samples, len(held_out))
        codes = latent_codes(
            stream(settings.seed, "evaluation latents"), count, checkpoint.description.latent_size
        )
        images = generate(checkpoint.networks()[0], codes, kept_as=prepared.to_levels)
        tell(folder.resolve().name, images, judge.see(images), within)
    return lines, np.concatenate([row.astype(np.float32) for row in rows])


def summary(name: str, classes: NDArray[np.integer], near: NDArray[np.bool_], number: int) -> str:
    """How many are near, and the same of each class that has any.

    Examples
    --------
    >>> summary("x", np.array([0, 1, 1, 2]), np.array([False, True, False, False]), 3)
    'x: 1 of 4 are near; of class 1: 1 of 2'
    """
    parts = [
        f"of class {kind}: {near[classes == kind].sum():,} of {(classes == kind).sum():,}"
        for kind in range(number)
        if near[classes == kind].any()
    ]
    return "; ".join([f"{name}: {near.sum():,} of {len(near):,} are near", *parts])


if __name__ == "__main__":
    main()
