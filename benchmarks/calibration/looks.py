"""How images are looked at: by the judge of the pipeline, or by a stand-in."""

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from stages.gan.prepared import Split
from stages.gan.quality.measuring import Sample

Look = Callable[[np.ndarray], Sample]

FEATURES = 64
_FITTED = 20_000


def judge(folder: Path) -> Look | None:
    """The judge in that folder, or None if there is none."""
    if not folder.exists() or importlib.util.find_spec("stages.gan.judge") is None:
        return None
    from stages.gan import judge as judges

    loaded = judges.load(folder)

    def look(images: np.ndarray) -> Sample:
        seen = loaded.see(images)
        return Sample(seen.features, seen.classes)

    return look


def stand_in(train: Split) -> tuple[Look, str]:
    """Features and classes by scikit-learn, and what they are.

    With labels the last hidden layer of a small classifier; without them the largest principal
    components, and the clusters of these.
    """
    rows = np.arange(min(_FITTED, len(train)))
    flat = train.batch(rows).reshape(len(rows), -1)
    if train.labels is None:
        components = PCA(FEATURES, random_state=1).fit(flat)
        clusters = KMeans(20, n_init=1, random_state=1).fit(components.transform(flat))

        def by_components(images: np.ndarray) -> Sample:
            features = components.transform(images.reshape(len(images), -1)).astype(np.float32)
            return Sample(features, clusters.predict(features).astype(np.uint8))

        return by_components, f"{FEATURES} principal components and 20 clusters of them"
    classifier = MLPClassifier((256, FEATURES), batch_size=256, max_iter=4, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(flat, train.labels[rows])

    def by_classifier(images: np.ndarray) -> Sample:
        values = images.reshape(len(images), -1)
        for weights, bias in zip(classifier.coefs_[:-1], classifier.intercepts_[:-1], strict=True):
            values = np.maximum(values @ weights + bias, 0.0)
        answers = values @ classifier.coefs_[-1] + classifier.intercepts_[-1]
        return Sample(values.astype(np.float32), answers.argmax(axis=1).astype(np.uint8))

    return by_classifier, f"{FEATURES} units of a small classifier of the labels"
