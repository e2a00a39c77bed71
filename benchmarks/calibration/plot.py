"""A picture of the calibration: how each measure answers to each damage."""

from pathlib import Path

from benchmarks.calibration.damage import DAMAGES
from stages.gan.pages.charts.plain_matplotlib import plain

with plain():
    from matplotlib import pyplot


def draw(results: dict, path: Path) -> None:
    """One panel a measure and damage; values with 2 standard errors, a line a data set.

    Framed are those of a measure that is meant to see the damage.
    """
    first = next(iter(results.values()))["measured"]
    measures = list(next(iter(first["noise"].values())))
    figure, panels = pyplot.subplots(
        len(measures),
        len(DAMAGES),
        figsize=(2.1 * len(DAMAGES), 1.3 * len(measures)),
        sharey="row",
        sharex="col",
        squeeze=False,
    )
    for row, measure in enumerate(measures):
        for column, (name, damage) in enumerate(DAMAGES.items()):
            panel = panels[row][column]
            for found in results.values():
                levels = found["measured"][name]
                values = [levels[level][measure]["value"] for level in levels]
                errors = [2 * levels[level][measure]["error"] for level in levels]
                if measure.endswith("_distance"):  # of other features, so of another scale
                    scale = max(found["measured"]["mixed"]["0.2"][measure]["value"], 1e-12)
                    values, errors = ([x / scale for x in y] for y in (values, errors))
                panel.errorbar(range(len(values)), values, errors, marker=".", lw=1, capsize=2)
            if measure.endswith("_distance"):
                panel.set_yscale("symlog", linthresh=0.01)
            panel.set_xticks(range(len(levels)), ["-", *list(levels)[1:]], fontsize=7)
            panel.tick_params(axis="y", labelsize=7)
            meant = any(measure in damage.meant(one["samples"]) for one in results.values())
            for spine in panel.spines.values():
                spine.set_color("tab:red" if meant else "lightgray")
                spine.set_linewidth(1.5 if meant else 0.8)
            if row == 0:
                panel.set_title(name, fontsize=9)
            if column == 0:
                panel.set_ylabel(measure.replace("_", "\n"), fontsize=8)
    figure.legend(list(results), loc="upper right", fontsize=8, ncols=len(results))
    figure.tight_layout(rect=(0, 0, 1, 0.98))
    figure.savefig(path, dpi=100, metadata={"Software": None})
    pyplot.close(figure)
