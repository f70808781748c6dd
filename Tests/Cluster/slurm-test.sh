#!/usr/bin/env bash
# Runs assets/cluster/slurm.sh and parallel.sh on a real one-node Slurm, kills the node in the middle, and compares the
# merged result with that of one process. Needs root and Debian's slurmctld, slurmd, slurm-client and parallel.
#
#   Tests/Cluster/slurm-test.sh [program]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
export VOCOSCOPE=${1:-$root/.build/release/vocoscope}
scratch=$(mktemp -d)
questions=$scratch/questions.jsonl
host=$(hostname -s)
failed=0

for tool in slurmctld slurmd sbatch parallel; do
  command -v $tool >/dev/null || { echo "needs $tool: apt-get install slurmctld slurmd slurm-client parallel" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "needs root, as slurmd does" >&2; exit 2; }

cat >"$scratch/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/none
CredType=cred/none
SlurmUser=root
SlurmctldPort=36817
SlurmdPort=36818
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,batch_sched_delay=1
SlurmdTimeout=8
ReturnToService=2
JobRequeue=1
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$scratch/slurm.conf
mkdir -p "$scratch/state" "$scratch/spool"

stop() {
  for daemon in slurmd slurmctld; do
    [ -f "$scratch/$daemon.pid" ] && kill -9 "$(cat "$scratch/$daemon.pid")" 2>/dev/null || true
  done
  pkill -9 -f "slurmstepd.*" 2>/dev/null || true
  rm -rf "$scratch"
}
trap stop EXIT

slurmctld
slurmd -N "$host"
wait_for() { # seconds, what, command
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || { echo "gave up waiting for $what" >&2; squeue >&2; tail -n 8 "$scratch"/slurm*.log "$scratch"/out/*.log >&2; exit 1; }
    sleep 0.3
  done
}
idle() { sinfo -h -o %T | grep -q idle; }
wait_for 30 "the node" idle

head -60 "$root/assets/evaluation/questions.jsonl" >"$questions"
images=$root/assets/evaluation
lines() { cat "$scratch/out"/part-*.jsonl 2>/dev/null | wc -l; }
some() { [ "$(lines)" -ge 12 ]; }
merged() { [ -s "$scratch/out/merged.txt" ]; }

echo "== one process"
"$VOCOSCOPE" eval "$questions" --images "$images" --out "$scratch/single.jsonl" >/dev/null
echo "== job array, node killed in the middle"
"$root/assets/cluster/slurm.sh" 4 "$scratch/out" eval "$questions" --images "$images" --threads 1
wait_for 120 "the first answers" some
echo "killed with $(lines) lines written"
# As when the power fails: nothing that could report the tasks' end outlives them.
kill -STOP $(pgrep slurmstepd) "$(cat "$scratch/slurmd.pid")"
kill -9 $(pgrep slurmstepd) "$(cat "$scratch/slurmd.pid")" $(pgrep -f "eval .*--out $scratch/out")
sleep 1
down() { sinfo -h -o %T | grep -q down; }
wait_for 60 "the controller to miss the node" down
slurmd -N "$host"
wait_for 240 "the merged result" merged

# Nothing lost, nothing twice: the same questions with the same answers, whatever their order.
answers() { grep -v vocoscope_results "$1" | sort; }
compare() {
  if diff <(answers "$scratch/single.jsonl") <(answers "$2") >/dev/null; then
    echo "$1: $(answers "$2" | wc -l) answers, the same as of one process"
  else
    echo "$1: answers differ from those of one process" >&2
    diff <(answers "$scratch/single.jsonl") <(answers "$2") | head -5 >&2
    failed=1
  fi
}
compare slurm "$scratch/out/merged.jsonl"
grep -q "" "$scratch"/out/part-*.log && grep -h -i requeue "$scratch/slurmctld.log" | tail -3 | sed 's/^/  /'

echo "== GNU parallel"
PARALLEL="--jobs 2" "$root/assets/cluster/parallel.sh" 3 "$scratch/parallel" eval "$questions" --images "$images" --threads 1 \
  >/dev/null
compare parallel "$scratch/parallel/merged.jsonl"
echo "== GNU parallel, asked again under a cut"
PARALLEL="--jobs 2" "$root/assets/cluster/parallel.sh" 2 "$scratch/cut" eval "$questions" --images "$images" --threads 1 \
  --cut anchors >/dev/null
compare "parallel, beside the cut" "$scratch/cut/merged-htc-demo.jsonl"
[ "$(answers "$scratch/cut/merged-htc-demo--cut-anchors-.jsonl" | wc -l)" = 60 ] || { echo "the cut's answers are not merged" >&2; failed=1; }

# The same of a verdict, whose parts lend each other pictures.
judged() { # name, verdict
  if diff "$scratch/verdict.txt" "$2" >/dev/null; then
    echo "$1: $(wc -l <"$2") lines of verdict, the same as of one process"
  else
    echo "$1: the verdict differs from that of one process" >&2
    diff "$scratch/verdict.txt" "$2" | head -5 >&2
    failed=1
  fi
}
pictures=$root/assets/images
echo "== verdict, one process"
"$VOCOSCOPE" verify "$pictures" --no-random-models >"$scratch/verdict.txt"
echo "== verdict, two job arrays"
"$root/assets/cluster/slurm.sh" 2 "$scratch/out-verify" verify "$pictures" --no-random-models
of_verdict() { [ -s "$scratch/out-verify/merged.txt" ]; }
wait_for 400 "the merged verdict" of_verdict
judged slurm "$scratch/out-verify/merged.txt"
echo "== verdict, GNU parallel"
"$root/assets/cluster/parallel.sh" 2 "$scratch/parallel-verify" verify "$pictures" --no-random-models >/dev/null
judged parallel "$scratch/parallel-verify/merged.txt"
exit $failed
