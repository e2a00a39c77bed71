#!/usr/bin/env bash
# An empty cell in a CSV is drawn by `dvc plots` as the value 0; the word nan is a gap.
#
# Guess: an empty cell means "not measured here" and makes a gap in the line, as null in a JSON file does.
#
# Seen: DVC hands every CSV cell to Vega-Lite as a string inside the page, past Vega's CSV reader; Vega
# turns "" into 0 when it draws, in Vega-Lite 5.8 and 6.4 alike. The line falls to zero and comes back.
# "nan" breaks the line, and so does null in JSON.
#
# Why it matters: history.csv with an FID every fifth epoch has empty cells in between. The plot shows
# a model that is perfect (FID 0) in four epochs of five, and the real curve is pressed flat.
# Instead: write nan, not nothing, where a column has no value; or a file of its own for metrics that
# are measured more seldom; or JSON with null.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 vl-convert-python==1.9.0.post1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
printf 'epoch,fid\n1,50\n2,45\n3,%s\n4,44\n5,40\n' ''  > empty.csv
printf 'epoch,fid\n1,50\n2,45\n3,%s\n4,44\n5,40\n' nan > nan.csv
cat > "$work/make.py" <<'P'
import json
rows = [{"epoch": e, "fid": f} for e, f in enumerate([50, 45, None, 44, 40], 1)]
json.dump(rows, open("null.json", "w"))
P
python "$work/make.py"
cat > dvc.yaml <<'Y'
plots:
  - empty.csv: {x: epoch, y: fid}
  - nan.csv: {x: epoch, y: fid}
  - null.json: {x: epoch, y: fid}
Y
git add -A && git commit -qm plots
cat > "$work/draw.py" <<'P'
"""Draw the plot as the browser would and tell where each epoch's point lies (0 top, 300 bottom of the axes)."""
import json, re, sys
import vl_convert
name, version = sys.argv[1:]
svg = vl_convert.vegalite_to_svg(json.load(open(name + ".vl.json")), vl_version=version)
lines = [p for p in re.findall(r' d="(M[^"]*)"', svg) if re.fullmatch(r"(?:[ML][\d.]+,[\d.]+)+", p)]
lines = [p for p in lines if p.startswith("M0,") and ("L300," in p)]  # from the first epoch to the last
points = {round(float(x)): float(y) for x, y in re.findall(r"[ML]([\d.]+),([\d.]+)", lines[-1])}
print(f"{name:10} Vega-Lite {version}: {lines[-1].count('M')} piece(s), height at epoch 1 to 5:",
      *(points.get(x, "none") for x in (0, 75, 150, 225, 300)))
P
echo "dvc $(dvc --version), vl-convert-python 1.9.0.post1"
for name in empty.csv nan.csv null.json; do dvc plots show --show-vega "$name" > "$name.vl.json"; done
grep -o '"epoch": "3", "fid": ""' empty.csv.vl.json
for version in 5.8 6.4; do
    for name in nan.csv null.json; do  # controls
        got=$(python "$work/draw.py" "$name" "$version"); echo "$got"
        [[ $got == *"2 piece(s)"*" 0.0 150.0 none 180.0 300.0" ]] || fail "$name is drawn without a gap"
    done
    got=$(python "$work/draw.py" empty.csv "$version"); echo "$got"
    [[ $got == *"1 piece(s)"*" 0.0 30.0 300.0 36.0 60.0" ]] || fail "an empty cell is not drawn at 0"
done
