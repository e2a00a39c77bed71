#!/usr/bin/env bash
# `dvc exp run` of one stage fails at its end, because a plot of another stage is not in the cache.
#
# Guess: in a new clone `dvc exp run -S a=2 train_a` runs one stage and keeps the experiment. The other
# stage is not asked for, and nothing of it has been fetched.
#
# Seen: the stage runs to its end. Then DVC looks up each path below `plots:` of dvc.yaml, also those of the
# other stage. One of them lies in a folder whose list of files is not in the cache: "failed to load
# directory", exit code 255, and no experiment is kept. `dvc repro train_a` works there, and so does
# `dvc exp run` where the plot is named under a title with a `y`, as curves are.
#
# Why it matters: a pipeline has several data sets or models, and dvc.lock is in git. A student with a new
# clone tries one of them: an hour of training is lost.
# Instead: name an image that lies in a folder as `- folder/1.png: {y: {folder/1.png: image}}` (checked below).
#
# The script dvc-plots-missing-image.sh has what `dvc plots` does in such a clone.
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
name, shade = sys.argv[1:]
folder = pathlib.Path(f"grids_{name}")
folder.mkdir(exist_ok=True)
png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
(folder / "1.png").write_bytes(base64.b64decode(png))
(folder / "shade").write_text(name + shade)
P
echo "{a: 1, b: 1}" > params.yaml
stages='stages:
  train_a: {cmd: "python train.py a ${a}", params: [a], deps: [train.py], outs: [grids_a]}
  train_b: {cmd: "python train.py b ${b}", params: [b], deps: [train.py], outs: [grids_b]}
'
try() {  # how the plots are named: what `dvc exp run` of one stage says in a new clone
    printf '%s%s\n' "$stages" "$2" > dvc.yaml
    dvc repro -q && git add -A && git commit -qm "$1"
    git clone -q . "$work/$1"
    code=0
    said=$(dvc --cd "$work/$1" exp run -n mine -S a=2 train_a 2>&1) || code=$?
    kept=$(git -C "$work/$1" for-each-ref 'refs/exps/*/*/mine' | wc -l)
    echo "$1: exit code $code, experiments kept: $kept; $(grep ERROR <<< "$said" | cut -c1-130)"
}
echo "dvc $(dvc --version)"
try folders "plots: [grids_a/1.png, grids_b/1.png]"
[ "$code" = 255 ] && [ "$kept" = 0 ] || fail "the experiment is kept"
[[ $said == *"python train.py a 2"* && $said == *"failed to load directory ('grids_b',)"* ]] || fail "another reason"
git clone -q . "$work/plain"
sed -i 's/a: 1/a: 2/' "$work/plain/params.yaml"
dvc --cd "$work/plain" repro -q train_a || fail "dvc repro does not run train_a (control)"
try titled "plots: [{grids_a/1.png: {y: {grids_a/1.png: image}}}, {grids_b/1.png: {y: {grids_b/1.png: image}}}]"
[ "$code" = 0 ] && [ "$kept" = 1 ] || fail "control: plots under a title"
dvc plots show --json | grep -q '"type": "image"' || fail "control: the images are shown"
