#!/usr/bin/env bash
# One result that is kept in git, and not in DVC's cache, keeps a stage out of the run cache.
#
# Guess: with `cache: false` a small file of results goes into git, and nothing else changes: DVC still knows
# a run that it has seen.
#
# Seen: a stage with such a file below `outs:` runs again each time a param returns to an earlier value, though
# its inputs are those of a finished run. DVC does not say why. The same file below `metrics:`, also with
# `cache: false`, takes the stage from the run cache ("is cached").
#
# Why it matters: the long stages are often the ones whose small results are kept in git, to be read
# in a pull request. A known param then costs the whole stage again.
# Instead: name the file below `metrics:`, or let DVC cache it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
fail() { echo "CHANGED: $*" >&2; exit 1; }
try() {  # name, what follows below the stage: whether the third run, with the param of the first, is known
    mkdir "$work/$1" && cd "$work/$1"
    git init -q && dvc init -q && dvc config core.check_update false
    cat > dvc.yaml <<Y
stages:
  score:
    cmd: echo '{"a":' \${x}'}' > a.json; echo \${x} > model
    params: [x]
$2
Y
    for x in 1 2 1; do
        echo "x: $x" > params.yaml
        said=$(dvc repro 2>&1)
    done
    echo "a.json below $1: $(grep -o "is cached - skipping run\|Running stage 'score'" <<< "$said")"
}
echo "dvc $(dvc --version)"
try outs "    outs: [model, {a.json: {cache: false}}]"
[[ $said == *"Running stage 'score'"* ]] || fail "the run is known"
try metrics "    outs: [model]
    metrics: [a.json: {cache: false}]"
[[ $said == *"is cached"* ]] || fail "control: metrics are taken from the run cache"
