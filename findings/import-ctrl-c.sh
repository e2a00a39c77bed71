#!/usr/bin/env bash
# SciPy 1.15, scikit-learn 1.7, ONNX Runtime 1.24: Ctrl-C while they are imported can be an ImportError, not a KeyboardInterrupt.
#
# Guess: Ctrl-C during `import sklearn.datasets` raises KeyboardInterrupt, as anywhere in Python. So a program that catches
# KeyboardInterrupt around all of its work ends cleanly, wherever it is interrupted.
#
# Seen: a compiled module imports NumPy when it starts. If the signal is handled at that moment, the module prints a traceback and
# raises "ImportError: numpy._core.multiarray failed to import" (ONNX Runtime: "import numpy failed"). Its __cause__ and __context__
# are None, so nothing tells it from a broken installation. Not all modules are alike: scipy.special raises KeyboardInterrupt.
#
# Why it matters: the import takes half a second, so it happens. Of 150 signals at random moments of `import sklearn.datasets`, 7
# became an ImportError (a measurement apart from this script). The user reads that NumPy is broken. A program that tries another
# way after an ImportError goes on, although it was told to stop.
# Instead: let the signal wait until the import has ended (a handler that looks for importlib among its frames).
# The cause: `import_array()` of NumPy's C header __multiarray_api.h prints the error and raises the ImportError in its place.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --no-compile numpy==1.26.4 scipy==1.15.3 scikit-learn==1.7.2 onnxruntime==1.24.3 2>/dev/null
cd "$work"
cat > one.py <<'P'
import builtins
import signal
import sys

import numpy

real = builtins.__import__
sent = []

def press(name, *rest, **named):
    """Ctrl-C at one moment of the import: when the compiled module asks for NumPy."""
    of_compiled = sys._getframe(1).f_code.co_filename.startswith("<frozen importlib")
    if name == "numpy._core._multiarray_umath" and of_compiled and not sent:
        sent.append(name)
        signal.raise_signal(signal.SIGINT)
    return real(name, *rest, **named)

builtins.__import__ = press
try:
    real(sys.argv[1])
except BaseException as error:
    print(type(error).__name__, "|", error, "|", error.__cause__, "|", error.__context__)
assert sent, "control: Ctrl-C was pressed"
P
changed=0
see() {
  seen=$("$work/venv/bin/python" one.py "$1" 2>/dev/null || true)
  echo "   $1: $seen"
  [ "$seen" = "$2" ] || changed=1
}
"$work/venv/bin/python" -c 'import numpy, scipy, sklearn, onnxruntime as o; print("numpy", numpy.__version__, "scipy", scipy.__version__, "scikit-learn", sklearn.__version__, "onnxruntime", o.__version__)'
lost='ImportError | numpy._core.multiarray failed to import | None | None'
see scipy.spatial._ckdtree "$lost"
see scipy.linalg._fblas "$lost"
see scipy.optimize._highspy._core "$lost"
see sklearn.utils.murmurhash "$lost"
see onnxruntime.capi.onnxruntime_pybind11_state 'ImportError | import numpy failed | None | None'
see scipy.special._ufuncs 'KeyboardInterrupt |  | None | None'
[ $changed = 0 ] || { echo "CHANGED" >&2; exit 1; }
