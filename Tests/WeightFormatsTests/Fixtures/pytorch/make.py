"""Writes these fixtures with torch and transformers themselves: `python make.py` (made with torch 2.13 and transformers 5.23).

state.pt has every layout and type that a state dict may have and expected.safetensors what must be read from it;
nested.pt keeps state dicts the way training scripts do; the files in `refused` must not be read; `llm`, `vision` and
`mgvq.pt` are a tiny LLaVA directory, CLIP directory and MGVQ state dict that fit together, `whole` is the checkpoint
directory that they make with the anchor projector in `llm`, and `no-anchors` is `llm` without it.
"""

import collections
import io
import json
import os
import pickle
import shutil
import sys
import zipfile

import torch
from safetensors.torch import save_file
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.abspath(os.path.join(here, "../../../.."))
sys.path.insert(0, os.path.join(root, "assets/training"))
from mgvq import MGVQ  # noqa: E402

torch.manual_seed(20)


def path(name):
    """A path below this folder, whose folder exists."""
    full = os.path.join(here, name)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    return full


def layouts():
    """One state dict of many layouts and types."""
    base = torch.randn(4, 6)
    state = collections.OrderedDict()
    state["f32"] = base
    state["f16"] = torch.randn(3, 5).half()
    state["bf16"] = torch.randn(2, 3, 4).bfloat16()
    state["parameter"] = torch.nn.Parameter(torch.randn(5))
    state["view"] = base[1:3]
    state["transposed"] = base.t()
    state["transposed.half"] = torch.randn(3, 2).half().t()
    state["every.second"] = base[:, ::2]
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    state["steps"] = torch.tensor(7)
    state["indices"] = torch.arange(6, dtype=torch.int32)
    state["mask"] = torch.tensor([True, False])
    state["bytes"] = torch.arange(5, dtype=torch.uint8)
    state["double"] = torch.randn(2, dtype=torch.float64)
    return state


def plain():
    """state.pt, expected.safetensors and the module's own state dict with its _metadata."""
    state = layouts()
    torch.save(state, path("state.pt"))
    save_file({k: v.detach().clone().contiguous() for k, v in state.items()}, path("expected.safetensors"))
    torch.save(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict(), path("module.pt"))
    other, wrapped = {"a": torch.ones(2)}, {"module.a": torch.ones(2), "module.b": torch.zeros(1)}
    torch.save({"epoch": 3, "model": other, "ema": {"a": torch.full((2,), 2.0)}, "losses": [0.5, 1e3, -1], "note": None}, path("nested.pt"))
    torch.save({"state_dict": wrapped, "best": True}, path("wrapped.pt"))


class Command:
    """A pickle that would run a command."""

    def __reduce__(self):
        return os.system, ("echo this must never run > /tmp/vocoscope-pickle-ran",)


def archive(name, payload, compression=zipfile.ZIP_STORED):
    """A ZIP archive like torch's with another pickle."""
    with zipfile.ZipFile(path(name), "w", compression) as out:
        out.writestr("archive/data.pkl", payload)
        out.writestr("archive/version", "3\n")


def refused():
    """Files that must be refused."""
    archive("refused/command.pt", pickle.dumps({"a": Command()}, protocol=2))
    archive("refused/protocol4.pt", pickle.dumps({"a": 1}, protocol=4))
    archive("refused/list.pt", pickle.dumps([1, 2], protocol=2))
    archive("refused/no-tensor.pt", pickle.dumps({"a": 1}, protocol=2))
    archive("refused/compressed.pt", pickle.dumps({"a": 1}, protocol=2) * 9, zipfile.ZIP_DEFLATED)
    archive("refused/namespace.pt", pickle.dumps({"args": __import__("argparse").Namespace(a=1)}, protocol=2))
    torch.save({"a": torch.ones(3, 4).expand(2, 3, 4)}, path("refused/expanded.pt"))
    torch.save({"a": torch.ones(2, 3, dtype=torch.int64).t()}, path("refused/transposed-integers.pt"))
    torch.save({"a": torch.ones(2, dtype=torch.complex64)}, path("refused/complex.pt"))
    torch.save({"a": torch.ones(2)}, path("refused/legacy.pt"), _use_new_zipfile_serialization=False)
    with open(path("refused/not-a-zip.pt"), "wb") as out:
        out.write(b"PK" + bytes(200))
    with zipfile.ZipFile(path("refused/other.zip"), "w") as out:
        out.writestr("readme.txt", "nothing")


def halved(state):
    """A copy in half precision, without views."""
    return collections.OrderedDict((k, v.detach().half().clone() if v.is_floating_point() else v.clone()) for k, v in state.items())


MGVQ_CONFIG = {"latent_channels": 8, "codebook_size": 16, "codebook_groups": 2, "image_size": 28,
               "encoder_width_list": [8, 8, 8], "encoder_depth_list": [0, 1, 1], "encoder_block_type": ["ResBlock"] * 3,
               "decoder_width_list": [8, 8, 8], "decoder_depth_list": [0, 1, 1], "decoder_block_type": ["ResBlock"] * 3,
               "decoder_norm": ["bn2d", "bn2d", "trms2d"], "decoder_act": ["relu", "relu", "silu"]}


