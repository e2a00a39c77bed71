"""How often the test of several seeds errs, what it finds, and a picture of real seeds.

    python -m benchmarks.seeds simulate               # print docs/seeds.md's tables
    python -m benchmarks.seeds picture FILE SWEEP     # D's distance of each run of a finished sweep

`simulate` draws scores by random numbers, so that the truth is known, and tests them as the page of
`python -m stages compare` does. It tests them by two other tests too, to show why the page does not
use those.
"""

import itertools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import questions
from stages.gan.pages.charts import png
from stages.tools.compare import significance

REPEATS = 20_000
SETTINGS = 4
SEEDS = (3, 4, 5)
# In spreads of a setting.
DIFFERENCES = (1, 2, 3, 4, 5, 6, 8)

# The difference of D's distances that docs/experiments.md speaks of, in nats.
ASKED = 0.1

Test = Callable[[np.ndarray, np.ndarray], np.ndarray]
Draw = Callable[[np.random.Generator, int], np.ndarray]


def _spreads(*factors: float) -> np.ndarray:
    return np.array(factors)[:, None, None]


def _normal(rng: np.random.Generator, seeds: int) -> np.ndarray:
    return rng.normal(size=(SETTINGS, seeds, REPEATS))


# Each draws scores of settings that are all the same: settings x seeds x repeats.
LEVELS: Mapping[str, tuple[Draw, bool]] = {
    "normal": (_normal, False),
    "normal, spreads 1 : 3 : 1 : 3": (lambda *a: _normal(*a) * _spreads(1, 3, 1, 3), False),
    "normal, spreads 1 : 10 : 1 : 1": (lambda *a: _normal(*a) * _spreads(1, 10, 1, 1), False),
    "heavy tails (t with 3 degrees)": (
        lambda rng, seeds: rng.standard_t(3, size=(SETTINGS, seeds, REPEATS)),
        False,
    ),
    "log-normal, sigma 0.5, as they are": (lambda *a: np.exp(0.5 * _normal(*a)), False),
    "log-normal, sigma 0.5, logarithms": (lambda *a: np.exp(0.5 * _normal(*a)), True),
    "log-normal, sigma 0.1 : 1 : 0.1 : 1, logarithms": (
        lambda *a: np.exp(_normal(*a) * _spreads(0.1, 1, 0.1, 1)),
        True,
    ),
    "exponential, logarithms": (
        lambda rng, seeds: rng.exponential(size=(SETTINGS, seeds, REPEATS)),
        True,
    ),
    "normal, shared seeds (correlation 0.5)": (
        lambda rng, seeds: 0.5**0.5 * (_normal(rng, seeds) + rng.normal(size=(1, seeds, REPEATS))),
        False,
    ),
}


def welch(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The page's test of each repeat. Shapes: seeds x repeats to repeats."""
    summaries = [(each.mean(0), each.std(0, ddof=1), len(each)) for each in (left, right)]
    return np.asarray(significance.welch(*summaries))


def student(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Student's test, which assumes equal spreads."""
    return np.asarray(stats.ttest_ind(left, right, equal_var=True).pvalue)


def paired(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The test of the differences of runs with the same seed."""
    return np.asarray(stats.ttest_rel(left, right).pvalue)


def adjusted(test: Test, scores: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """Holm's p-values of each pair of settings, for each repeat."""
    pairs = list(itertools.combinations(range(len(scores)), 2))
    raw = np.array([test(scores[left], scores[right]) for left, right in pairs])
    order = raw.argsort(0)
    steps = np.take_along_axis(raw, order, 0) * np.arange(len(pairs), 0, -1)[:, None]
    found = np.empty_like(raw)
    np.put_along_axis(found, order, np.minimum(np.maximum.accumulate(steps, 0), 1), 0)
    return dict(zip(pairs, found, strict=True))


def error(p_values: Mapping[tuple[int, int], np.ndarray]) -> float:
    """In which share of the repeats any pair is told apart."""
    return float((np.min(list(p_values.values()), axis=0) < significance.LEVEL).mean())


def simulate() -> None:
    """Print how often the tests err, and how often the page's test finds a difference."""
    rng = np.random.default_rng(1)
    tests = (welch, student, paired)
    print(f"Equal settings, {REPEATS:,} repeats: share in which any difference is reported\n")
    print("| scores | settings | seeds | Welch | Student | paired |\n|---|---|---|---|---|---|")
    for name, (draw, logarithmic) in LEVELS.items():
        for settings, seeds in itertools.product((2, SETTINGS), (SEEDS[0], SEEDS[-1])):
            scores = draw(rng, seeds)[:settings]
            scores = np.log(scores) if logarithmic else scores
            _check(scores)
            errors = [f"{error(adjusted(test, scores)):.1%}" for test in tests]
            print(f"| {name} | {settings} | {seeds} | {' | '.join(errors)} |")
    print("\nNormal scores, one setting so many spreads from the others: share in which it is told")
    print("from a given other one\n")
    print(f"| test | settings | seeds | {' | '.join(map(str, DIFFERENCES))} |")
    print(f"|{'---|' * (3 + len(DIFFERENCES))}")
    for test, settings, seeds in itertools.product((welch, paired), (2, SETTINGS), (*SEEDS, 10)):
        found = [power(rng, test, settings, seeds, difference) for difference in DIFFERENCES]
        cells = [f"{each:.0%}" for each in found]
        name = test.__name__.capitalize()
        print(f"| {name} | {settings} | {seeds} | {' | '.join(cells)} |")


def power(
    rng: np.random.Generator, test: Test, settings: int, seeds: int, difference: float
) -> float:
    """In which share of the repeats a setting is told from another one.

    Parameters
    ----------
    settings : int, 2 to SETTINGS
        One of them is apart from all others.
    difference : float
        How far, in spreads of a setting.
    """
    scores = _normal(rng, seeds)[:settings]
    scores[0] += difference
    return float((adjusted(test, scores)[0, 1] < significance.LEVEL).mean())


def _check(scores: np.ndarray) -> None:
    """What is simulated is what the page computes."""
    p_values = adjusted(welch, scores)
    for repeat in range(20):
        for each in significance.compare(list(scores[:, :, repeat])):
            assert each.p is not None
            assert abs(each.p - p_values[each.left, each.right][repeat]) < 1e-9


def picture(target: Path, sweep: str) -> None:
    """Draw D's distance from equilibrium of each run, and print what the test says.

    The sweep has at most SETTINGS settings.
    """
    settings = questions.distances(sweep)
    target.write_bytes(png.points(settings, "D's distance from equilibrium (nats)"))
    spread = float(np.sqrt(np.mean([np.var(each, ddof=1) for each in settings.values()])))
    print(f"spread of a setting, pooled: {spread:.3f}; a difference of {ASKED} is found in")
    rng = np.random.default_rng(1)
    for count, seeds in itertools.product((2, len(settings)), (3, 5, 10, 20)):
        share = power(rng, welch, count, seeds, ASKED / spread)
        print(f"  {share:.0%} with {count} settings and {seeds} seeds")
    names = list(settings)
    for each in significance.compare(list(settings.values())):
        answer = "no answer" if each.p is None else "differ" if each.is_found else "may be chance"
        print(
            f"{names[each.left]}, {names[each.right]}: {each.difference:+.3f}, p {each.p}, {answer}"
        )


def main() -> None:
    """Do what the first argument says."""
    if sys.argv[1:] == ["simulate"]:
        simulate()
    elif sys.argv[1:2] == ["picture"] and len(sys.argv) == 4:
        picture(Path(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
