"""Small judges for tests, and images for them."""

import numpy as np

from stages.gan.data.prepared import Split
from stages.gan.params import Judge as Settings

SETTINGS = Settings(
    epochs=3,
    max_steps=None,
    batch_size=16,
    learning_rate=0.01,
    widths=[4, 8],
    feature_size=6,
    classes=5,
    shift=1,
    seed=1,
)
COUNTS = {"train": 96, "test": 40}


def split(count, labelled, seed=0):
    """Noise that is bright at the top (class 0) or at the bottom (class 1)."""
    draw = np.random.default_rng(seed)
    images = draw.normal(0, 0.3, (count, 1, 8, 8))
    labels = draw.integers(0, 2, count).astype(np.uint8)
    images[labels == 0, :, :4] += 0.5
    images[labels == 1, :, 4:] += 0.5
    return Split(
        np.clip(images, -1, 1).astype(np.float16),
        draw.normal(size=(count, 2)).astype(np.float32),
        labels if labelled else None,
    )


def splits(labelled):
    """A training and a held-out split, of as many images as COUNTS says."""
    return {
        "train": split(COUNTS["train"], labelled),
        "test": split(COUNTS["test"], labelled, seed=1),
    }
