#!/usr/bin/env bash
# DVC compares parameters as Python does: 1, 1.0 and true are the same, and NaN is never the same.
#
# Guess: dvc.lock holds the value as written, so 1 -> 1.0 and 1 -> true are changes (another type, other
# text) and the stage runs again; an untouched file is up to date whatever it holds; and `dvc metrics
# diff` of an untouched file is empty.
#
# Seen: after 1 -> 1.0 or 1 -> true `dvc status` says up to date and `dvc repro` skips the stage, though
# the script would now fail: range(1.0) is a TypeError. With `.nan` the stage is "modified" for ever,
# straight after a repro, and `dvc metrics diff` lists a NaN metric as a change in each diff.
#
# Why it matters: d_steps: 1.0 is committed together with a dvc.lock that says all is well, and breaks
# at the next clone that really trains. `clip: .nan`, for "no value", makes a pipeline that is never up to
# date, whatever one does. A diverged GAN's FID of NaN shows as changed against itself.
# Instead: validate parameter types in every stage AND as a check of params.yaml that does not hang on
# `dvc repro`; write null, not .nan, for "no value"; leave a NaN metric out and write why as a string.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
cat > params.yaml <<'Y'
d_steps: 1
clip: 0.5
Y
cat > train.py <<'P'
from ruamel.yaml import YAML
p = YAML(typ="safe").load(open("params.yaml"))
for step in range(p["d_steps"]):
    pass
open("metrics.json", "w").write('{"fid": NaN, "steps": %d}' % (step + 1))
P
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [d_steps, clip]
    metrics: [metrics.json: {cache: false}]
Y
dvc repro -q && git add -A && git commit -qm baseline
echo "dvc $(dvc --version)"
uptodate="Data and pipelines are up to date."
set_params() { printf 'd_steps: %s\nclip: %s\n' "$1" "$2" > params.yaml; }

set_params 2 0.5; echo "-- d_steps 1 -> 2 (control)"; dvc status
dvc status | grep d_steps > /dev/null || fail "the control"
for value in 1.0 true; do
    set_params "$value" 0.5
    echo "-- d_steps 1 -> $value: $(dvc status)"
    [ "$(dvc status)" = "$uptodate" ] || fail "$value counts as another value than 1"
done
set_params 1.0 0.5
dvc repro 2>&1 | grep "didn't change, skipping" > /dev/null || fail "repro runs the stage"
dvc repro -f > forced.txt 2>&1 && fail "the script accepts 1.0"
echo "-- forced with 1.0:"; grep TypeError forced.txt
git checkout -q metrics.json

set_params 1 0.5; echo "-- clip 0.5, after repro (control): $(dvc repro -q; dvc status)"
[ "$(dvc status)" = "$uptodate" ] || fail "the control"
set_params 1 .nan; dvc repro -q
echo "-- clip .nan, just after repro:"; dvc status
dvc status | grep "modified: *clip" > /dev/null || fail "a NaN parameter is up to date after repro"
echo "-- dvc metrics diff, metrics.json untouched:"; git diff --quiet metrics.json; dvc metrics diff
dvc metrics diff | grep "fid *nan *nan *nan" > /dev/null || fail "an unchanged NaN metric is no change"
dvc metrics diff | grep steps > /dev/null && fail "an unchanged number shows as changed"
true
