"""What is known of the licences of data."""

from collections.abc import Mapping

# Of the images to train on.
MNIST = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
_KNOWN = {
    "bundled:digits": (
        "scikit-learn's digits are the test set of the UCI repository's Optical Recognition of "
        "Handwritten Digits (E. Alpaydin, C. Kaynak, 1998), which the repository lists under "
        "CC BY 4.0."
    ),
    "bundled:avatars": "the faces were drawn by a program of this project; nobody else made them.",
}


def is_mnist(sha256: Mapping[str, str]) -> bool:
    """Whether raw data of these hashes are MNIST, wherever they came from."""
    return MNIST in sha256.values()


def of_data(source: str, sha256: Mapping[str, str]) -> str:
    """A sentence or two.

    Parameters
    ----------
    source : str
        The name of the source that gave the data.
    sha256 : mapping of file name to hash
    """
    if is_mnist(sha256):
        return (
            "MNIST is of Yann LeCun and Corinna Cortes; the documentation of Keras names the "
            "Creative Commons Attribution-Share Alike 3.0 licence. The files themselves carry none."
        )
    return _KNOWN.get(
        source,
        f"this project knows no licence of `{source}`. The rights of those who made the images "
        "may reach to what is generated from them.",
    )
