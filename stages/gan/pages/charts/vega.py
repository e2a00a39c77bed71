"""Charts that one can zoom into. Vega-Lite draws them in the browser, without a network.

`make setup` installs a package with the scripts. A page embeds each script once.
"""

import math
from collections.abc import Mapping, Sequence
from importlib import metadata, resources
from typing import Any

from markupsafe import Markup

from stages.gan.common.errors import UserError
from stages.gan.common.language import _, to_terminal

# Files in the package, in the order of loading. DVC's own page of plots uses the same versions.
PACKAGE = "js_lib_vega_embed"
SCRIPTS = ("vega5.js", "vega-lite5.js", "vega-embed6.js")
# A screen shows no finer difference, and more digits would make the page larger.
_DIGITS = 5
# If there are fewer points than this, each is also drawn as a dot.
_FEW = 30
# On the logarithmic scale, at most this number of powers of ten have a label.
_LABELS = 8
# The scale of heights is linear below this height, so that a 0 can be drawn.
_SMALL = 1e-8
# Names of colours that the page's script replaces by its own, light or dark.
COLOURS = {"ink": "#1d2330", "soft": "#566070", "paper": "#ffffff"}


@to_terminal()
def scripts() -> list[Markup]:
    """The scripts, to be put into the <script> elements of a page.

    Raises
    ------
    UserError
        If the package with the scripts is not installed, or lacks a script.
    """
    found = []
    for name in SCRIPTS:
        try:
            text = (resources.files(PACKAGE) / "static" / PACKAGE / name).read_text("utf-8")
        except (ModuleNotFoundError, FileNotFoundError):
            raise UserError(
                _(
                    "{name} of the package django-js-lib-vega-embed is not installed: run "
                    "`make setup`"
                ).format(name=name)
            ) from None
        if "</script" in text:
            raise UserError(
                _("{name} {version} holds </script, so it cannot be part of a page").format(
                    name=name, version=version()
                )
            )
        found.append(Markup(text.strip()))
    return found


def version() -> str:
    """The version of the package."""
    return metadata.version("django-js-lib-vega-embed")


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    levels: Mapping[str, float],
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    logarithmic: bool = False,
) -> dict[str, Any]:
    """Lines over x with reference levels: what `png.curves` draws, to be zoomed into.

    Parameters
    ----------
    x : sequence of N floats
    lines : label to N values
        Values that are not finite are left out: the line goes on at the next value.
    levels : label to the height of a dashed line
        If there are as many levels as lines, and several, each has the colour of its line.
    logarithmic : bool
        Whether the scale of heights is logarithmic. It holds a 0 if there is one.

    Returns
    -------
    dict
        columns: `x` and the lines, as lists of N numbers or None. spec: the chart in Vega-Lite,
        for rows of these columns with the name `rows`.
    """
    columns = {"x": _short(x), **{label: _short(values) for label, values in lines.items()}}
    names = list(lines)
    folded = [{"fold": names, "as": ["line", "value"]}, {"filter": "isValid(datum.value)"}]
    place: dict[str, Any] = {
        "field": "x",
        "type": "quantitative",
        "title": x_label,
        "scale": {"domain": _domain(columns["x"]), "nice": False},
        "axis": {"format": "d", "tickCount": {"expr": "width / 80"}, "labelFlush": True},
    }
    height = {
        "field": "value",
        "type": "quantitative",
        "title": y_label,
        **_heights(
            [*levels.values(), *(v for name in names for v in columns[name])], y_range, logarithmic
        ),
    }
    colour = {
        "field": "line",
        "type": "nominal",
        "title": None,
        "scale": {"domain": names},
        "legend": {"orient": "top"},
    }
    zoom = {
        "name": "zoom",
        "select": {
            "type": "interval",
            "encodings": ["x"],
            # Without the key the wheel scrolls the page.
            "zoom": "wheel![event.ctrlKey || event.metaKey]",
        },
        "bind": "scales",
    }
    near = {
        "name": "near",
        "select": {
            "type": "point",
            "fields": ["x"],
            "nearest": True,
            "on": "pointermove",
            "clear": "pointerout",
        },
    }
    layers: list[dict[str, Any]] = [
        {
            "params": [zoom],
            "transform": folded,
            "mark": {"type": "line", "strokeWidth": 1.4, "clip": True, "point": len(x) < _FEW},
            "encoding": {"x": place, "y": height, "color": colour},
        },
        *_levels(levels, names, y_label),
        {
            "params": [near],
            "mark": {"type": "rule", "color": {"expr": "soft"}, "clip": True},
            "encoding": {
                "x": place,
                "opacity": {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0},
                "tooltip": [
                    {"field": "x", "type": "quantitative", "title": x_label},
                    *(
                        {"field": name, "type": "quantitative", "title": name, "format": ".4~g"}
                        for name in names
                    ),
                ],
            },
        },
        {
            "transform": [*folded, {"filter": {"param": "near", "empty": False}}],
            "mark": {"type": "point", "filled": True, "size": 45, "clip": True},
            "encoding": {"x": place, "y": height, "color": colour},
        },
    ]
    spec = {
        "description": _("{lines}: {heights} by {places}").format(
            lines=", ".join(names), heights=y_label, places=x_label
        ),
        "params": [{"name": name, "value": value} for name, value in COLOURS.items()],
        "width": "container",
        "height": 260,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"name": "rows"},
        "layer": layers,
    }
    return {"columns": columns, "spec": spec}


