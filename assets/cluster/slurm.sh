#!/bin/sh
# Shares one run among the tasks of a Slurm job array, and merges the parts when all are done.
#
#   assets/cluster/slurm.sh PARTS OUT verify pictures/ --model DIR --prompt "what is in the picture?"
#   assets/cluster/slurm.sh 32 results eval questions.jsonl --images DIR --model DIR
#
# PARTS tasks are started; OUT is a directory on a file system that all nodes see: part-1.jsonl … are the parts,
# merged.txt is what `vocoscope verify merge` or `vocoscope eval merge` makes of them. Where eval asks several models
# (--model, --cut, --swap, --lower and --upper), these are part-1-MODEL.jsonl and merged-MODEL.txt, for each model its own.
# sbatch reads what a site wants from SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT and its like. VOCOSCOPE names the
# program.
#
# verify is two arrays, the second after all of the first, since its parts lend each other pictures: OUT/prepared is what
# the first leaves. A task that is requeued, after a node failed or by preemption, goes on from its part's last whole
# line, so nothing is computed or counted twice. Starting the same command again does only what is missing.
set -eu

[ $# -ge 3 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
parts=$1 out=$2 command=$3
shift 3
program=${VOCOSCOPE:-vocoscope}
case $command in verify | eval) ;; *) echo "slurm.sh: '$command' has no parts; expected verify or eval" >&2; exit 2 ;; esac
command -v "$program" >/dev/null || { echo "slurm.sh: no program '$program'; set VOCOSCOPE" >&2; exit 2; }
mkdir -p "$out"

# The arguments as they are, quoted for a shell that reads them again.
quoted() { for word; do printf " '%s'" "$(printf %s "$word" | sed "s/'/'\\\\''/g")"; done; }
run="$(quoted "$program" "$command" "$@")"

# array NAME DEPENDENCY OPTIONS: one task a part, after the job that DEPENDENCY names; prints the array's number.
array() {
  id=$(
    sbatch --parsable --job-name="vocoscope-$command-$1" --array="1-$parts" --requeue --open-mode=append \
      ${2:+"--dependency=afterok:$2"} --kill-on-invalid-dep=yes --output="$out/$1-%a.log" <<SCRIPT
#!/bin/sh
exec$run $3 --shard "\$SLURM_ARRAY_TASK_ID/$parts"
SCRIPT
  )
  echo "${id%%;*}"
}

first= lent=
if [ "$command" = verify ]; then
  first=$(array prepare "" "--prepare$(quoted "$out/prepared")")
  lent="--prepared$(quoted "$out/prepared") "
fi
array=$(array part "$first" "$lent--out$(quoted "$out")/part-\$SLURM_ARRAY_TASK_ID.jsonl")

merge=$(
  sbatch --parsable --job-name="vocoscope-merge" --dependency="afterok:$array" --kill-on-invalid-dep=yes --requeue \
    --output="$out/merge.log" "$here/merge.sh" "$parts" "$out" "$program" "$command"
)
echo "job array $first${first:+ and }$array, merged by ${merge%%;*} in $out"
