#!/usr/bin/env bash
# `dvc exp list`, `push` and `pull` do not use the command in GIT_SSH_COMMAND.
#
# Guess: DVC reaches a git remote as git does. So the options in that variable (a key, a file of known
# hosts, a jump host) hold for DVC's experiments, too.
#
# Seen: git runs the command with its options. DVC 3.67.1 runs the plain `ssh` of PATH, without them.
#
# Why it matters: some machines reach their git remote by GIT_SSH_COMMAND alone, such as a job of CI or
# a worker of a cluster. There git works, and the experiments of DVC cannot be sent or fetched.
# Instead: write keys and known hosts into the user's configuration of ssh, which plain `ssh` reads.
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
echo 'metrics: [m.json]' > dvc.yaml && echo '{"loss": 1}' > m.json
git config user.name a && git config user.email a@example.org
git add -A && git commit -qm second && echo '{"loss": 2}' > m.json && dvc exp save -q -n mine
for call in "list origin" "push origin mine" "pull origin mine"; do
  rm "$work/log"
  dvc exp $call >/dev/null 2>&1 || true
  echo "dvc $(dvc --version), dvc exp $call ran: $(head -n 1 "$work/log" | head -c 60)"
  grep -q '^ssh ' "$work/log" || { echo "CHANGED: dvc exp $call does not run plain ssh" >&2; exit 1; }
  if grep -q '^named' "$work/log"; then echo "CHANGED: dvc exp $call runs GIT_SSH_COMMAND" >&2; exit 1; fi
done
