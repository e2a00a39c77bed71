"""A drawing of the game as SVG: how far D and G could still pull its value, each alone."""

from markupsafe import Markup

from stages.gan.common.language import _

WIDTH, HEIGHT = 560, 92
_MARGIN = 40
_LINE = 46
_D, _G, _LEVEL = "#1f77b4", "#ff7f0e", "#8a8f99"


def draw(value: float, up: float, down: float, level: float | None) -> Markup:
    """Draw the value of the game, and an arrow for what each player could gain.

    Parameters
    ----------
    value : float
        M(G, D) of the trained pair.
    up, down : float
        D's gain, which raises the value, and G's gain, which lowers it. A gain below 0 is chance,
        and is drawn as 0.
    level : float or None
        The value at equilibrium, where there is one.

    Returns
    -------
    markupsafe.Markup
        An <svg> of WIDTH by HEIGHT; its <title> gives the figures.
    """
    up, down = max(up, 0.0), max(down, 0.0)
    points = [value - down, value + up, value, *([] if level is None else [level])]
    low, high = min(points), max(points)
    if low == high:
        low, high = low - 1.0, high + 1.0

    def at(number: float) -> float:
        return round(_MARGIN + (number - low) / (high - low) * (WIDTH - 2 * _MARGIN), 1)

    said = _(
        "M = {value:.3g}; D could raise it to {high:.3g}, G could lower it to {low:.3g}"
    ).format(value=value, high=value + up, low=value - down)
    parts = [f"<title>{said}</title>"]
    if level is not None:
        parts += [
            f'<line x1="{at(level)}" x2="{at(level)}" y1="{_LINE - 16}" y2="{_LINE + 16}" '
            f'stroke="{_LEVEL}" stroke-width="1.5" stroke-dasharray="3 2"/>',
            _text(at(level), _LINE + 34, _LEVEL, _("equilibrium {level:.3g}").format(level=level)),
        ]
    for end, colour, name in ((value + up, _D, "D"), (value - down, _G, "G")):
        parts += [
            f'<line x1="{at(value)}" x2="{at(end)}" y1="{_LINE}" y2="{_LINE}" stroke="{colour}" '
            'stroke-width="5"/>',
            _text(at(end), _LINE - 22, colour, f"{name}: {end:.3g}"),
        ]
    parts += [
        f'<circle cx="{at(value)}" cy="{_LINE}" r="6" fill="currentColor"/>',
        _text(at(value), _LINE + 20, "currentColor", f"M = {value:.3g}"),
    ]
    return Markup(
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%" '
        f'role="img" font-size="12">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, colour: str, words: str) -> str:
    anchor = "start" if x < 2 * _MARGIN else "end" if x > WIDTH - 2 * _MARGIN else "middle"
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{words}</text>'
