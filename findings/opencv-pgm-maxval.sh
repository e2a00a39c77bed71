#!/usr/bin/env bash
# OpenCV 4.14 and 5.0 read a PGM file of 100 grey levels as dark if it is binary, and as bright if it is text.
#
# Guess: a PGM's header names the value of white. P2 (text) and P5 (binary) are two spellings of one image, so a reader
# gives the same array for both, as Pillow does, whatever white is.
#
# Seen: of levels 0, 50, 100 with white = 100, cv2.imread gives 0, 127, 255 for P2 and 0, 50, 100 for P5. With white = 1 the
# binary file is black (0 and 1), the text is black and white. P3 and P6 (colour) are alike. No error. With
# white = 255 all agree. Pillow scales both.
#
# Why it matters: a PGM may have any white up to 65535. A network trained on one spelling, or by Pillow, is tested on darker
# images, half as bright for a white of 127.
# Instead: read by Pillow, or multiply by 255 / white oneself for P5 and P6.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > "$work/levels.py" <<'P'
import cv2
import numpy as np
import PIL
from PIL import Image

def header(kind, white):
    return f"{kind}\n3 1\n{white}\n".encode()

def read(data):
    """Levels by OpenCV and by Pillow."""
    with open("image.pnm", "wb") as file:
        file.write(data)
    array = cv2.imread("image.pnm", cv2.IMREAD_UNCHANGED)
    return array.ravel().tolist(), np.asarray(Image.open("image.pnm")).ravel().tolist()

print("opencv", cv2.__version__, "pillow", PIL.__version__)
changed = []
for white, levels, scaled in ((255, (0, 50, 100), (0, 50, 100)), (100, (0, 50, 100), (0, 127, 255)), (1, (0, 1, 1), (0, 255, 255))):
    text, pillow_text = read(header("P2", white) + " ".join(map(str, levels)).encode() + b"\n")
    binary, pillow_binary = read(header("P5", white) + bytes(levels))
    grey = " ".join(f"{level} {level} {level}" for level in levels).encode() + b"\n"
    text_colour, _ = read(header("P3", white) + grey)
    binary_colour, _ = read(header("P6", white) + bytes(np.repeat(levels, 3).tolist()))
    print(f"   {levels}, white {white}: OpenCV P2 {text}, P5 {binary}, P3 {text_colour[::3]}, P6 {binary_colour[::3]}; "
          f"Pillow P2 {pillow_text}, P5 {pillow_binary}")
    assert pillow_text == pillow_binary and abs(np.subtract(pillow_text, scaled)).max() <= 1, "control"
    assert text == list(scaled) == text_colour[::3], "control"
    if binary != list(levels) or binary_colour[::3] != list(levels): changed.append(white)
if changed: raise SystemExit(f"CHANGED: white {changed}")
P
for version in 4.14.0.94 5.0.0.93; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --no-compile opencv-python-headless==$version pillow==12.3.0 'numpy==2.2.6' 2>/dev/null
    "$work/$version/bin/python" "$work/levels.py"
done
