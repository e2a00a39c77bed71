"""What a measure gives: a value, how far chance moves it, and what real images get."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error; None where the value is not one that chance moves."""

    value: float
    error: float | None

    def against(self, floor: "Estimate") -> "Score":
        """The same beside what real images got."""
        return Score(self.value, self.error, floor.value)


@dataclass(frozen=True)
class Score:
    """A value that can be read: no figure means anything without the other two.

    Parameters
    ----------
    value : float
    error : float or None
        Its standard error: what another draw of the same number of images would change.
    floor : float
        What real training images get in place of the generated ones. A perfect generator gets
        that, give or take the error, and not 0 or 1.
    """

    value: float
    error: float | None
    floor: float

    def to_json(self) -> dict[str, float | None]:
        """As plain JSON values."""
        return {"value": self.value, "error": self.error, "floor": self.floor}
