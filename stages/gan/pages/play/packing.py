"""Packs the layers of a network into text, and measures what the packing changes.

A packed layer has `weights` {form, values, scales?} and `bias`, in base64, little-endian:

    float16   each weight in two bytes
    int13     whole numbers from -4095 to 4095 times a scale for each output (float32 in `scales`);
              each plus 4096 in 13 bits of a row of bits, the low bit first
    bias      float32

With 8 bits images would differ by several levels; see docs/play.md.
"""

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.gan.common.errors import UserError
from stages.gan.common.language import _
from stages.gan.pages.play.layers import Layer

FLOAT16, INT13 = "float16", "int13"
# All networks of a page in float16: above this they are packed in 13 bits.
MOST_BYTES = 6_000_000
_BITS = 13
_HIGHEST = 2 ** (_BITS - 1) - 1
# Two of the 255 levels of a pixel, and a share of the logits' range (or of 1, if that is less).
IMAGES, LOGITS = "images", "logits"
LIMITS = {IMAGES: 2.0, LOGITS: 0.01}


def forms_for(networks: Sequence[Sequence[Layer]]) -> list[str]:
    """The forms in which networks may be packed; one that keeps the page small comes first."""
    weights = sum(layer["weights"].size for one in networks for layer in one if "weights" in layer)
    return [FLOAT16] if 2 * weights <= MOST_BYTES else [INT13, FLOAT16]


def pack(layers: Sequence[Layer], form: str) -> list[Layer]:
    """Layers whose weights are text; sizes stay."""
    packed = []
    for layer in layers:
        layer = dict(layer)
        if "weights" in layer:
            pack_one = _to_float16 if form == FLOAT16 else _to_int13
            layer["weights"] = {"form": form, **pack_one(layer["weights"])}
            layer["bias"] = _text(layer["bias"].astype("<f4"))
        packed.append(layer)
    return packed


def unpack(layers: Sequence[Layer]) -> list[Layer]:
    """The inverse of `pack`: layers with arrays, with the rounding of their form."""
    arrays = []
    for layer in layers:
        layer = dict(layer)
        if "weights" in layer:
            shape = (math.prod(layer.get("kernel", [1])), layer["inputs"], layer["outputs"])
            read = _from_float16 if layer["weights"]["form"] == FLOAT16 else _from_int13
            layer["weights"] = read(layer["weights"], shape)
            layer["bias"] = np.frombuffer(_bytes(layer["bias"]), "<f4")
        arrays.append(layer)
    return arrays


def difference(
    kind: str, name: str, ours: NDArray[np.floating], packed: NDArray[np.floating]
) -> float:
    """How far a packed network's results are from the network's.

    Parameters
    ----------
    kind : str
        images (in [-1, 1]): the result is in levels of 255; or logits: it is a share of the range
        of `ours`, or of 1 if that is less.
    name : str
        The network, for the message.
    ours, packed : (N, ...)

    Raises
    ------
    UserError
        If it is above the kind's limit.
    """
    apart = np.abs(np.float64(packed).reshape(ours.shape) - ours).max()
    unit = 1 / 127.5 if kind == IMAGES else max(1.0, float(np.ptp(ours)))
    found = float(apart / unit)
    if not found <= LIMITS[kind]:
        words = {IMAGES: _("levels of 255"), LOGITS: _("of the logits' range")}[kind]
        raise UserError(
            _(
                "the page cannot be made: in it the {name}'s {kind} would differ by {found:.2g} "
                "{words}, valid is up to {most:g}: its weights have values that the page cannot "
                "store"
            ).format(name=name, kind=kind, found=found, words=words, most=LIMITS[kind])
        )
    return found


def _to_float16(weights: NDArray[np.float32]) -> dict[str, str]:
    with np.errstate(over="ignore"):  # infinite then, which `difference` refuses
        return {"values": _text(weights.astype("<f2"))}


def _from_float16(packed: dict[str, str], shape: Sequence[int]) -> NDArray[np.float32]:
    return np.frombuffer(_bytes(packed["values"]), "<f2").astype(np.float32).reshape(shape)


def _to_int13(weights: NDArray[np.float32]) -> dict[str, str]:
    rows = weights.reshape(-1, weights.shape[-1])
    scales = (np.abs(rows).max(axis=0) / _HIGHEST).astype("<f4")
    whole = np.rint(rows / np.where(scales > 0, scales, 1)).clip(-_HIGHEST, _HIGHEST)
    above = (whole.reshape(-1, 1) + _HIGHEST + 1).astype("<u2").view(np.uint8)
    bits = np.unpackbits(above, axis=1, bitorder="little")[:, :_BITS]
    return {"values": _text(np.packbits(bits, bitorder="little")), "scales": _text(scales)}


def _from_int13(packed: dict[str, str], shape: Sequence[int]) -> NDArray[np.float32]:
    content = np.frombuffer(_bytes(packed["values"]), np.uint8)
    count = math.prod(shape)
    bits = np.unpackbits(content, bitorder="little", count=count * _BITS).reshape(count, _BITS)
    whole = np.packbits(bits, axis=1, bitorder="little").view("<u2").astype(np.int64)
    scales = np.frombuffer(_bytes(packed["scales"]), "<f4")
    return ((whole - _HIGHEST - 1).reshape(shape) * scales).astype(np.float32)


def _text(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
