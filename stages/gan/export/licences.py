"""Licences of trained weights: the licence of the code, and the terms of the data."""

from collections.abc import Mapping
from dataclasses import dataclass

from stages.gan.common.language import _, marked, retold

CODE = "Apache-2.0"
# The heading of this section in the model card.
HEADING = marked("## Licence")
# sha256 of the file of training images.
MNIST = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"


@dataclass(frozen=True)
class Terms:
    """The terms for weights that were trained on some data.

    Parameters
    ----------
    identifier : str
        The licence in the model card's form: an SPDX name in lower case, or "other".
    name : str
        The card's name for an "other" licence; "" for a known licence.
    data : str
        A sentence or two about the data, in English.
    """

    identifier: str
    name: str
    data: str

    @property
    def sentences(self) -> str:
        """The whole text, for the card and for bundles, in the language now spoken."""
        return _("The code that made these files is under {code}. About the data: {data}").format(
            code=CODE, data=retold(self.data, _UNKNOWN)
        )


_OF_SOURCES = {
    "bundled:digits": Terms(
        "apache-2.0",
        "",
        marked(
            "scikit-learn's digits are the test set of the UCI repository's Optical Recognition of "
            "Handwritten Digits (E. Alpaydin, C. Kaynak, 1998). The repository lists them under CC "
            "BY 4.0, so name them when you pass these weights on. The weights are under "
            "Apache-2.0."
        ),
    ),
    "bundled:avatars": Terms(
        "apache-2.0",
        "",
        marked(
            "a program of this project drew the faces. Nobody else made them. The weights are "
            "under Apache-2.0."
        ),
    ),
}
_OF_MNIST = Terms(
    "other",
    "apache-2.0-and-the-data-cc-by-sa-3.0",
    marked(
        "MNIST is by Yann LeCun and Corinna Cortes. The documentation of Keras names the Creative "
        "Commons Attribution-Share Alike 3.0 licence. The files themselves name no licence. "
        "Apache-2.0 holds for these weights as far as that licence allows."
    ),
)
_UNKNOWN = marked(
    "this project knows no licence of `{source}`. The people who made the images may have rights "
    "in the generated images. Ask them before you pass these weights on."
)


def is_mnist(sha256: Mapping[str, str]) -> bool:
    """Whether raw data with these hashes are MNIST, from any source."""
    return MNIST in sha256.values()


def of_weights(source: str, sha256: Mapping[str, str]) -> Terms:
    """The terms for weights that were trained on the data of a source.

    Parameters
    ----------
    source : str
        The name of the source that gave the data.
    sha256 : mapping of file name to hash
    """
    if is_mnist(sha256):
        return _OF_MNIST
    unknown = Terms("other", "unknown", _UNKNOWN.format(source=source))
    return _OF_SOURCES.get(source, unknown)
