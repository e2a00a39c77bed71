#!/usr/bin/env bash
# Whether DVC can read a params.yaml depends on a package that DVC does not name.
#
# Guess: the same DVC, with the same ruamel.yaml, reads the same params.yaml everywhere.
#
# Seen: ruamel.yaml has not required its C parser (ruamel.yaml.clib) since 0.19.1, and DVC does not ask for it.
# Where another package brings it, DVC uses it. The two parsers follow different versions of YAML.
# `{url: https://example.org/?a}` is valid YAML 1.2, and the parser in Python reads it. The C parser refuses it:
# "YAML file structure is corrupted", for `dvc repro`, `dvc status` and all else.
#
# Why it matters: a project works for its author and is "corrupted" for a colleague whose environment
# has one package more. And DVC parses dvc.lock many times a command: with the parser in Python,
# the reading of a file of 2,000 lines takes about three times as long.
# Instead: require ruamel.yaml.clib beside dvc, so that all have the same parser, and quote such values.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 ruamel.yaml==0.19.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
echo 'stages: {show: {cmd: "echo ${data.url}", params: [data]}}' > dvc.yaml
try() {
    code=0
    said=$(dvc repro -f 2>&1) || code=$?
    echo "$1: exit code $code; $(tail -1 <<< "$said" | cut -c1-110)"
}
echo "dvc $(dvc --version), ruamel.yaml $(python -c 'import ruamel.yaml as r; print(r.__version__)')"
pip list 2>/dev/null | grep -q "ruamel.yaml.clib" && fail "ruamel.yaml or DVC brings the C parser"
echo 'data: {url: https://example.org/?a}' > params.yaml
try "parser in Python"
[ "$code" = 0 ] || fail "the parser in Python refuses the file"
pip install -q ruamel.yaml.clib==0.2.15 2>/dev/null
try "parser in C"
[ "$code" != 0 ] && [[ $said == *"structure is corrupted"* ]] || fail "the C parser reads the file"
echo 'data: {url: "https://example.org/?a"}' > params.yaml
try "parser in C, quoted"
[ "$code" = 0 ] || fail "control: a quoted value"
