"""A picture of the results: mean and spread of each variant."""

from pathlib import Path

from stages.gan.pages.charts.plain_matplotlib import plain

with plain():
    from matplotlib import pyplot, ticker

PANELS = ("mlp", "dcgan", "dcgan_128")
NAMES = {
    "ours": "ours",
    "torch": "PyTorch, eager",
    "torch_best": "PyTorch, at its best",
    "torch_compiled": "the same, torch.compile",
    "lecture": "the lecture's code",
}


def draw(results: dict, path: Path) -> None:
    """Bars of the mean with lines from the 5th to the 95th percentile, one panel a network."""
    parts = {name: part for name, part in results.items() if name in PANELS}
    figure, panels = pyplot.subplots(1, len(parts), figsize=(4.5 * len(parts), 3), squeeze=False)
    for panel, (name, part) in zip(panels[0], parts.items(), strict=True):
        rows = [(key, part["milliseconds"][key]) for key in NAMES if key in part["milliseconds"]]
        for position, (key, row) in enumerate(rows):
            colour = "tab:blue" if key == "ours" else "tab:gray"
            panel.barh(position, row["mean"], color=colour, alpha=0.8)
            panel.plot([row["p5"], row["p95"]], [position, position], color="black", lw=1)
            beside = max(row["mean"], row["p95"])
            panel.text(beside, position, f"  {row['mean']:,.0f}", va="center", fontsize=8)
        panel.set_yticks(range(len(rows)), [NAMES[key] for key, _ in rows], fontsize=8)
        panel.invert_yaxis()
        panel.set_xscale("log")
        panel.set_xlim(right=panel.get_xlim()[1] * 5)
        low, high = panel.get_xlim()
        between = (1,) if high > 200 * low else (1, 2, 5)
        panel.xaxis.set_major_locator(ticker.LogLocator(subs=between))
        panel.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        panel.xaxis.set_minor_locator(ticker.NullLocator())
        panel.tick_params(axis="x", labelsize=8)
        panel.set_xlabel("ms a step (mean; line: p5 to p95)", fontsize=8)
        panel.set_title(f"{name.split('_')[0]}, batch {part['batch']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(figure)
