#!/usr/bin/env bash
# Whether DVC can read a params.yaml depends on a package that DVC does not name.
#
# Guess: the same DVC, with the same ruamel.yaml, reads the same params.yaml everywhere; and what DVC
# writes, it can read.
#
# Seen: ruamel.yaml has not required its C parser (ruamel.yaml.clib) since 0.19.1, and DVC does not ask for it.
# Where another package brings it, DVC uses it. The two parsers follow different versions of YAML.
# `{url: https://example.org/?a}` is valid YAML 1.2, and the parser in Python reads it. With the C parser
# `dvc repro` ends with "YAML file structure is corrupted". In quotes both read it. But `dvc exp run -S seed=2`,
# which does not touch the URL, takes its quotes away, and then the C parser calls DVC's own file corrupted.
# DVC puts the old file back, so nothing is lost, but no experiment can be run.
#
# Why it matters: a project works for its author and is "corrupted" for a colleague whose environment
# has one package more.
# Instead: require ruamel.yaml.clib beside dvc, so that all have the same parser, and put URLs on lines of
# their own, not in braces.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 ruamel.yaml==0.19.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
echo 'stages: {show: {cmd: "echo ${seed} > out", params: [seed, data], outs: [out]}}' > dvc.yaml
try() {  # title, command: its exit code, and whether it speaks of a corrupted file
    code=0
    said=$($2 2>&1) || code=$?
    corrupted=no
    [[ $said == *"structure is corrupted"* ]] && corrupted=yes
    echo "$1: $2: exit code $code, corrupted: $corrupted"
}
echo "dvc $(dvc --version), ruamel.yaml $(python -c 'import ruamel.yaml as r; print(r.__version__)')"
pip list 2>/dev/null | grep -q "ruamel.yaml.clib" && fail "ruamel.yaml or DVC brings the C parser"
printf 'seed: 1\ndata: {url: https://example.org/?a}\n' > params.yaml
try "parser in Python" "dvc repro"
[ "$code" = 0 ] || fail "the parser in Python refuses the file"
pip install -q ruamel.yaml.clib==0.2.15 2>/dev/null
try "parser in C" "dvc repro"
[ "$code" != 0 ] && [ "$corrupted" = yes ] || fail "the C parser reads the file"
printf 'seed: 1\ndata: {url: "https://example.org/?a"}\n' > params.yaml
try "parser in C, quoted" "dvc repro"
[ "$code" = 0 ] || fail "control: a quoted value"
git add -A && git commit -qm quoted
try "parser in C, quoted" "dvc exp run -S seed=2"
[ "$code" != 0 ] && [ "$corrupted" = yes ] || fail "-S keeps the quotes"
printf 'seed: 1\ndata:\n  url: "https://example.org/?a"\n' > params.yaml
git commit -qam lines
try "parser in C, a line of its own" "dvc exp run -S seed=2"
[ "$code" = 0 ] || fail "control: without braces"
