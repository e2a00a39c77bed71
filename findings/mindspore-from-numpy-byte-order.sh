#!/usr/bin/env bash
# MindSpore 2.10: `Tensor.from_numpy` of a big-endian array is shown right and computes with swapped bytes.
#
# Guess: an array in the other byte order is refused, as by `Tensor(array)` and by torch.from_numpy, or it is
# converted. If print(tensor) and tensor.asnumpy() show the right numbers, then the numbers are right.
#
# Seen: it is accepted. asnumpy() and dtype (Int32, Float32) are right. An addition reads the memory as
# little-endian: 1 becomes 16777216, and 1.0 becomes 4.6e-41, that is 0. `Tensor(array)` raises.
#
# Why it matters: IDX, the format of MNIST's files, is big-endian, and idx2numpy gives its arrays so.
# Bytes are not concerned; labels of four bytes (QMNIST) and float features are. Such features look right when
# printed and are all 0 for the network, so that it learns nothing.
# Instead: `Tensor(array)`, which raises; or `array.astype(array.dtype.newbyteorder("="))` first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile mindspore==2.10.0 'numpy==1.26.4' idx2numpy==1.2.3 2>/dev/null
cd "$work"
cat > "$work/order.py" <<'P'
import idx2numpy
import mindspore as ms
import numpy as np
from mindspore import Tensor

print("mindspore", ms.__version__, "idx2numpy 1.2.3")
changed = []
for name, values in {"labels": np.array([0, 1, 7], np.int32), "features": np.array([0.0, 0.5, 1.0], np.float32)}.items():
    idx2numpy.convert_to_file(name, values)
    read = idx2numpy.convert_from_file(name)
    tensor = Tensor.from_numpy(read)
    sums = [(Tensor.from_numpy(a) + 0).asnumpy() for a in (read, read.astype(read.dtype.newbyteorder("=")))]
    print(f"{name}: idx2numpy {read.dtype.str} {read}; tensor {tensor.dtype} {tensor.asnumpy()}; tensor + 0 {sums[0]}; "
          f"native order first {sums[1]}")
    assert np.array_equal(read, values) and np.array_equal(sums[1], values), "control"
    if not np.array_equal(tensor.asnumpy(), values) or str(tensor.dtype) not in ("Int32", "Float32"):
        changed.append(f"{name} is shown otherwise")
    if not np.array_equal(sums[0], values.byteswap()): changed.append(f"{name} is computed otherwise")
    try:
        Tensor(read)
        changed.append(f"Tensor(array) accepts {name}")
    except TypeError as error:
        print(f"   Tensor(array): {type(error).__name__}")
if changed: raise SystemExit(f"CHANGED: {changed}")
P
GLOG_v=4 "$work/venv/bin/python" "$work/order.py" 2> "$work/log" || { tail -5 "$work/log" >&2; exit 1; }
