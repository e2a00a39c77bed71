"""A small drawing of a score and its floor with their error bars, as SVG."""

from markupsafe import Markup

from stages.gan.common.language import _

WIDTH, HEIGHT = 150, 18
# Half the length of a bar, in standard errors: about 95 % of draws lie within the bar.
REACH = 2.0
_MARGIN = 6
_VALUE, _FLOOR = "#1f77b4", "#8a8f99"


def draw(value: float, error: float | None, floor: float, floor_error: float | None) -> Markup:
    """Draw a dot for the value and a dashed line for the floor, with bars of two standard errors.

    Each drawing has its own scale, from its lowest to its highest point. If all points are equal,
    the scale is 0 to 1, extended to that point. An error of None has no bar.

    Returns
    -------
    markupsafe.Markup
        An <svg> of WIDTH by HEIGHT pixels; its <title> gives the figures.
    """
    value_reach, floor_reach = REACH * (error or 0.0), REACH * (floor_error or 0.0)
    low = min(value - value_reach, floor - floor_reach)
    high = max(value + value_reach, floor + floor_reach)
    if low == high:
        low, high = min(low, 0.0), max(high, 1.0)

    def at(number: float) -> str:
        return f"{_MARGIN + (number - low) / (high - low) * (WIDTH - 2 * _MARGIN):.1f}"

    def bar(number: float, reach: float, y: int, colour: str) -> str:
        return (
            f'<line x1="{at(number - reach)}" x2="{at(number + reach)}" y1="{y}" y2="{y}" '
            f'stroke="{colour}" stroke-width="2"/>'
        )

    said = _("{value}, real images {floor}").format(
        value=_said(value, error), floor=_said(floor, floor_error)
    )
    parts = [
        f"<title>{said}</title>",
        f'<line x1="{at(floor)}" x2="{at(floor)}" y1="1" y2="{HEIGHT - 1}" stroke="{_FLOOR}" '
        'stroke-width="1.5" stroke-dasharray="3 2"/>',
        bar(floor, floor_reach, HEIGHT - 4, _FLOOR),
        bar(value, value_reach, HEIGHT // 2, _VALUE),
        f'<circle cx="{at(value)}" cy="{HEIGHT // 2}" r="3.5" fill="{_VALUE}"/>',
    ]
    return Markup(f'<svg width="{WIDTH}" height="{HEIGHT}" role="img">{"".join(parts)}</svg>')


def _said(number: float, error: float | None) -> str:
    return f"{number:.4g}" if error is None else f"{number:.4g} ± {error:.2g}"
