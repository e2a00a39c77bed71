#!/usr/bin/env bash
# A linked folder inside a folder that DVC tracks does not exist for DVC; a linked file does.
#
# Guess: `data/faces -> /disk/faces` inside a tracked `data/` is followed, as `data/one.png -> ...` is: its
# files are hashed and stored, and a change there makes the stage run again. Or DVC refuses it.
#
# Seen: nothing behind the linked folder is hashed, stored or watched, and no message says so. The lock file
# counts the other files alone. New images behind the link leave the stage "up to date"; `dvc data
# status` says "No changes"; a checkout brings back a data/ without the folder. A linked file
# beside it is stored by its content, and a dep that is itself a link to a folder is watched.
#
# Why it matters: a large data set lies on another disk and is linked into data/. The stage reads it and
# trains. After 10,000 more images `dvc repro` does nothing; and after `dvc add data` a colleague's clone has a
# data/ without images.
# Instead: name the link itself as the dep (`data/faces`, not `data`), or link the files one by one (both
# checked below); for `dvc add` use copies.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/disk" "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
echo 1 > "$work/disk/1.png"
echo 2 > "$work/disk/2.png"
mkdir data && echo note > data/notes.txt
ln -s "$work/disk" data/faces
ln -s "$work/disk/1.png" data/one.png
cat > dvc.yaml <<'Y'
stages:
  whole:
    cmd: ls data/faces/ | wc -l > whole.txt
    deps: [data]
    outs: [whole.txt: {cache: false}]
  link:
    cmd: ls data/faces/ | wc -l > link.txt
    deps: [data/faces]
    outs: [link.txt: {cache: false}]
Y
dvc repro -q
echo "dvc $(dvc --version)"
echo "images seen by the stages: $(cat whole.txt) and $(cat link.txt)"
lock=$(grep -A6 "path: data$" dvc.lock | grep nfiles); echo "data in dvc.lock:$lock"
[[ $lock == *"nfiles: 2" ]] || fail "files behind the link are counted"
[[ $(grep -A6 "path: data/faces" dvc.lock | grep nfiles) == *"nfiles: 2" ]] || fail "control: data/faces"
[ "$(dvc status)" = "Data and pipelines are up to date." ] || fail "control: up to date"

echo 3 > "$work/disk/3.png"
echo "-- a new image behind the link:"; dvc status
dvc status whole | grep "up to date" > /dev/null || fail "the dep data/ notices"
dvc status link | grep "modified: *data/faces" > /dev/null || fail "control: the dep data/faces notices"
dvc repro -q
echo "images seen after dvc repro: $(cat whole.txt) (dep data), $(cat link.txt) (dep data/faces)"
[ "$(cat whole.txt) $(cat link.txt)" = "2 3" ] || fail "whole runs again"
echo changed > "$work/disk/1.png"
dvc status whole | grep "modified: *data" > /dev/null || fail "control: a linked file is watched"

rm dvc.yaml dvc.lock
dvc add -q data > add.txt 2>&1
[ ! -s add.txt ] || { cat add.txt; fail "dvc add has something to say"; }
git add -A && git commit -qm data
rm -rf data && dvc checkout -q
echo "-- dvc add data, checkout: $(ls data | xargs); dvc data status: $(dvc data status)"
[ "$(ls data | xargs)" = "notes.txt one.png" ] || fail "the folder comes back"
[ "$(cat data/one.png)" = changed ] || fail "control: a linked file comes back"
[ "$(dvc data status)" = "No changes." ] || fail "data status tells"
