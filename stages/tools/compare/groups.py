"""Groups runs that differ in nothing but their seeds: one group is one setting."""

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from stages.tools.compare.runs import Run, matters, shown

# Runs with other values of these are trained independently. Another seed of the judge makes another
# ruler, and one of bundled images other data. With another seed of `evaluate` alone the same
# networks are measured again: two such runs are not independent.
SEEDS = ("preprocess.seed", "train.seed")
# It changes neither the networks nor their scores.
_OF_PICTURES = "train.grid_seed"
# The end of an experiment's name, and the number that makes a name free.
_SEED_OF_SWEEP = re.compile(r"-seed\d+(-\d+)?$")


@dataclass(frozen=True)
class Group:
    """The runs of one setting.

    Parameters
    ----------
    name : str
        What the names of its runs have in common.
    runs : tuple of Run, at least one
        No two of them have the same seeds.
    """

    name: str
    runs: tuple[Run, ...]

    @property
    def first(self) -> Run:
        """The first run, which has all params of the group but the seeds."""
        return self.runs[0]

    @property
    def judge(self) -> str:
        """The hash of the judge that gave its scores, or ""."""
        return next((run.judge for run in self.runs if run.judge), "")

    def values(self, measure: str) -> list[float]:
        """The finite values of a measure, one for each run that has one, in their order."""
        found = (value_of(run, measure) for run in self.runs)
        return [value for value in found if value is not None]


def grouped(runs: Sequence[Run]) -> list[Group]:
    """The groups, in the order of their first runs, with different names if the runs have such.

    A run with the params, the code and the seeds of an earlier one repeats it. It gives the same
    result, and would count twice. So it stands in a group of its own.
    """
    found: list[list[Run]] = []
    for run in runs:
        own = next((group for group in found if _belongs(run, group)), None)
        if own is None:
            found.append([run])
        else:
            own.append(run)
    names = _different([[run.name for run in group] for group in found])
    return [Group(name, tuple(group)) for name, group in zip(names, found, strict=True)]


def value_of(run: Run, measure: str) -> float | None:
    """The value of a run's measure; None if it has no finite one."""
    figure = run.figures.get(measure)
    if figure is None or figure.value is None or not math.isfinite(figure.value):
        return None
    return figure.value


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation between runs; None for fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def seeds_of(run: Run) -> tuple[str, ...]:
    """The seeds of a run, in the order of SEEDS."""
    return tuple(shown(run.params, name) for name in SEEDS)


def _belongs(run: Run, group: Sequence[Run]) -> bool:
    if _setting(run) != _setting(group[0]):
        return False
    # A failed run of a sweep has no results that would name its code and its judge.
    codes = {each.code for each in (*group, run) if each.code}
    # Another `preprocess.seed` can make another split, and so another judge.
    judges = {each.judge for each in (*group, run) if each.judge}
    is_comparable = len(codes) <= 1 and len(judges) <= 1
    return is_comparable and seeds_of(run) not in map(seeds_of, group)


def _setting(run: Run) -> dict[str, str]:
    return {
        name: shown(run.params, name)
        for name in sorted(run.params)
        if matters(name) and name not in (*SEEDS, _OF_PICTURES)
    }


def _different(groups: Sequence[Sequence[str]]) -> list[str]:
    """A name for each group of runs, by the runs' names.

    Two settings can have the same short name: a repeated sweep adds a number behind the seed. The
    names of their first runs tell them apart.

    Examples
    --------
    >>> _different([["rate-0.1-seed1", "rate-0.1-seed2"], ["rate-0.1-seed1-2", "rate-0.1-seed2-2"]])
    ['rate-0.1-seed1 (+1)', 'rate-0.1-seed1-2 (+1)']
    """
    short = [_name(names) for names in groups]
    return [
        name if short.count(name) == 1 else _long_name(names)
        for name, names in zip(short, groups, strict=True)
    ]


def _name(names: Sequence[str]) -> str:
    """One name for runs, without what a sweep adds for a seed. It has no words: charts show it.

    Examples
    --------
    >>> _name(["rate-0.1-seed1", "rate-0.1-seed10"]), _name(["workspace", "rate-0.1-seed2"])
    ('rate-0.1', 'rate-0.1')
    >>> _name(["one"]), _name(["one", "two"])
    ('one', 'one (+1)')
    """
    if len(names) == 1:
        return names[0]
    common = {_SEED_OF_SWEEP.sub("", name) for name in names if _SEED_OF_SWEEP.search(name)}
    return common.pop() if len(common) == 1 else _long_name(names)


def _long_name(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (+{len(names) - 1})"
