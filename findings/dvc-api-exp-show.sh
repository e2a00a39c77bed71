#!/usr/bin/env bash
# `dvc.api.exp_show()` returns what the table's text looks like, not the values.
#
# Guess: it is the Python counterpart of `dvc exp show`, so a parameter has the type that it has in
# params.yaml (as with `dvc.api.params_show()`): an int seed is an int, False is False, null is None.
#
# Seen: every value is made a string first, and every string that float() accepts becomes a float.
# A large seed comes back as another number; False is the string 'False' (true in an `if`) and null the
# string 'None'; the tag "007" is 7.0 and the name "1e5" is 100000.0; a list is a string; `Created` of
# an experiment of today is a clock time without a date.
#
# Why it matters: whoever repeats the best run of a sweep from this table trains with another seed, and
# with spectral norm on where it was off. `dvc.api.params_show(rev=...)` of the same run is right.
# Instead: take names and metrics from exp_show, parameters from `dvc.api.params_show(rev=...)`; or parse
# `dvc exp show --json`, which keeps types.
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
cat > params.yaml <<'Y'
epochs: 200
seed: 12345678901234567
spectral_norm: false
resume: null
tag: "007"
run: "1e5"
layers: [128, 256]
Y
cat > dvc.yaml <<'Y'
stages:
  train:
    cmd: "echo '{\"fid\": 12.5}' > metrics.json"
    params: [epochs, seed, spectral_norm, resume, tag, run, layers]
    metrics: [metrics.json: {cache: false}]
Y
dvc repro -q && git add -A && git commit -qm baseline
dvc exp save -q -n best
cat > "$work/show.py" <<'P'
import datetime, json, subprocess
import dvc.api
row = next(r for r in dvc.api.exp_show() if r["Experiment"] == "best")
right = dvc.api.params_show(rev="best")
text = subprocess.run(["dvc", "exp", "show", "--json"], capture_output=True, text=True, check=True).stdout
data = json.loads(text)[0]["data"]["params"]["params.yaml"]["data"]
seen = {"epochs": 200.0, "seed": 12345678901234568.0, "spectral_norm": "False", "resume": "None",
        "tag": 7.0, "run": 100000.0, "layers": "[128, 256]"}
bad = []
for name, want in seen.items():
    print(f"{name:14} params.yaml {right[name]!r:20} exp_show {row[name]!r}")
    if row[name] != want or type(row[name]) is not type(want): bad.append(name)
    assert data[name] == right[name] and type(data[name]) is type(right[name]), f"--json {name}"
print(f"{'fid':14} {row['fid']!r}; Created {row['Created']!r}")
assert row["fid"] == 12.5, "control"
try:
    datetime.datetime.fromisoformat(row["Created"])  # what --csv and --json give
    bad.append("Created")
except ValueError:
    pass
if int(row["seed"]) == right["seed"]: bad.append("seed")
if bad: raise SystemExit(f"CHANGED: {bad}")
P
echo "dvc $(dvc --version)"
python "$work/show.py"
