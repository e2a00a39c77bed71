#!/usr/bin/env bash
# `dvc exp run --temp` fails if this clone's git has a user.name that is not ASCII; for all clones it may.
#
# Guess: user.name is UTF-8 text of git's, and DVC's commits carry it. `dvc exp run` in the workspace makes
# a commit as 张三; so does --temp, in its copy. Where the name is set, --local or --global, does not matter.
#
# Seen: with `git config user.name 张三` (the default, --local) the experiment in the workspace runs, and its
# commit has the name. --temp ends before anything runs: "unexpected error - 'ascii' codec can't encode
# characters in position ...". No file and no setting is named. With the same name set by --global it runs.
# So does a local name of ASCII letters.
#
# Why it matters: the error says nothing of git, names or settings. Who meets it looks for the letters in the
# data, in params.yaml or in the path, and there are none.
# Instead: `git config --global user.name`, and `git config --local --unset user.name`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
git config user.email a@example.org && git config user.name Ann
echo "seed: 1" > params.yaml
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: cp params.yaml seen.txt
    params: [seed]
    outs: [seen.txt: {cache: false}]
Y
dvc repro -q && git add -A && git commit -qm baseline
echo "dvc $(dvc --version), $(git --version)"
authors() { git for-each-ref --format='%(authorname)' 'refs/exps/??/**'; }
dvc exp run -q --temp -n local-ascii -S seed=2
echo "-- --temp, local name Ann (control): an experiment by $(authors)"
[ "$(authors)" = Ann ] || fail "the control"

git config user.name 张三
dvc exp run -q -n workspace -S seed=3 && git checkout -q .
echo "-- workspace, local name 张三 (control): experiments by $(authors | sort | xargs)"
[ "$(authors | sort | xargs)" = "Ann 张三" ] || fail "the workspace does not take the name"

dvc exp run --temp -n local -S seed=4 > local.txt 2>&1 && fail "--temp runs with a local name"
echo "-- --temp, local name 张三:"; grep ERROR local.txt
grep "'ascii' codec can't encode" local.txt > /dev/null || fail "the error"
grep -e user -e name -e git/config local.txt > /dev/null && fail "the error says what it is about"
[ "$(authors | wc -l)" = 2 ] || fail "an experiment was made"

git config --unset user.name && git config --global user.name 张三
dvc exp run -q --temp -n global -S seed=5
echo "-- --temp, the same name by --global: experiments by $(authors | sort | xargs)"
[ "$(authors | sort | xargs)" = "Ann 张三 张三" ] || fail "--temp fails with a global name"
