#!/bin/sh
# Shares one run among processes, or among machines over ssh, with GNU parallel, and merges the parts.
#
#   assets/cluster/parallel.sh PARTS OUT verify pictures/ --model DIR --prompt "what is in the picture?"
#   PARALLEL="--sshlogin node1,node2 --workdir ." assets/cluster/parallel.sh 8 results eval questions.jsonl --images DIR
#
# OUT is a directory, on a file system that all machines see: part-1.jsonl … are the parts, merged.txt is what merging
# makes of them. Where eval asks several models (--model, --cut, --swap, --lower and --upper), these are part-1-MODEL.jsonl
# and merged-MODEL.txt, for each model its own. parallel reads its own options from PARALLEL; by default one process runs
# at a time, since one already uses every processor: PARALLEL="--jobs 4" with --threads 2 suits a machine of eight.
# VOCOSCOPE names the program.
#
# Parts that stopped go on from their last whole line: start the same command again and only what is missing is done.
# verify goes over the pictures twice, since its parts lend each other pictures: OUT/prepared is what the first leaves.
set -eu

[ $# -ge 3 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
parts=$1 out=$2 command=$3
shift 3
program=${VOCOSCOPE:-vocoscope}
case $command in verify | eval) ;; *) echo "parallel.sh: '$command' has no parts; expected verify or eval" >&2; exit 2 ;; esac
command -v parallel >/dev/null || { echo "parallel.sh: GNU parallel is not installed" >&2; exit 2; }
mkdir -p "$out"
case " ${PARALLEL:-} " in *--jobs* | *-j* | *--sshlogin* | *-S*) jobs= ;; *) jobs=--jobs=1 ;; esac

# --quote keeps every argument as it is for the shell that parallel starts.
# shellcheck disable=SC2086 # no option at all where the user chose
each() { seq "$parts" | parallel $jobs --quote --halt soon,fail=1 "$program" "$command" "$@" --shard "{}/$parts"; }
if [ "$command" = verify ]; then
  each "$@" --prepare "$out/prepared" >"$out/prepared.log"
  set -- "$@" --prepared "$out/prepared"
fi
each "$@" --out "$out/part-{}.jsonl" >"$out/parts.log"

"$here/merge.sh" "$parts" "$out" "$program" "$command"
