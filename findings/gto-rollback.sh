#!/usr/bin/env bash
# gto refuses to put an earlier version back into a stage: it is "already in stage", though another one is shown there.
#
# Guess: `gto assign gan --version v1.0.0 --stage prod` moves prod to v1.0.0, whatever prod holds. After v1, v2
# and v1 again prod is v1.0.0, as with any pointer.
#
# Seen: the third call ends with an error, "Version 'v1.0.0' is already in stage 'prod'", and prod stays at
# v2.0.0, which `gto show` names. What counts is whether the version was ever assigned and not taken
# out. With --force it works. And time is counted in seconds: of two assignments within one second the
# version that was registered first is shown, whichever was assigned last (the tags' numbers, #4 and #5,
# are not looked at).
#
# Why it matters: going back to the last good model is what a registry is for, and is done in a hurry. A script
# that assigns at once after another one, or that ignores the exit code, leaves the bad model in production.
# Instead: `--force` for every move back; at least a second between two assignments; `gto show
# gan#prod --ref` afterwards.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q gto==1.10.1 2>/dev/null
export PATH="$work/venv/bin:$PATH" HOME="$work" ITERATIVE_DO_NOT_TRACK=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q
for number in 1 2; do
    git commit -q --allow-empty -m "model $number"
    gto register gan HEAD --version v$number.0.0 > /dev/null
done
in_stage() { gto show "gan#$1" --ref; }
echo "gto $(gto --version | grep -o '[0-9.]*')"
for version in v1.0.0 v2.0.0; do
    gto assign gan --version $version --stage prod > /dev/null
    echo "prod <- $version: $(in_stage prod)"
    [ "$(in_stage prod)" = gan@$version ] || fail "control: $version moves into prod"
    sleep 1.1
done
gto assign gan --version v1.0.0 --stage prod > out.txt 2>&1 && fail "prod goes back to v1.0.0"
tr '\n' ' ' < out.txt; echo
grep "already in stage" out.txt > /dev/null || fail "another reason"
echo "prod <- v1.0.0: $(in_stage prod)"
[ "$(in_stage prod)" = gan@v2.0.0 ] || fail "prod is not v2.0.0"
gto assign gan --version v1.0.0 --stage prod --force > /dev/null
echo "prod <- v1.0.0 with --force: $(in_stage prod)"
[ "$(in_stage prod)" = gan@v1.0.0 ] || fail "control: --force"

cat > "$work/quick.py" <<'P'
"""Assign two versions within one second; print the stage's name, or nothing when a second ended in between."""
import subprocess, sys, time
import gto.api
stage, *versions = sys.argv[1:]
time.sleep(1.02 - time.time() % 1)  # just after a second's beginning
for version in versions:
    gto.api.assign(".", "gan", version=version, stage=stage)
times = subprocess.run(["git", "for-each-ref", "--format=%(taggerdate:unix)", f"refs/tags/gan#{stage}#*"],
                       capture_output=True, text=True, check=True).stdout.split()
print(stage if len(set(times)) == 1 else "", end="")
P
quick() {  # stage, versions: until both fall into one second
    local i
    for i in 1 2 3 4 5 6 7 8; do
        stage=$(python "$work/quick.py" "$1-$i" "${@:2}" 2>/dev/null | tail -1)
        [ -z "$stage" ] || return 0
    done
    echo "this machine is too slow: two assignments take over a second" >&2; exit 2
}
quick up v1.0.0 v2.0.0
git tag --list "gan#$stage*" | xargs; echo "within one second, v1.0.0 then v2.0.0: $(in_stage "$stage")"
[ "$(in_stage "$stage")" = gan@v1.0.0 ] || fail "the later one is shown"
quick down v2.0.0 v1.0.0
git tag --list "gan#$stage*" | xargs; echo "within one second, v2.0.0 then v1.0.0: $(in_stage "$stage")"
[ "$(in_stage "$stage")" = gan@v1.0.0 ] || fail "v2.0.0 is shown"
