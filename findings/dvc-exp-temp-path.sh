#!/usr/bin/env bash
# Below a folder like `my%20gan`, `dvc exp run --temp` trains, ends well, and its result is nowhere.
#
# Guess: a path is a path. `dvc exp run` works in `my%20gan/`, in `run #1/` and in `why?/`; --temp makes its copy
# below the same folder, in .dvc/tmp, and works as well.
#
# Seen: `dvc exp run` works in all three. --temp in `my%20gan/` or `a%41b/` runs the stage and exits with 0, but there
# is no experiment: not in `dvc exp show`, not in git. In `run #1/` and `why?/` it ends before the stage
# runs: "Git failed to push '[]' to 'file:///...': No git repository was found at ...", up to the # or ?. DVC hands git
# the path as a file:// URL without quoting: there %20 is a space, and # and ? end the path.
#
# Why it matters: browsers and download tools save `my%20gan.zip`, and people number folders by #. Hours of
# training are thrown away without a word; a sweep of --temp runs can be repeated for ever.
# Instead: rename the folder. A link to it under a plain name does not help, as DVC follows it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }

cat > "$work/dvc.yaml" <<'Y'
stages:
  train:
    cmd: cp params.yaml seen.txt
    params: [seed]
    outs: [seen.txt: {cache: false}]
Y
make() {  # a project in a folder of this name, whose experiment in the workspace has run
    mkdir "$work/$1" && cd "$work/$1"
    git init -q && dvc init -q && dvc config core.check_update false
    cp "$work/dvc.yaml" . && echo "seed: 1" > params.yaml
    dvc repro -q && git add -A && git commit -qm baseline
    dvc exp run -q -n workspace -S seed=2 && git checkout -q .
    [ "$(git for-each-ref 'refs/exps/??/**' | wc -l)" = 1 ] || fail "the workspace in $1"
}
experiments() { git for-each-ref --format='%(refname:lstrip=4)' 'refs/exps/??/**' | xargs; }
echo "dvc $(dvc --version), $(git --version)"
make "it's 5% + 1"
dvc exp run -q --temp -n temp -S seed=3
echo "-- it's 5% + 1 (control): $(experiments)"
[ "$(experiments)" = "temp workspace" ] || fail "the control"
for name in 'my%20gan' 'a%41b'; do
    make "$name"
    dvc exp run --temp -n temp -S seed=3 > "$work/temp.txt" 2>&1 || fail "--temp fails in $name"
    echo "-- $name: exit code 0, $(grep -c "Running stage" "$work/temp.txt") stage run, and there is: $(experiments)"
    grep -i -e error -e warning -e fail "$work/temp.txt" && fail "DVC says something in $name"
    [ "$(experiments)" = workspace ] || fail "the result is there in $name"
    dvc exp show --csv | grep temp && fail "dvc exp show has it in $name"
done
for name in 'run #1' 'why?'; do
    make "$name"
    dvc exp run --temp -n temp -S seed=3 > "$work/temp.txt" 2>&1 && fail "--temp works in $name"
    echo "-- $name:"; grep ERROR "$work/temp.txt"
    grep "No git repository was found at $work/${name%%[#?]*}" "$work/temp.txt" > /dev/null || fail "the error in $name"
done
ln -s "$work/my%20gan" "$work/plain" && cd "$work/plain"
dvc exp run -q --temp -n linked -S seed=4 || fail "--temp fails by a link"
echo "-- my%20gan by a link with a plain name: $(experiments)"
[ "$(experiments)" = workspace ] || fail "the result is there by a link"
