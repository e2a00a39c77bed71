#!/usr/bin/env bash
# One image that is not in DVC's cache takes all plots of its revision away, curves in git included.
#
# Guess: `dvc plots show` shows what there is. The loss curves are a CSV file in git (cache: false), so
# they are drawn; an image that was never fetched is left out, or a note says so.
#
# Seen: an image inside a folder that a stage makes is listed under `plots:`. Where that folder is not
# in the cache, DVC drops every plot: "failed to load some plots" is all that is said, and the exit code is
# 0. A single file that is missing takes no other plot away. Plots that are named as targets are drawn.
#
# Why it matters: a clone without `dvc pull` has no plots at all, also no loss curves, which git has, as soon
# as sample grids are among the plots.
# Instead: name the plots (`dvc plots show losses.csv`), or fetch the folder first (`dvc pull grids`; both
# checked below).
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
cat > train.py <<'P'
import base64, pathlib, sys
pathlib.Path("grids").mkdir(exist_ok=True)
png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
pathlib.Path("grids/1.png").write_bytes(base64.b64decode(png))
pathlib.Path("alone.png").write_bytes(base64.b64decode(png))
pathlib.Path("losses.csv").write_text("epoch,loss\n1,0.9\n2,0.7\n")
P
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    outs: [grids, alone.png]
    plots: [losses.csv: {cache: false, x: epoch, y: loss}]
plots:
  - grids/1.png
  - alone.png
Y
dvc repro -q && git add -A && git commit -qm trained
count() {  # clone, what to ask for: how many plots are shown
    dvc --cd "$1" plots show --json "${@:2}" 2>/dev/null | python -c "import json, sys; print(*sorted(json.load(sys.stdin).get('data', {})))"
}
echo "dvc $(dvc --version)"
git clone -q . "$work/empty"
git clone -q . "$work/folder"
dvc remote add -q -d --local here "$work/remote" && dvc push -q
dvc --cd "$work/folder" remote add -q -d --local here "$work/remote"
dvc --cd "$work/folder" pull -q grids
full=$(count . ) one=$(count "$work/folder") none=$(count "$work/empty") asked=$(count "$work/empty" losses.csv)
echo "all there (control): $full"
echo "alone.png not there, the folder is: $one"
echo "the folder not there: '$none'"
echo "the folder not there, losses.csv asked for: $asked"
dvc --cd "$work/empty" plots show -o page 2>&1 | grep "failed to load" || fail "no word of it"
[ "$full" = "alone.png grids/1.png losses.csv" ] || fail "control: three plots"
[[ $one == *"grids/1.png losses.csv" ]] || fail "a missing single file takes other plots away"
[ -z "$none" ] || fail "the curve is shown"
[ "$asked" = "losses.csv" ] || fail "losses.csv asked for is not shown"
