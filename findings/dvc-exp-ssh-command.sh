#!/usr/bin/env bash
# `dvc exp push`, `pull` and `list` do not use the command in GIT_SSH_COMMAND.
#
# Guess: DVC reaches a git remote as git does. It reads the variable, and its log says so ("dulwich:
# Using environment GIT_SSH_COMMAND ..."), so the options in it (a key, a file of known hosts, a jump
# host) hold for DVC's experiments, too.
#
# Seen: git runs the command with its options. DVC 3.67.1 runs the plain `ssh` of PATH, without them.
#
# Why it matters: on a machine that reaches its git remote by GIT_SSH_COMMAND alone (a job of CI, a
# worker of a cluster), `git push` works, and `dvc exp push` ends with "Host key verification failed".
# Instead: write keys and known hosts into ~/.ssh/config; or push the experiment's reference by git
# (`git push origin refs/exps/...`), and its data by `dvc push`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 2>/dev/null
export DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
mkdir "$work/bin" "$work/repo" && cd "$work/repo"
for name in ssh named; do
  printf '#!/bin/sh\necho "%s $*" >> "%s/log"\nexit 255\n' "$name" "$work" > "$work/bin/$name"
  chmod +x "$work/bin/$name"
done
export PATH="$work/bin:$work/venv/bin:$PATH" GIT_SSH_COMMAND="$work/bin/named -o Option=1"
git init -q && dvc init -q && dvc config core.check_update false
git add -A && git -c user.name=a -c user.email=a@example.org commit -qm first
git remote add origin ssh://user@example.org/path/repo.git
git ls-remote origin >/dev/null 2>&1 || true
echo "git ran: $(head -c 60 "$work/log")"
grep -q '^named -o Option=1' "$work/log" || { echo "CHANGED: git" >&2; exit 1; }
rm "$work/log"
dvc exp list origin >/dev/null 2>&1 || true
echo "dvc $(dvc --version) ran: $(head -c 60 "$work/log")"
grep -q '^ssh ' "$work/log" || { echo "CHANGED: dvc does not run plain ssh" >&2; exit 1; }
if grep -q '^named' "$work/log"; then echo "CHANGED: dvc runs GIT_SSH_COMMAND" >&2; exit 1; fi
