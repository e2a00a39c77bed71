#!/usr/bin/env bash
# `dvc commit` teaches the run cache: an output put there by hand comes back later as the stage's result.
#
# Guess: `dvc commit` writes dvc.lock and the file's cache entry. `git checkout dvc.lock` and `dvc checkout`
# take it back; from then on the stage with those parameters has never been run, so DVC runs it.
#
# Seen: it also files the hand-made output in .dvc/cache/runs under the stage's command, deps and params.
# dvc.lock and the workspace go back, this entry stays. The next time the same parameters are asked
# for, DVC says "is cached - skipping run" and puts the hand-made file there. The command never ran.
#
# Why it matters: someone copies half-trained weights to models/ and commits them, to look at the report
# early, and takes it back afterwards. A week later the real run with this learning rate takes one second
# and is "reproduced", and `dvc exp run` too stores the draft under the new name.
# Instead: look at drafts without `dvc commit` (copy them back afterwards). If it was done,
# `dvc repro --no-run-cache` trains (checked below).
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
echo 'lr: 0.1' > params.yaml
cat > train.py <<'P'
open("calls.log", "a").write("trained\n")
open("weights.txt", "w").write("trained with " + open("params.yaml").read())
P
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [lr]
    outs: [weights.txt]
Y
echo calls.log >> .gitignore
calls() { wc -l < calls.log; }
dvc repro -q && git add -A && git commit -qm "lr 0.1, trained"
echo "dvc $(dvc --version)"
echo "lr 0.1: $(cat weights.txt) (calls: $(calls))"

echo 'lr: 0.2' > params.yaml
dvc unprotect weights.txt && echo "half-trained, by hand" > weights.txt
dvc commit -q -f train
git checkout -q params.yaml dvc.lock && dvc checkout -q
echo "draft committed and taken back: $(cat weights.txt); dvc status: $(dvc status)"
[ "$(cat weights.txt)" = "trained with lr: 0.1" ] || fail "control: dvc checkout"
[ -z "$(git status --porcelain)" ] || fail "control: git is clean"

echo 'lr: 0.3' > params.yaml; dvc repro > out.txt
echo "lr 0.3 (control): $(cat weights.txt) (calls: $(calls))"
[ "$(cat weights.txt) $(calls)" = "trained with lr: 0.3 2" ] || fail "control: new parameters run"

echo 'lr: 0.2' > params.yaml; dvc repro > out.txt; grep "is cached" out.txt || fail "the stage runs"
echo "lr 0.2: $(cat weights.txt) (calls: $(calls))"
[ "$(cat weights.txt) $(calls)" = "half-trained, by hand 2" ] || fail "the draft does not come back"
git checkout -q . && dvc checkout -q
dvc exp run -q -n tuned -S lr=0.2 > out.txt
echo "exp run -S lr=0.2: $(cat weights.txt) (calls: $(calls))"
[ "$(cat weights.txt) $(calls)" = "half-trained, by hand 2" ] || fail "exp run trains"
git checkout -q . && dvc checkout -q
echo 'lr: 0.2' > params.yaml; dvc repro -q --no-run-cache
echo "lr 0.2 with --no-run-cache (control): $(cat weights.txt) (calls: $(calls))"
[ "$(cat weights.txt) $(calls)" = "trained with lr: 0.2 3" ] || fail "control: --no-run-cache"
