#!/usr/bin/env bash
# Of some thousand rows `dvc plots` draws a smoothed curve, though its slider stands at the lowest place.
#
# Guess: the slider "smooth" under a plot begins at 0.001, its lowest value, which is no smoothing. The strong
# line is the data until somebody moves the slider.
#
# Seen: the value is a share of all rows. The strong line is a local regression (LOESS) over 0.1 % of the rows:
# one row at 1,000, ten at 10,000. One step at 10 between steps at 1 keeps its full height
# up to 3,000 rows; it is drawn at 43 % of it at 5,000 rows, at 17 % at 10,000, at 4 % at 40,000.
# The data are the pale line behind, at a fifth of the opacity.
#
# Why it matters: a loss that explodes for one step of a GAN's training shows in a run of 3,000 steps
# and is nearly gone in the same run continued to 40,000. Two runs of other length are smoothed by other amounts.
# Instead: `template: simple` in dvc.yaml, which has no smoothing (checked below), for files with a row a step;
# or a template of one's own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q dvc==3.67.1 vl-convert-python==1.9.0.post1 2>/dev/null
export PATH="$work/venv/bin:$PATH" DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR="$work/site" HOME="$work"
fail() { echo "CHANGED: $*" >&2; exit 1; }
mkdir "$work/repo" && cd "$work/repo"
git init -q && dvc init -q && dvc config core.check_update false
cat > "$work/make.py" <<'P'
import sys
rows = int(sys.argv[1])
with open(f"{rows}.csv", "w") as file:
    print("step,loss", file=file)
    for step in range(rows):
        print(step, 10 if step == rows // 2 else 1, sep=",", file=file)
P
cat > "$work/draw.py" <<'P'
"""Draw a plot as the browser would; print the spike's height in each line, as a share of its height in the data."""
import json, re, sys
import vl_convert
name, version = sys.argv[1:]
svg = vl_convert.vegalite_to_svg(json.load(open(name)), vl_version=version)
lines = {}
for tag in re.findall(r"<path [^>]*>", svg):
    heights = [float(y) for y in re.findall(r"[ML]-?[\d.e-]+,(-?[\d.e-]+)", tag)]
    if len(heights) >= 1000:  # the others are axes
        lines["data, pale" if 'opacity="0.2"' in tag else "strong line"] = heights
data = lines.get("data, pale", lines["strong line"])
low, full = max(data), max(data) - min(data)
print(*(f"{kind} {(low - min(heights)) / full:.2f}" for kind, heights in lines.items()), sep="; ")
P
echo "dvc $(dvc --version), vl-convert-python 1.9.0.post1"
for rows in 3000 5000 10000 40000; do
    python "$work/make.py" $rows
    dvc plots show --show-vega $rows.csv > $rows.json
    grep -o '"name": "smooth", "value": 0.001, "bind": {"input": "range", "min": 0.001,' $rows.json > /dev/null ||
        fail "the slider does not begin at its lowest place"
done
check() {  # plot, what must be drawn, versions of Vega-Lite
    local version got
    for version in "${@:3}"; do
        got=$(python "$work/draw.py" "$1" $version)
        echo "   $1, Vega-Lite $version: $got"
        [ "$got" = "$2" ] || fail "$1 is not drawn as '$2'"
    done
}
echo "-- height of the spike, 1 is right"
check 3000.json "strong line 1.00; data, pale 1.00" 5.8 6.4  # control
check 5000.json "strong line 0.43; data, pale 1.00" 5.8 6.4
check 10000.json "strong line 0.17; data, pale 1.00" 6.4
check 40000.json "strong line 0.04; data, pale 1.00" 6.4
dvc plots show --show-vega --template simple 40000.csv > simple.json
check simple.json "strong line 1.00" 6.4  # the way round it
