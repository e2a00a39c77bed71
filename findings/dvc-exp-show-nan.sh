#!/usr/bin/env bash
# `dvc exp show --sort-by` with one diverged run (NaN): the order is wrong, the best run not on top.
#
# Guess: NaN goes to one end, the other experiments are in order; or DVC says that it cannot sort.
#
# Seen: the rows are sorted by comparing Python floats. NaN is neither smaller nor larger than anything,
# so each NaN splits the table into pieces that are in order by themselves only.
#
# Why it matters: a GAN that collapses has an FID or a loss of NaN, and of twenty runs in a sweep one does.
# "The first row of exp show --sort-by fid" is then not the best run, and nothing looks wrong.
# Instead: take --json and sort in a program that puts NaN last; or leave the metric out of metrics.json
# when it is not a number: then the others are in order (checked below; such a run is the last row
# of asc, the FIRST of desc).
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
echo 'metrics: [metrics.json]' > dvc.yaml
echo '{"coverage": 0.5}' > metrics.json
git add -A && git commit -qm baseline
cat > "$work/rows.py" <<'P'
import csv, sys
print(*(r["coverage"] or "-" for r in csv.DictReader(sys.stdin) if r["Experiment"]))
P
order() { dvc exp show --csv --sort-by coverage --sort-order "$1" | python "$work/rows.py"; }
save() {  # one experiment a value, a second apart: without --sort-by DVC orders them by time
    local i=0 v
    dvc exp remove -q -A > /dev/null
    for v in "$@"; do
        i=$((i + 1))
        if [ "$v" = - ]; then echo '{}' > metrics.json; else echo "{\"coverage\": $v}" > metrics.json; fi
        dvc exp save -q -f -n "run$i"
        sleep 1.1
    done
    git checkout -q metrics.json
}
echo "dvc $(dvc --version)"
check() {  # order, what it must print
    local got; got=$(order "$1")
    echo "   $1: $got"
    [ "$got" = "$2" ] || fail "$1 is not '$2'"
}
echo "-- 0.3 0.1 0.9 0.2 (control)"; save 0.3 0.1 0.9 0.2
check asc "0.1 0.2 0.3 0.9"
check desc "0.9 0.3 0.2 0.1"
echo "-- one run without the metric (control)"; save 0.3 0.1 - 0.9 0.2
check asc "0.1 0.2 0.3 0.9 -"
check desc "- 0.9 0.3 0.2 0.1"
echo "-- one run of NaN"; save 0.3 0.1 NaN 0.9 0.2
check asc "0.2 0.9 nan 0.1 0.3"
check desc "0.9 0.2 nan 0.3 0.1"
