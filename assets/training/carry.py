"""Takes over the parts of a finished checkpoint, instead of training them again: `python carry.py assets/models/htc-demo --work DIR`.

Writes DIR/tokenizer.model and DIR/mgvq/last.pt; `train.py --carry DIR` starts from its decoder and patch projector, with `--carry-anchors`
from its anchor projector too.
"""

import argparse
import os
import shutil

import torch
from safetensors.torch import load_file

from features import default_work


def weights(folder):
    """The checkpoint's tensors in float32."""
    return {k: v.float() for k, v in load_file(os.path.join(folder, "model.safetensors")).items()}


def decoder(folder, inputs, others=()):
    """The decoder and the patch projector under `decoder.Decoder`'s names; the projector unfolds the features' standardisation again.

    With `others`, [(folder, share)] of its ancestors or descendants, the average of all weights (arXiv 2203.05482); it has the rest of the shares itself.
    """
    if others:
        states = [(decoder(folder, inputs), 1 - sum(share for _, share in others))] + [(decoder(other, inputs), share) for other, share in others]
        return {k: sum(share * state[k] for state, share in states) for k in states[0][0]}
    parts = ("model.embed_tokens.", "model.layers.", "model.norm.", "model.mm_projector.", "lm_head.")
    state = {k.removeprefix("model."): v for k, v in weights(folder).items() if k.startswith(parts)}
    mean, std = inputs.statistics["mean"], inputs.statistics["std"]
    state["mm_projector.0.bias"] = state["mm_projector.0.bias"] + state["mm_projector.0.weight"] @ mean
    state["mm_projector.0.weight"] = state["mm_projector.0.weight"] * std
    return state


def anchor_projector(folder, centre, norm):
    """The anchor projector under `decoder.AnchorProjector`'s names, the codes' centre and norm unfolded again."""
    name = "model.anchor_projector."
    state = {k.removeprefix(name): v for k, v in weights(folder).items() if k.startswith(name)}
    state["fc1.bias"] = state["fc1.bias"] + state["fc1.weight"] @ centre
    state["fc1.weight"] = state["fc1.weight"] * norm
    return state | {"centre": centre, "norm": norm}


def main():
    """Tokenizer and MGVQ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("--work", default=default_work())
    options = parser.parse_args()
    os.makedirs(os.path.join(options.work, "mgvq"), exist_ok=True)
    shutil.copy(os.path.join(options.checkpoint, "tokenizer.model"), os.path.join(options.work, "tokenizer.model"))
    found = weights(options.checkpoint)
    state = {k.removeprefix("model.mgvq."): v for k, v in found.items() if k.startswith("model.mgvq.")}
    state |= {k.replace("running_mean", "num_batches_tracked"): torch.tensor(0) for k in state if k.endswith("running_mean")}
    torch.save({"model": state}, os.path.join(options.work, "mgvq", "last.pt"))
    print(f"{len(state)} tensors of MGVQ")


if __name__ == "__main__":
    main()
