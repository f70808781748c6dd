"""Reads what vocoscope writes, and hands it to BertViz and CircuitsVis. Needs NumPy, and safetensors for traces.

    run = load("run.safetensors")        # vocoscope trace: arrays by name, `.metadata`
    evidence = load("verify.json")       # vocoscope verify --format json: nested, tables of numbers as arrays
    book = load("codebook.json")         # vocoscope codebook --format json: the same

    rows = attention_rows(run)
    head_view(**rows.bertviz())                       # from bertviz import head_view
    attention_patterns(**rows.circuitsvis(layer=0))   # from circuitsvis.attention import attention_patterns
"""

import dataclasses
import json

import numpy

STRUCTURES = ("model", "spans", "pieces")


class Trace(dict):
    """A trace's arrays by their names; `metadata` holds the strings beside them, structures decoded from JSON."""

    metadata = {}


def load(path):
    """A trace (`.safetensors`) or a report (JSON) of vocoscope; raises ValueError where the file is neither."""
    with open(path, "rb") as file:
        start = file.read(9)
    if start[8:9] == b"{":
        return _trace(path)
    try:
        with open(path, encoding="utf-8") as file:
            return _arrays(json.load(file))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: neither a trace nor a JSON report: {error}") from None


def _trace(path):
    from safetensors import safe_open

    trace = Trace()
    with safe_open(path, "numpy") as file:
        strings = file.metadata() or {}
        if strings.get("format") != "vocoscope-trace":
            raise ValueError(f"{path}: __metadata__.format is {strings.get('format')!r}, expected 'vocoscope-trace'")
        for name in file.keys():
            trace[name] = file.get_tensor(name)
    trace.metadata = {k: json.loads(v) if k in STRUCTURES else v for k, v in strings.items()}
    return trace


def _arrays(value):
    """Lists of numbers, and rectangular lists of such lists, become arrays; all else stays as it is."""
    if isinstance(value, dict):
        return {key: _arrays(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    items = [_arrays(item) for item in value]
    if items and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in items):
        return numpy.array(items)
    if items and all(isinstance(x, numpy.ndarray) and x.shape == items[0].shape for x in items):
        return numpy.stack(items)
    return items


@dataclasses.dataclass(frozen=True)
class AttentionRows:
    """The recorded rows of a run's attention: `weights` [L, H, rows, keys], with a name for each row and key.

    Patches are summed over squares of the grid, so that a row still sums to one.
    """

    weights: numpy.ndarray
    rows: list
    keys: list

    def bertviz(self):
        """Arguments of BertViz's `head_view`: the rows attend to the keys, as a decoder does to an encoder."""
        import torch

        layers = [torch.from_numpy(layer)[None] for layer in self.weights]
        return {"cross_attention": layers, "encoder_tokens": self.keys, "decoder_tokens": self.rows}

    def circuitsvis(self, layer):
        """Arguments of CircuitsVis' `attention_patterns` for a layer. It takes square patterns: rows not recorded are zero."""
        square = numpy.zeros((self.weights.shape[1], len(self.keys), len(self.keys)), numpy.float32)
        for index, name in enumerate(self.rows):
            square[:, self.keys.index(name)] = self.weights[layer, :, index]
        return {"tokens": self.keys, "attention": square}


def attention_rows(trace, block=4):
    """The rows of voco and of the last prompt token, patches summed over squares of `block` × `block`."""
    spans, pieces = trace.metadata["spans"], trace.metadata["pieces"]
    names, groups = [], []
    for span in spans:
        positions = range(span["start"], span["start"] + span["count"])
        if span["kind"] == "patches":
            for name, members in _squares(positions, _grid(trace), block):
                names.append(name)
                groups.append(members)
        else:
            for position in positions:
                names.append(pieces[position])
                groups.append([position])
    keys = _distinct(names)
    where = {members[0]: key for members, key in zip(groups, keys) if len(members) == 1}
    vocos = [span for span in spans if span["kind"] == "voco"]
    recorded = {} if not vocos else {"attention.voco": vocos[-1]["start"] + vocos[-1]["count"] - 1}
    recorded["attention.last"] = len(pieces) - 1
    # Summing matrix [keys, S].
    sums = numpy.zeros((len(groups), len(pieces)), numpy.float32)
    for key, members in enumerate(groups):
        sums[key, members] = 1
    weights = numpy.stack([trace[name] @ sums.T for name in recorded], axis=2)
    return AttentionRows(weights.astype(numpy.float32), [where[row] for row in recorded.values()], keys)


def _grid(trace):
    """Rows and columns of the patches."""
    grid = trace.metadata["model"]["patch_grid"]
    return tuple(grid) if isinstance(grid, list) else (grid, grid)


def _squares(positions, grid, block):
    """(name, positions) of each square of `block` × `block` patches, row by row."""
    rows, columns = grid
    for top in range(0, rows, block):
        for left in range(0, columns, block):
            members = [positions[row * columns + column] for row in range(top, min(top + block, rows))
                       for column in range(left, min(left + block, columns))]
            yield f"r{top}c{left}", members


def _distinct(names):
    """The names, a count put behind those that stand twice."""
    seen, result = {}, []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}·{seen[name]}")
    return result
