#!/usr/bin/env bash
# After `dvc exp run -S` with an URL that has a `?`, PyYAML may not be able to read params.yaml any more.
#
# Guess: DVC quotes what needs quotes, so that params.yaml stays YAML for every reader. A value that was quoted on
# the command line, and in the file before, is quoted afterwards.
#
# Seen: in a mapping or list in braces (`data: {url: "..."}`) DVC writes the URL without quotes: `{url:
# https://example.org/a?raw=true}`. YAML 1.2, by which DVC reads, allows that; PyYAML ends a plain value in braces at
# `?`: "expected ',' or '}', but got '?'". The quotes of an URL that -S did not touch are taken away, too. In a
# mapping with a line for each key the same URL is read by both.
#
# Why it matters: `dvc exp run` writes the file and then runs a script that cannot read it; `dvc repro` and `dvc
# params diff` find nothing wrong. Signed addresses and download links (?raw=true, ?dl=1) have a `?`.
# Instead: no braces in params.yaml; or read it with `dvc.api.params_show()` or ruamel.yaml.
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
cat > train.py <<'P'
import yaml
print(sorted(yaml.safe_load(open("params.yaml"))["data"].items()))
P
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: python train.py > seen.txt
    deps: [train.py]
    params: [seed, data]
    outs: [seen.txt: {cache: false}]
Y
url='https://example.org/a?raw=true'
start() { git checkout -q . 2>/dev/null || true; printf "$1" > params.yaml; dvc repro -q; git add -A; git commit -qm "$2"; }
echo "dvc $(dvc --version), pyyaml 6.0.3"
start 'seed: 1\ndata:\n  url: https://example.org/a\n' lines
dvc exp run -q -S "data.url=\"$url\""
echo "-- a line for each key (control):"; cat params.yaml seen.txt
[ "$(cat seen.txt)" = "[('url', '$url')]" ] || fail "the control"

start 'seed: 1\ndata: {url: https://example.org/a}\n' braces
dvc exp run -q -S 'data.url="https://example.org/b"'
[ "$(cat seen.txt)" = "[('url', 'https://example.org/b')]" ] || fail "control: without ?"
git checkout -q .
dvc exp run -S "data.url=\"$url\"" > "$work/run.txt" 2>&1 && fail "the script reads the file"
echo "-- in braces:"; cat params.yaml; grep "got '?'" "$work/run.txt"
grep -x "data: {url: $url}" params.yaml > /dev/null || fail "the value has quotes"
grep "expected ',' or '}', but got '?'" "$work/run.txt" > /dev/null || fail "another error"

start "seed: 1\ndata: {url: \"$url\"}\n" quoted
[ "$(cat seen.txt)" = "[('url', '$url')]" ] || fail "control: quoted by hand"
dvc exp run -S seed=2 > "$work/run.txt" 2>&1 && fail "-S seed=2 keeps the quotes of the URL"
echo "-- quoted by hand, then -S seed=2:"; cat params.yaml; grep "got '?'" "$work/run.txt"
grep "expected ',' or '}', but got '?'" "$work/run.txt" > /dev/null || fail "another error for -S seed=2"
