#!/usr/bin/env bash
# `dvc exp run -S` changes the type of parameters that it was not asked to touch.
#
# Guess: `-S seed=2` edits the one line `seed: 1` of params.yaml, and every other value stays
# what it was for any YAML reader. A new value is written so that it can be read back as a number.
#
# Seen: DVC reads and writes the whole file by YAML 1.2. It drops quotes that YAML 1.2 does not
# need, so `augment: "off"` becomes `augment: off`, and it writes 1.0e-9 as `1e-09`. PyYAML, which
# most training scripts use, reads YAML 1.1: there `off` is False and `1e-09` is a string.
#
# Why it matters: the same params.yaml works by hand and under `dvc repro`; only experiments get
# False for "off" (and `if cfg["augment"] == "off"` is then not true), or a string for Adam's eps.
# That the quotes go is known (treeverse/dvc, "exp run --set-param: doesn't preserve quotes and
# interpolation syntax"); that the training script then reads other values is the trap.
# Instead: read params with ruamel.yaml (YAML 1.2, checked below), never PyYAML; avoid the words on, off,
# yes, no as values; or check the type of every parameter when the script starts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 pyyaml==6.0.3 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
cat > params.yaml <<'Y'
seed: 1
augment: "off"
eps: 1.0e-8
Y
cat > train.py <<'P'
import yaml
from ruamel.yaml import YAML
old, new = yaml.safe_load(open("params.yaml")), YAML(typ="safe").load(open("params.yaml"))
for name in ("augment", "eps"):
    print(f"{name}: PyYAML {old[name]!r}, ruamel.yaml {new[name]!r}")
P
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: python train.py > seen.txt
    deps: [train.py]
    params: [seed, augment, eps]
    outs: [seen.txt: {cache: false}]
Y
dvc repro -q && git add -A && git commit -qm baseline
echo "dvc $(dvc --version), pyyaml 6.0.3"
echo "-- dvc repro (control)"; cat seen.txt
[ "$(cat seen.txt)" = $'augment: PyYAML \'off\', ruamel.yaml \'off\'\neps: PyYAML 1e-08, ruamel.yaml 1e-08' ] || fail "the control"
dvc exp run -q -S seed=2
echo "-- dvc exp run -S seed=2"; cat params.yaml seen.txt
grep -qx "augment: PyYAML False, ruamel.yaml 'off'" seen.txt || fail "augment keeps its quotes"
git checkout -q .
dvc exp run -q -S eps=1.0e-9
echo "-- dvc exp run -S eps=1.0e-9"; cat params.yaml seen.txt
grep -qx "eps: PyYAML '1e-09', ruamel.yaml 1e-09" seen.txt || fail "eps is written so that PyYAML reads a number"
