"""Writes a run as a checkpoint directory: `python export.py --run htc-demo --out DIR [--base ../htc-demo] [--work DIR]`.

With `--base` only what differs from that checkpoint is written: decoder and projectors; `base_model_name_or_path` names where the rest is.

Everything is stored in F16 except the codebook and the position embeddings (F32), whose rounding could change codes
or features for no gain in size. The standardisation of the features is folded into the projector's first layer.
"""

import argparse
import json
import os
import shutil

import torch
from safetensors.torch import save_file

import codes
import mgvq
import vision
from data import Inputs
from decoder import UNCOMPRESSED, VARIANTS
from evaluate import load
from features import LAYERS, default_work
from questions import TEMPLATE

# Half precision ends at 65,504, below what a variance of the decoder reaches.
KEEP = ("model.mgvq.quantize.embedding.weight", "position_embedding.weight", ".running_mean", ".running_var")


def tensors(work, model, inputs, variant, whole=True):
    """All tensors by the checkpoint's names, or without tower and quantizer."""
    state = {"lm_head.weight" if k.startswith("lm_head") else "model." + k: v for k, v in model.state_dict().items()
             if not (model.shape.tied and k.startswith("lm_head")) and not k.startswith("anchor_projector")}
    if variant.anchors:
        state |= {"model.anchor_projector." + k: v for k, v in model.anchor_projector.folded().items()}
    mean, std = inputs.statistics["mean"], inputs.statistics["std"]
    weight = state["model.mm_projector.0.weight"] / std
    state["model.mm_projector.0.bias"] = state["model.mm_projector.0.bias"] - weight @ mean
    state["model.mm_projector.0.weight"] = weight
    if whole:
        state |= {"model.vision_tower.vision_tower." + k: v for k, v in vision.fold(LAYERS).items()}
        quantiser = codes.load(work).state_dict()
        state |= {"model.mgvq." + k: v for k, v in quantiser.items() if "num_batches_tracked" not in k}
    return {k: (v if k.endswith(KEEP) else v.half()).contiguous().clone() for k, v in state.items()}


def config(model, variant, sources, base=None):
    """config.json: Llama's keys, LLaVA's, HTC's; a model without anchors has no quantizer."""
    shape = model.shape
    visual = ["anchors"] * variant.anchors + ["patches"] * variant.patches
    segments = ["bos"] + (visual[::-1] if variant.order == "last" else visual) + ["voco", "text"]
    quantiser = {"mgvq_config": mgvq.demo_config()} if variant.anchors else {}
    named = {"base_model_name_or_path": base} if base else {}
    return named | {"model_type": "htc_vlm", "architectures": ["HTCVLMForCausalLM"], "hidden_size": shape.width, "intermediate_size": shape.mlp,
            "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.heads,
            "head_dim": shape.width // shape.heads, "rms_norm_eps": shape.eps, "rope_theta": shape.theta, "max_position_embeddings": 1024,
            "hidden_act": "silu", "tie_word_embeddings": shape.tied, "bos_token_id": 1, "eos_token_id": 2, "vocab_size": shape.vocab,
            "mm_hidden_size": vision.WIDTH, "mm_projector_type": "mlp2x_gelu", "mm_vision_select_layer": -1, "mm_vision_select_feature": "patch",
            "image_aspect_ratio": "pad", "voco_token_id": shape.vocab - 1, "num_voco_tokens": 1, "num_anchor_tokens": shape.anchors * variant.anchors,
            "anchor_projector_hidden_size": shape.anchor_hidden, "anchor_flatten": "chw", "visual_mask": variant.mask, "sequence": segments,
            "trained_sources": sources, "prompt_template": TEMPLATE, "vision_config": vision.config(LAYERS)} | quantiser


def main():
    """Writes config.json and model.safetensors, and where nothing is taken from another checkpoint tokenizer.model and preprocessor_config.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="htc-demo")
    parser.add_argument("--out", required=True)
    parser.add_argument("--sources", nargs="+", help="trained_sources, where a run's few steps have not taught it all that they tried")
    parser.add_argument("--base", help="the checkpoint with tower, quantizer and tokenizer, seen from --out")
    parser.add_argument("--work", default=default_work())
    options = parser.parse_args()
    model, state = load(os.path.join(options.work, "runs", options.run))
    inputs, variant = Inputs(options.work), VARIANTS[state["variant"]]
    assert variant.source == "codes", "anchors that are made of patches are no checkpoint of this format"
    uncompressed = state["variant"] in UNCOMPRESSED and state["options"]["uncompressed"] > 0
    sources = options.sources or (["full"] if variant.text == "all" else ["voco"] + ["full"] * uncompressed)
    os.makedirs(options.out, exist_ok=True)
    save_file(tensors(options.work, model, inputs, variant, not options.base), os.path.join(options.out, "model.safetensors"), {"format": "pt", "run": options.run, "step": str(state["step"])})
    with open(os.path.join(options.out, "config.json"), "w") as out:
        out.write(json.dumps(config(model, variant, sources, options.base), indent=1) + "\n")
    print(f"{options.out}: step {state['step']}, {os.path.getsize(os.path.join(options.out, 'model.safetensors')) / 2**20:.1f} MiB")
    if options.base:
        return
    processor = {"image_processor_type": "CLIPImageProcessor", "do_center_crop": True, "crop_size": 336, "size": 336, "resample": 3,
                 "do_normalize": True, "image_mean": list(vision.MEAN), "image_std": list(vision.STD)}
    with open(os.path.join(options.out, "preprocessor_config.json"), "w") as out:
        out.write(json.dumps(processor, indent=1) + "\n")
    shutil.copy(os.path.join(options.work, "tokenizer.model"), os.path.join(options.out, "tokenizer.model"))


if __name__ == "__main__":
    main()
