#!/bin/sh
# Merges the parts that parallel.sh or slurm.sh had made, and prints what merging makes of them.
#
#   assets/cluster/merge.sh PARTS OUT PROGRAM verify|eval
#
# OUT/part-1.jsonl … become OUT/merged.txt, and those of eval OUT/merged.jsonl as well. Where eval asks several models,
# each part has a file for each, part-1-MODEL.jsonl; each model's are merged apart, into merged-MODEL.txt and .jsonl.
set -eu

[ $# -eq 4 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
parts=$1 out=$2 program=$3 command=$4

# merge SUFFIX: the parts of one model, whose names end with SUFFIX.
merge() {
  suffix=$1 merged=$out/merged$1 part=1
  set --
  while [ "$part" -le "$parts" ]; do
    set -- "$@" "$out/part-$part$suffix.jsonl"
    part=$((part + 1))
  done
  if [ "$command" = eval ]; then
    rm -f "$merged.jsonl"
    set -- "$@" --out "$merged.jsonl"
  fi
  "$program" "$command" merge "$@" >"$merged.txt.partial"
  mv "$merged.txt.partial" "$merged.txt"
  cat "$merged.txt"
}

several=
if [ "$command" = eval ]; then
  for first in "$out"/part-1-*.jsonl; do
    [ -e "$first" ] || continue
    several=yes suffix=${first#"$out/part-1"}
    merge "${suffix%.jsonl}"
  done
fi
if [ -z "$several" ] || [ -e "$out/part-1.jsonl" ]; then merge ""; fi
