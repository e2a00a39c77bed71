"""The result of a measure: a value, its standard error, and the score of real images."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error. The error is None if the value is exact."""

    value: float
    error: float | None

    def against(self, floor: "Estimate") -> "Score":
        """This value together with the value of real images (the floor)."""
        return Score(self.value, self.error, floor.value, floor.error)


@dataclass(frozen=True)
class Score:
    """A value with its error and its floor. Compare a value only with its floor.

    Parameters
    ----------
    value : float
    error : float or None
        The standard error: how much another draw of the same number of images would change it.
    floor : float
        The score of real images. A perfect generator gets the floor (within the errors of both),
        not 0 or 1. How the floor is measured depends on the measure:

        - most measures: the generated images are replaced by the same number of training images;
        - memorisation and near_copies: not measured, because the expected value is known;
        - the critic's: another critic learns to distinguish one half of the real images from the
          other half. It is tested on halves too, so with half the images of each kind.
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
