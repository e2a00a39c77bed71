"""Which latent codes give better samples on real MNIST: attached to an image, or fresh?

Trains nothing: compares two checkpoint folders, each of a run with one of the two. Features are
the last hidden layer of a small classifier trained here on the real digits; the Frechet distance
in them is given beside its floor, real training images against real held-out ones. (A ruler for
this one comparison: other features give another scale.)

    python benchmarks/latents.py data/mnist/prepared attached=PATH fresh=PATH
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from scipy.linalg import sqrtm
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from stages.gan.common.randomness import latent_codes, stream
from stages.gan.data import prepared
from stages.gan.trained import checkpoints
from stages.gan.trained.sampling import generate

SAMPLES = 10_000


def features(classifier: MLPClassifier, images: np.ndarray) -> np.ndarray:
    """Activations of the last hidden layer, (N, 64)."""
    values = images.reshape(len(images), -1).astype(np.float32)
    for weights, bias in zip(classifier.coefs_[:-1], classifier.intercepts_[:-1], strict=True):
        values = np.maximum(values @ weights + bias, 0)
    return values.astype(np.float64)


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between Gaussians fitted to both (Heusel et al. 2017, equation 6)."""
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    cov_a, cov_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(cov_a @ cov_b).real
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root))


def main() -> None:
    """Print a line for the floor and one for each checkpoint."""
    train = prepared.load(Path(sys.argv[1]), "train")
    test = prepared.load(Path(sys.argv[1]), "test")
    classifier = MLPClassifier((256, 64), batch_size=256, max_iter=6, random_state=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(train.images[:].reshape(len(train), -1).astype(np.float32), train.labels)
    flat = test.images[:].reshape(len(test), -1).astype(np.float32)
    print(f"classifier: {classifier.score(flat, test.labels):.4f} right on held-out digits")
    real = features(classifier, test.images[:SAMPLES])
    floor = frechet_distance(features(classifier, train.images[:SAMPLES]), real)
    print(f"floor (real against real): {floor:.3f}")
    for argument in sys.argv[2:]:
        name, _, path = argument.partition("=")
        checkpoint = checkpoints.load(Path(path))
        generator, _ = checkpoint.networks()
        distances, covered = [], []
        for seed in range(3):
            size = checkpoint.description.latent_size
            codes = latent_codes(stream(seed, "pictures"), SAMPLES, size)
            fake = generate(generator, codes)
            distances.append(frechet_distance(features(classifier, fake), real))
            classes = classifier.predict(fake.reshape(len(fake), -1))
            covered.append(np.bincount(classes, minlength=10) / len(fake))
        share = np.mean(covered, axis=0)
        print(
            f"{name}, epoch {checkpoint.epoch}: Frechet distance {np.mean(distances):.3f} "
            f"(spread over 3 draws {np.ptp(distances):.3f}), rarest class {share.min():.3f}, "
            f"commonest {share.max():.3f}"
        )


if __name__ == "__main__":
    main()
