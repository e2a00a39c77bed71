"""What a measure gives: a value, how far chance moves it, and what real images get."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error; None where the value is not one that chance moves."""

    value: float
    error: float | None

    def against(self, floor: "Estimate") -> "Score":
        """The same beside what real images got."""
        return Score(self.value, self.error, floor.value, floor.error)


@dataclass(frozen=True)
class Score:
    """A value that can be read: no figure means anything without the others.

    Parameters
    ----------
    value : float
    error : float or None
        Its standard error: what another draw of the same number of images would change.
    floor : float
        What real images get. A perfect generator gets that, give or take the errors of both,
        and not 0 or 1. Which real images it is measured on depends on the measure:

        - as many training images in the place of the generated ones, for all measures but:
        - memorisation and near_copies: none, as what new real images get in expectation is known;
        - the critic's: another critic, trained to tell one half of the real images from the other
          and tested on halves, so with half the images of each kind.
    floor_error : float or None
        The floor's own standard error; 0 where it is known.
    """

    value: float
    error: float | None
    floor: float
    floor_error: float | None

    def to_json(self) -> dict[str, float | None]:
        """As plain JSON values."""
        return asdict(self)
