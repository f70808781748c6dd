#!/usr/bin/env bash
# screenshots.sh [--check]: draws every screenshot of the README and the articles from the program as it is.
#
# Each session in this folder is replayed; its last frame is the picture that carries its name. With --check nothing is
# written: the text of each frame is compared with the one kept beside its session. Times that were measured are left out.
# Pictures of more than 100 KiB get fewer colours, by ImageMagick's convert.
# VOCOSCOPE names the program; without it, the one that `swift test -c release` built.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${VOCOSCOPE:-.build/release/vocoscope}
pictures=Sources/vocoscope/Documentation.docc/Resources
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Durations, and what follows from them (bars, an axis's ticks, the room beside them), differ from run to run and machine to
# machine; so does the last digit of a margin, the difference of two distances that are almost the same, with the vectors' width.
without_times() { sed -E 's/[0-9][0-9.,]* ?(µs|ms|s|min|GFLOP\/s)\b//g; s/[▁▂▃▄▅▆▇█▉▊▋▌▍▎▏╵]+//g; s/log scale//g; s/(margin +[0-9.]+)[0-9]/\1/g; s/ +/ /g; s/ ?│ ?/│/g; s/OpenBLAS core [A-Za-z]+/OpenBLAS/'; }

mkdir -p "$pictures"
status=0
for session in assets/documentation/*.jsonl; do
  name=$(basename "$session" .jsonl)
  if [ "${1:-}" = --check ]; then
    "$program" --replay "$session" --screen "$work/$name.txt"
    if ! diff <(without_times <"assets/documentation/$name.txt") <(without_times <"$work/$name.txt"); then
      echo "$name is not as documented: run assets/documentation/screenshots.sh and look at what it drew" >&2
      status=1
    fi
  else
    "$program" --replay "$session" --screen "$pictures/$name.png" --screen "assets/documentation/$name.txt"
    for colours in 200 96 48; do
      [ "$(stat -c %s "$pictures/$name.png")" -gt 102400 ] || break
      convert "$pictures/$name.png" +dither -colors $colours "PNG8:$pictures/$name.png"
    done
    bytes=$(stat -c %s "$pictures/$name.png")
    [ "$bytes" -le 102400 ] || { echo "$pictures/$name.png has $bytes bytes, more than 100 KiB" >&2; status=1; }
  fi
done
exit $status
