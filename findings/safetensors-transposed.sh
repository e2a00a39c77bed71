#!/usr/bin/env bash
# safetensors 0.8.0 saves a transposed or sliced NumPy array with its elements in the wrong places; 0.7.0 was right.
#
# Guess: `safetensors.numpy.save_file({"weight": weight.T}, ...)` stores what `weight.T` shows, as np.save does; or it
# refuses. A file's content does not hang on how an array lies in memory.
#
# Seen: the array's memory is written as it lies, under the shape of the view. weight.T comes back as the same
# numbers in another order, weight[:, ::2] as the first numbers of the whole array, an array in Fortran
# order too. Nothing is said. With 0.7.0 all come back as they were. (Known: safetensors#825.)
#
# Why it matters: weights are transposed when they are moved between frameworks (Dense is (out, in) here, (in, out)
# there). The file loads, shapes are right, the network's outputs are noise.
# Instead: `np.array(x, order="C")` on every array that is saved (checked below), or a comparison after saving.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat > "$work/views.py" <<'P'
import numpy as np
import safetensors
from safetensors.numpy import load, save

weight = np.arange(12, dtype=np.float32).reshape(3, 4)
cases = {
    "as it is (control)": (weight, True),
    "transposed, order C (control)": (np.array(weight.T, order="C"), True),
    "transposed": (weight.T, False),
    "every second column": (weight[:, ::2], False),
    "Fortran order": (np.asfortranarray(weight), False),
}
changed = []
for name, (array, sound) in cases.items():
    back = load(save({"weight": array}))["weight"]
    same = np.array_equal(back, array)
    print(f"safetensors {safetensors.__version__}, {name}: first row {array[0]}, loaded {back[0]}{'' if same else '  <-'}")
    assert back.shape == array.shape, "control"
    if same != (sound or safetensors.__version__ == "0.7.0"): changed.append(name)
if changed: raise SystemExit(f"CHANGED: {changed}")
P
for version in 0.7.0 0.8.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q safetensors==$version 'numpy==1.26.4' 2>/dev/null
    "$work/$version/bin/python" "$work/views.py"
done
