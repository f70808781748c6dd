"""Asserts what `assets/python/vocoscope_notebook.py` makes of the traces beside this file and of a small report."""

import json
import os
import sys
import tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../../assets/python"))
from vocoscope_notebook import attention_rows, load  # noqa: E402

# A grid of 3 × 4 patches in squares of 2: the lower ones are cut.
qwen = attention_rows(load(os.path.join(HERE, "qwen2-vl.safetensors")), block=2)
assert [key for key in qwen.keys if key.startswith("r")] == ["r0c0", "r0c2", "r2c0", "r2c2"], qwen.keys
assert numpy.allclose(qwen.weights.sum(-1), 1, atol=1e-5) and len(qwen.rows) == 1

htc = load(os.path.join(HERE, "htc.safetensors"))
rows = attention_rows(htc, block=1)
assert len(rows.rows) == 2 and len(set(rows.keys)) == len(rows.keys) == htc["attention.voco"].shape[-1]
assert numpy.array_equal(rows.weights[:, :, 0], htc["attention.voco"])
square = rows.circuitsvis(layer=0)["attention"]
assert numpy.count_nonzero(square.sum(-1)) == 2 * square.shape[0]

with tempfile.TemporaryDirectory() as scratch:
    path = os.path.join(scratch, "report.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"table": [[1, 2], [3, 4]], "ragged": [[1], [2, 3]], "words": ["a"], "flags": [True]}, file)
    report = load(path)
    assert report["table"].shape == (2, 2) and isinstance(report["ragged"], list) and report["flags"] == [True]
    with open(path, "wb") as file:
        file.write(b"\xff\xfe nothing")
    try:
        load(path)
    except ValueError as error:
        assert path in str(error)
    else:
        raise AssertionError("bytes that are no report were read")