def parts():
    """A LLaVA directory in .bin shards, a CLIP directory, an MGVQ state dict, and the checkpoint they make."""
    tokenizer = os.path.join(root, "Tests/HTCVLMTests/Fixtures/parity/star-png/tokenizer.model")
    llama = LlamaForCausalLM(LlamaConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                                         vocab_size=421, max_position_embeddings=256, bos_token_id=1, eos_token_id=2, pad_token_id=None))
    llama.save_pretrained(path("llm/"), save_original_format=True)
    os.remove(path("llm/model.safetensors"))
    if os.path.exists(path("llm/generation_config.json")):
        os.remove(path("llm/generation_config.json"))
    config = json.load(open(path("llm/config.json")))
    config |= {"model_type": "llava_llama", "architectures": ["LlavaLlamaForCausalLM"], "mm_hidden_size": 16, "mm_projector_type": "mlp2x_gelu", "mm_vision_select_layer": -2,
               "mm_vision_select_feature": "patch", "image_aspect_ratio": "pad", "mm_vision_tower": "openai/clip-vit-large-patch14-336"}
    with open(path("llm/config.json"), "w") as out:
        out.write(json.dumps(config, indent=1) + "\n")
    shutil.copy(tokenizer, path("llm/tokenizer.model"))
    with open(path("llm/added_tokens.json"), "w") as out:
        out.write('{"<voco>": 420}\n')
    state = halved(llama.state_dict())
    vectors = {"model.mm_projector.0": (16, 16), "model.mm_projector.2": (16, 16), "model.anchor_projector.fc1": (6, 8 * 49), "model.anchor_projector.fc2": (4 * 16, 6)}
    for name, shape in vectors.items():
        state[f"{name}.weight"], state[f"{name}.bias"] = (torch.randn(shape) * 0.2).half(), (torch.randn(shape[0]) * 0.1).half()
    shards = [{}, {}]
    for index, (key, value) in enumerate(state.items()):
        shards[index % 2][key] = value
    names = [f"pytorch_model-0000{i + 1}-of-00002.bin" for i in range(2)]
    for shard, name in zip(shards, names):
        torch.save(shard, path("llm/" + name))
    index = {"metadata": {"total_size": 0}, "weight_map": {k: names[i] for i, shard in enumerate(shards) for k in shard}}
    with open(path("llm/pytorch_model.bin.index.json"), "w") as out:
        out.write(json.dumps(index, indent=1) + "\n")

    save_file({k: v.contiguous() for k, v in state.items() if "anchor_projector" not in k}, path("no-anchors/model.safetensors"))
    with open(path("no-anchors/config.json"), "w") as out:
        out.write(json.dumps(config, indent=1) + "\n")
    shutil.copy(tokenizer, path("no-anchors/tokenizer.model"))
    shutil.copy(path("llm/added_tokens.json"), path("no-anchors/added_tokens.json"))

    clip = CLIPVisionModel(CLIPVisionConfig(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14))
    clip = clip.half()
    clip.save_pretrained(path("vision/"))
    tower = {k if k.startswith("vision_model.") else "vision_model." + k: v for k, v in clip.state_dict().items()}
    with open(path("vision/preprocessor_config.json"), "w") as out:
        out.write(json.dumps({"image_processor_type": "CLIPImageProcessor", "crop_size": 28, "size": 28, "do_center_crop": True, "resample": 3,
                              "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.25, 0.5]}) + "\n")

    quantiser = MGVQ(MGVQ_CONFIG)
    with torch.no_grad():
        for parameter in quantiser.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.5 / max(1, parameter[0].numel()) ** 0.5))
    codec = quantiser.state_dict()
    torch.save({"ema": codec, "epoch": 1}, path("mgvq.pt"))

    whole = dict(state)
    whole |= {"model.vision_tower.vision_tower." + k: v for k, v in tower.items() if "position_ids" not in k}
    whole |= {"model.mgvq." + k: v for k, v in codec.items() if "num_batches_tracked" not in k}
    save_file({k: v.detach().clone().contiguous() for k, v in whole.items()}, path("whole/model.safetensors"))
    full = {k: v for k, v in config.items()}
    full |= {"voco_token_id": 420, "num_voco_tokens": 1, "num_anchor_tokens": 4, "anchor_projector_hidden_size": 6, "visual_mask": "star",
             "vision_config": json.load(open(path("vision/config.json"))), "mgvq_config": MGVQ_CONFIG}
    with open(path("whole/config.json"), "w") as out:
        out.write(json.dumps(full, indent=1) + "\n")
    shutil.copy(path("vision/preprocessor_config.json"), path("whole/preprocessor_config.json"))
    shutil.copy(tokenizer, path("whole/tokenizer.model"))


if __name__ == "__main__":
    plain()
    refused()
    parts()
