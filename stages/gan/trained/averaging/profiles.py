"""Power function averages, and how an average of any length is combined from stored ones.

By Karras et al. 2024, "Analyzing and improving the training dynamics of diffusion models", arXiv
2312.02696, section 3 and appendix C. After t updates, a power function average of weights w is

    A(t) = (gamma + 1) / t^(gamma + 1) * integral from 0 to t of u^gamma w(u) du

with w(u) = w(i) for i - 1 < u <= i. So w(i) counts (i^(gamma + 1) - (i - 1)^(gamma + 1)) /
t^(gamma + 1), as in `Average` with the power gamma + 1. The length of an average is the standard
deviation of u with the density (gamma + 1) u^gamma / t^(gamma + 1), divided by t; the paper calls
it sigma_rel. An average of length 0.1 is mostly of the last tenth to fifth of the run, at any t.
"""

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _

Numbers = NDArray[np.float64] | np.float64
# The length if all updates count the same, which is gamma = 0: 1 / sqrt(12) = 0.289.
LONGEST = 12**-0.5


def gamma(length: float) -> float:
    """The exponent of the average of a length, above 0.

    It is the root above 0 of length^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)), equation 123 of
    the paper. Multiplied out (equation 126):

        gamma^3 + 7 gamma^2 + (16 - length^-2) gamma + 12 - length^-2 = 0

    Parameters
    ----------
    length : float
        Above 0, below LONGEST.

    Raises
    ------
    UserError
        If the length is out of range.
    """
    if not 0 < length < LONGEST:
        raise UserError(
            _("the length is {length}: valid is above 0 to below {longest:.3f}").format(
                length=length, longest=LONGEST
            )
        )
    inverse = length**-2.0
    return float(np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse]).real.max())


def overlap(
    time: Numbers, exponent: Numbers, other_time: Numbers, other_exponent: Numbers
) -> NDArray[np.float64]:
    """The integral over u of the product of two densities (equation 151).

    With s <= t the times of the two, and a and b their exponents, it is

        (a + 1) (b + 1) / (a + b + 1) * (s / t)^b / t

    Parameters
    ----------
    time, other_time : above 0, in any unit
    exponent, other_exponent : above 0
        All four may be arrays, and are broadcast.
    """
    comes_first = time <= other_time
    ratio = np.minimum(time, other_time) / np.maximum(time, other_time)
    of_later = np.where(comes_first, other_exponent, exponent)
    scale = (exponent + 1) * (other_exponent + 1) / (exponent + other_exponent + 1)
    return scale * ratio**of_later / np.maximum(time, other_time)


def combination(
    times: NDArray[np.float64], exponents: NDArray[np.float64], time: float, exponent: float
) -> tuple[NDArray[np.float64], float]:
    """The factors of stored averages whose sum is nearest to the average of another length.

    As in the paper's algorithm 3, the factors x minimise the integral over u of
    (sum over k of x_k p_k(u) - p(u))^2, with the stored densities p_k and the wanted p. Here only
    factors with the sum 1 are considered (by Lagrange's method), so that a weight that never
    changes keeps its value.

    Parameters
    ----------
    times, exponents : (K,)
        Of the stored averages; no two are the same in both.
    time, exponent : float
        Of the wanted average.

    Returns
    -------
    factors : (K,)
    error : float
        The root of what is left of the integral, divided by the root of the integral of p^2. 0 if
        p is such a sum; 1 if no factors come nearer to p than nothing at all.
    """
    count = len(times)
    times = times / time  # so that all numbers below are near 1
    stored = overlap(times[:, None], exponents[:, None], times[None], exponents[None])
    one, wished = np.array(1.0), np.array(exponent)
    wanted = overlap(times, exponents, one, wished)
    equations = np.ones((count + 1, count + 1))
    equations[:count, :count] = stored
    equations[count, count] = 0.0
    factors = np.linalg.solve(equations, np.append(wanted, 1.0))[:count]
    whole = overlap(one, wished, one, wished)
    left = whole - 2 * factors @ wanted + factors @ stored @ factors
    return factors, float(np.sqrt(max(left, 0.0) / whole))
