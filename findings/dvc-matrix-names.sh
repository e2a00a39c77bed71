#!/usr/bin/env bash
# Two combinations of a DVC matrix whose names come out the same: one is dropped without a word.
#
# Guess: a 2 x 2 matrix is four stages, always; if two of them would get one name, DVC refuses, or
# numbers them.
#
# Seen: the name is the values joined by "-". (bce, ls-dcgan) and (bce-ls, dcgan) are both
# gan@bce-ls-dcgan; the later one replaces the earlier, `dvc repro` ends with exit code 0 and "up to
# date", and the first model is never trained. foreach does the same with 1 and "1".
#
# Why it matters: names of losses, networks and data sets do hold hyphens. A table over loss x network
# lacks a row, though the outputs go to different folders.
# Instead: no hyphens in matrix values (use _, checked below); and in a test count `dvc stage list`
# against the product of the lists.
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
matrix() {  # two lists
    cat > dvc.yaml <<Y
stages:
  gan:
    matrix:
      loss: $1
      net: $2
    cmd: mkdir -p out/\${item.loss} && echo trained > out/\${item.loss}/\${item.net}
    outs:
      - out/\${item.loss}/\${item.net}
Y
    rm -rf out dvc.lock
    dvc repro > log.txt 2>&1 || { cat log.txt; fail "dvc repro refuses"; }
    echo "-- $1 x $2"
    dvc stage list --name-only
    (cd out && find . -type f -not -name .gitignore | sort)
    grep -i -e warn -e duplicate log.txt || true
}
count() { find out -type f -not -name .gitignore | wc -l; }
echo "dvc $(dvc --version)"
matrix "[bce, bce_ls]" "[ls_dcgan, dcgan]"   # control
[ "$(dvc stage list --name-only | wc -l) $(count)" = "4 4" ] || fail "control: four stages"
matrix "[bce, bce-ls]" "[ls-dcgan, dcgan]"
[ "$(dvc stage list --name-only | wc -l) $(count)" = "3 3" ] || fail "none is dropped"
[ ! -e out/bce/ls-dcgan ] && [ -e out/bce-ls/dcgan ] || fail "another one is dropped"
grep -i -e warn -e duplicate log.txt && fail "DVC says so"
dvc status
[ "$(dvc status)" = "Data and pipelines are up to date." ] || fail "dvc status tells"

cat > dvc.yaml <<'Y'
stages:
  gan:
    foreach: [1, "1", "01"]
    do:
      cmd: echo ${item}
Y
echo '-- foreach [1, "1", "01"]'; dvc stage list --name-only
[ "$(dvc stage list --name-only | xargs)" = "gan@1 gan@01" ] || fail "foreach keeps 1 and \"1\" apart"
