#!/usr/bin/env bash
# `dvc exp run -S` takes a value in any script, but no key that is not ASCII, quoted or not.
#
# Guess: params.yaml is UTF-8, and DVC tracks, hashes and diffs a key 学习率 as any other; so `-S 学习率=2` sets it,
# at worst with quotes around the key, as a value may have quotes.
#
# Seen: `dvc repro` tracks the key and `dvc params diff` shows its change. -S refuses it: "unexpected error -
# LexerNoViableAltException: 学习率=2", from Hydra, whose grammar has keys of a-z, digits and a few signs. Quotes
# around the key do not help. A value needs them: `-S name=数字` is refused, `-S 'name="数字"'` is taken.
#
# Why it matters: the key works in every other command, so it is found out when the first experiment or sweep
# is started. All params of a data set or model with such a name are out of reach of -S, --queue with choices, and
# of tools that call them.
# Instead: ASCII keys; titles in other scripts as values. Or edit params.yaml and run `dvc exp run`.
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
printf 'name: x\nlr: 1\n学习率: 1\n' > params.yaml
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: cp params.yaml seen.txt
    params: [name, lr, 学习率]
    outs: [seen.txt: {cache: false}]
Y
dvc repro -q && git add -A && git commit -qm baseline
echo "dvc $(dvc --version)"
sed -i 's/学习率: 1/学习率: 3/' params.yaml
echo "-- edited by hand (control):"; dvc params diff
dvc params diff | grep '学习率 *1 *3' > /dev/null || fail "params diff"
dvc exp run -q -n by-hand && grep -x '学习率: 3' seen.txt > /dev/null || fail "dvc exp run after an edit"
git checkout -q .
for set in lr=2 'name="数字"'; do
    dvc exp run -q -S "$set" || fail "control: $set"
    echo "-- -S $set (control): $(git diff -U0 params.yaml | grep '^+[^+]')"
    git checkout -q .
done
for set in 学习率=2 '"学习率"=2' "'学习率'=2" name=数字; do
    dvc exp run -S "$set" > set.txt 2>&1 && fail "-S $set"
    echo "-- -S $set: $(grep -i -m1 -e error -e failed set.txt)"
    grep -i hydra set.txt > /dev/null || fail "the error of -S $set"
    git diff --quiet || fail "-S $set changes a file"
done