def _levels(
    levels: Mapping[str, float], names: Sequence[str], y_label: str
) -> list[dict[str, Any]]:
    """A dashed line for each level, and its label at the right end: the highest one above it."""
    if not levels:
        return []
    coloured = len(levels) == len(names) > 1
    highest = max(levels, key=levels.__getitem__)
    rows = [
        {"line": name, "height": height, "label": f"{label}: {height:.4g}", "up": label == highest}
        for name, (label, height) in zip(
            names if coloured else [""] * len(levels), levels.items(), strict=True
        )
    ]
    height = {"field": "height", "type": "quantitative", "title": y_label}
    colour: dict[str, Any] = {"color": {"value": {"expr": "soft"}}}
    if coloured:
        colour = {"color": {"field": "line", "type": "nominal", "scale": {"domain": list(names)}}}
    at_the_end = {"align": "right", "fontSize": 12, "clip": False}

    def text(above: bool, stroke: dict[str, Any]) -> dict[str, Any]:
        baseline = {"baseline": "bottom", "dy": -3} if above else {"baseline": "top", "dy": 4}
        return {
            "data": {"values": rows},
            "transform": [{"filter": "datum.up" if above else "!datum.up"}],
            "mark": {"type": "text", **at_the_end, **baseline, **stroke},
            "encoding": {
                "x": {"value": "width"},
                "y": height,
                "text": {"field": "label", "type": "nominal"},
            },
        }

    # The label is drawn on a border of the page's colour, so that curves do not cross it.
    border = {"stroke": {"expr": "paper"}, "strokeWidth": 6, "color": {"expr": "paper"}}
    plain = {"color": {"expr": "ink"}}
    return [
        {
            "data": {"values": rows},
            "mark": {"type": "rule", "strokeDash": [6, 4], "strokeWidth": 1.3},
            "encoding": {"y": height, **colour},
        },
        *(text(above, style) for above in (True, False) for style in (border, plain)),
    ]


def _heights(
    values: Sequence[float | None], y_range: tuple[float, float] | None, logarithmic: bool
) -> dict[str, Any]:
    """Scale and axis of the heights."""
    if y_range:
        return {"scale": {"domain": list(y_range), "nice": False}, "axis": {"tickCount": 6}}
    if not logarithmic:
        return {"scale": {"domain": _domain(values), "zero": False}, "axis": {"tickCount": 6}}
    given = [value for value in values if value is not None]
    positive = [value for value in given if value > 0]
    low, high = (math.floor(math.log10(f(positive))) for f in (min, max)) if positive else (0, 0)
    ticks = [_power(each) for each in range(low, high + 2, 1 + (high + 1 - low) // _LABELS)]
    scale: dict[str, Any] = {"type": "log", "domain": [_power(low), _power(high + 1)]}
    if len(positive) < len(given):
        scale = {"type": "symlog", "constant": _SMALL, "domain": [0.0, _power(high + 1)]}
        ticks = [0.0, *ticks]
    return {"scale": scale, "axis": {"values": ticks, "format": "~g"}}


def _power(exponent: int) -> float:
    """A power of ten; 10.0**exponent is not always the nearest number."""
    return float(f"1e{exponent}")


def _domain(values: Sequence[float | None]) -> list[float]:
    """From the lowest value to the highest; a little around the only one."""
    given = [value for value in values if value is not None]
    low, high = (min(given), max(given)) if given else (0.0, 1.0)
    return [low, high] if low < high else [low - 0.5, high + 0.5]


def _short(values: Sequence[float]) -> list[float | None]:
    """The values with fewer digits; None for one that is not finite."""
    rounded = [float(f"{value:.{_DIGITS}g}") for value in values]
    return [value if math.isfinite(value) else None for value in rounded]
