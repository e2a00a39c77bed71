"""`bundled:avatars`: cartoon faces drawn by a seeded program, for machines without a network.

Each face is drawn at twice its size and shrunk, which smooths the edges. All features are
random: pose, skin, hair (style and colour), eyes, eyebrows, mouth, background, clothes,
glasses.
"""

import colorsys
import functools
import io
import itertools
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from stages.gan.data.raw.images import raw

NAME = "bundled:avatars"
_SIDE = 96
_SCALE = 2
_COUNT = 2048

_SKINS = ("#ffe0cf", "#fbd3b5", "#f1c27d", "#e0ac69", "#c68642", "#8d5524", "#fcdcc8", "#ffeadd")
_EXPRESSIONS = ("smile", "grin", "open", "flat", "sad", "small")
_HAIRCUTS = ("short", "bob", "long", "twin tails", "spiky", "bun", "ponytail")


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _darker(colour: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    red, green, blue = colour
    return round(red * factor), round(green * factor), round(blue * factor)


def _hex(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


class _Pen:
    """Draws in a face's coordinates: the origin is its middle, 1 is half its height."""

    def __init__(self, picture: Image.Image, x: float, y: float, unit: float, tilt: float):
        self._draw = ImageDraw.Draw(picture)
        self._origin = x, y
        self._unit = unit
        self._cos, self._sin = np.cos(tilt), np.sin(tilt)

    def _places(self, x, y) -> list[tuple[float, float]]:
        """All points at once: their coordinates x and y are two arrays."""
        left, top = self._origin
        across = left + self._unit * (x * self._cos - y * self._sin)
        down = top + self._unit * (x * self._sin + y * self._cos)
        return list(zip(across.tolist(), down.tolist(), strict=True))

    def polygon(self, points, fill) -> None:
        x, y = np.array(points, float).T
        self._draw.polygon(self._places(x, y), fill=fill)

    def line(self, points, fill, width: float) -> None:
        x, y = np.array(points, float).T
        self._line(x, y, fill, width)

    def oval(self, x, y, rx, ry, fill, start: float = 0.0, end: float = 2 * np.pi) -> None:
        cos, sin = _circle(start, end, 28)
        self._draw.polygon(self._places(x + rx * cos, y + ry * sin), fill=fill)

    def arc(self, x, y, rx, ry, start, end, fill, width: float) -> None:
        cos, sin = _circle(start, end, 14)
        self._line(x + rx * cos, y + ry * sin, fill, width)

    def _line(self, x, y, fill, width: float) -> None:
        pixels = max(1, round(width * self._unit))
        self._draw.line(self._places(x, y), fill=fill, width=pixels, joint="curve")


@functools.cache
def _circle(start: float, end: float, count: int) -> tuple[NDArray, NDArray]:
    """Cosines and sines of so many angles; there are few ranges of them."""
    angles = np.linspace(start, end, count)
    return np.cos(angles), np.sin(angles)


def draw(rng: np.random.Generator) -> Image.Image:
    """Draw one face of 96x96 pixels; all random choices come from `rng`."""
    full = _SIDE * _SCALE
    hue = rng.random()
    ground = _colour(hue, rng.uniform(0.05, 0.5), rng.uniform(0.7, 1.0))
    picture = Image.new("RGB", (full, full), ground)
    if rng.random() < 0.5:  # a background of two tones
        other = _colour(hue + rng.uniform(-0.1, 0.1), rng.uniform(0.05, 0.6), rng.uniform(0.6, 1))
        ImageDraw.Draw(picture).rectangle((0, full * rng.uniform(0.4, 0.7), full, full), fill=other)

    pen = _Pen(
        picture,
        full * rng.uniform(0.45, 0.55),
        full * rng.uniform(0.47, 0.56),
        full * rng.uniform(0.31, 0.38),
        rng.uniform(-0.2, 0.2),
    )
    turn = rng.uniform(-0.16, 0.16)  # the features move to the side to which the face looks
    skin = _hex(_SKINS[rng.integers(len(_SKINS))])
    shade = _darker(skin, 0.86)
    hair = _colour(rng.random(), rng.uniform(0.15, 0.85), rng.uniform(0.18, 0.95))
    if rng.random() < 0.4:  # browns and blacks are common
        hair = _colour(rng.uniform(0.02, 0.11), rng.uniform(0.3, 0.7), rng.uniform(0.12, 0.6))
    iris = _colour(rng.random(), rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.85))
    cut = _HAIRCUTS[rng.integers(len(_HAIRCUTS))]
    width = rng.uniform(0.72, 0.84)

    _back_hair(pen, rng, cut, hair)
    clothes = _colour(rng.random(), rng.uniform(0.2, 0.9), rng.uniform(0.25, 0.95))
    pen.oval(0, 1.75, 1.05, 0.72, clothes)
    pen.polygon([(-0.22, 0.7), (0.22, 0.7), (0.26, 1.2), (0, 1.34), (-0.26, 1.2)], shade)
    pen.oval(-width, 0.12, 0.13, 0.2, shade)
    pen.oval(width, 0.12, 0.13, 0.2, shade)
    pen.oval(0, -0.1, width, 0.86, skin)
    pen.polygon([(-width * 0.97, 0.1), (width * 0.97, 0.1), (turn * 0.5, 1.0)], skin)
    pen.oval(turn * 0.3, 0.3, width * 0.86, 0.62, skin)
    _features(pen, rng, turn, iris, hair, shade, skin)
    _fringe(pen, rng, cut, hair, width, turn)
    return picture.resize((_SIDE, _SIDE), Image.Resampling.BOX)


def _back_hair(pen: _Pen, rng, cut: str, hair) -> None:
    dark = _darker(hair, 0.72)
    if cut == "long":
        pen.oval(0, 0.35, 1.08, 1.4, dark)
    elif cut == "bob":
        pen.oval(0, 0.1, 1.08, 1.02, dark)
    elif cut == "twin tails":
        length = rng.uniform(0.7, 1.0)
        for side in (-1, 1):
            pen.oval(side * 1.08, 0.25, 0.3, length, dark)
        pen.oval(0, -0.2, 0.95, 0.95, dark)
    elif cut == "ponytail":
        side = rng.choice((-1, 1))
        pen.oval(side * 1.0, 0.1, 0.34, 0.95, dark)
        pen.oval(0, -0.2, 0.95, 0.95, dark)
    elif cut == "bun":
        pen.oval(rng.uniform(-0.25, 0.25), -1.14, 0.36, 0.34, dark)
        pen.oval(0, -0.2, 0.93, 0.92, dark)
    else:
        pen.oval(0, -0.2, 0.93, 0.92, dark)


def _fringe(pen: _Pen, rng, cut: str, hair, width: float, turn: float) -> None:
    light = _darker(hair, 1.0)
    if cut == "spiky":
        spikes = int(rng.integers(5, 8))
        xs = np.linspace(-width - 0.1, width + 0.1, spikes * 2 + 1)
        tops = [-0.62 if i % 2 == 0 else -1.2 - rng.uniform(0, 0.2) for i in range(len(xs))]
        pen.polygon([*zip(xs, tops, strict=True), (width, -0.3), (0, -0.42), (-width, -0.3)], light)
    pen.oval(0, -0.3, width + 0.1, 0.78, light, np.pi, 2 * np.pi)
    strands = int(rng.integers(3, 7))
    low = rng.uniform(-0.28, -0.08)
    xs = np.linspace(-width - 0.08, width + 0.08, strands + 1)
    for left, right in itertools.pairwise(xs):
        tip = (left + right) / 2 + turn + rng.uniform(-0.08, 0.08)
        pen.polygon([(left, -0.34), (right, -0.34), (tip, low + rng.uniform(-0.08, 0.06))], light)
    if cut in ("long", "bob", "twin tails"):
        for side in (-1, 1):
            pen.polygon(
                [
                    (side * (width + 0.1), -0.4),
                    (side * (width - 0.12), -0.35),
                    (side * (width - 0.02), rng.uniform(0.35, 0.8)),
                ],
                light,
            )
    gloss = tuple(min(255, round(c * 1.25 + 20)) for c in hair)
    pen.arc(turn, -0.42, 0.5, 0.42, np.pi * 1.2, np.pi * 1.75, gloss, 0.07)


def _features(pen: _Pen, rng, turn: float, iris, hair, shade, skin) -> None:
    apart = rng.uniform(0.34, 0.42)
    height = rng.uniform(0.12, 0.24)
    look = rng.uniform(-0.05, 0.05)
    wink = rng.random() < 0.08
    size = rng.uniform(0.8, 1.15)
    outline = (45, 30, 35)
    for side in (-1, 1):
        x, y = side * apart + turn, height
        brow = rng.uniform(-0.04, 0.04)
        pen.line(
            [(x - 0.17, y - 0.38 * size - brow * side), (x + 0.17, y - 0.38 * size + brow * side)],
            _darker(hair, 0.55),
            0.06,
        )
        if wink and side == 1:
            pen.arc(x, y, 0.18, 0.12, np.pi, 2 * np.pi, outline, 0.06)
            continue
        pen.oval(x, y, 0.2, 0.27 * size, (255, 255, 255))
        pen.oval(x + look, y + 0.02, 0.145, 0.22 * size, iris)
        pen.oval(x + look, y + 0.04, 0.075, 0.13 * size, _darker(iris, 0.3))
        pen.oval(x + look - 0.05, y - 0.08, 0.055, 0.07, (255, 255, 255))
        pen.arc(x, y, 0.21, 0.27 * size, np.pi * 1.05, np.pi * 1.95, outline, 0.07)
    if rng.random() < 0.5:
        blush = tuple(round(0.6 * c + 0.4 * d) for c, d in zip(skin, (255, 110, 120), strict=True))
        for side in (-1, 1):
            pen.oval(side * 0.5 + turn, 0.5, 0.13, 0.07, blush)
    pen.line([(turn * 1.3, 0.42), (turn * 1.3 + 0.03, 0.5)], _darker(shade, 0.85), 0.05)
    _mouth(pen, rng, turn)
    if rng.random() < 0.15:
        frame = _colour(rng.random(), 0.6, 0.4)
        for side in (-1, 1):
            pen.arc(side * apart + turn, height, 0.26, 0.3, 0, 2 * np.pi, frame, 0.05)
        pen.line([(turn - apart + 0.26, height), (turn + apart - 0.26, height)], frame, 0.05)


def _mouth(pen: _Pen, rng, turn: float) -> None:
    expression = _EXPRESSIONS[rng.integers(len(_EXPRESSIONS))]
    x, y, dark = turn, 0.66, (120, 45, 50)
    if expression == "smile":
        pen.arc(x, y - 0.06, 0.2, 0.13, 0.15 * np.pi, 0.85 * np.pi, dark, 0.06)
    elif expression == "grin":
        pen.oval(x, y - 0.04, 0.22, 0.18, dark, 0, np.pi)
        pen.oval(x, y - 0.04, 0.18, 0.07, (255, 255, 255), 0, np.pi)
    elif expression == "open":
        pen.oval(x, y + 0.02, 0.12, 0.14, dark)
        pen.oval(x, y + 0.09, 0.08, 0.06, (225, 105, 110))
    elif expression == "flat":
        pen.line([(x - 0.15, y), (x + 0.15, y)], dark, 0.06)
    elif expression == "sad":
        pen.arc(x, y + 0.12, 0.18, 0.13, 1.15 * np.pi, 1.85 * np.pi, dark, 0.06)
    else:
        pen.oval(x, y, 0.07, 0.05, dark)


def make(target: Path, count: int | None, stream_at: Callable[[int], np.random.Generator]) -> None:
    """Write images.zip with `count` (by default 2,048) JPEGs of 96x96 pixels.

    `stream_at` gives the random numbers for the image with an index.
    """
    with zipfile.ZipFile(target / raw.ARCHIVE, "w", zipfile.ZIP_STORED) as archive:
        for index in range(count or _COUNT):
            buffer = io.BytesIO()
            draw(stream_at(index)).save(buffer, "JPEG", quality=92)
            archive.writestr(zipfile.ZipInfo(f"avatars/{index}.jpg"), buffer.getvalue())
