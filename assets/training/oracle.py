"""Runs a checkpoint directory end to end in float32 with Hugging Face's CLIP and Llama, slowly and plainly.

`python oracle.py MODEL IMAGE "what is on the left?"` prints the answer; `--out FILE` writes every intermediate in the
layout of `vocoscope trace`. `--questions FILE --images DIR` prints accuracy per family instead, and `--answers FILE` keeps the answers.
"""

import argparse
import collections
import json
import os

import numpy as np
import sentencepiece
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM

from mgvq import MGVQ

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
ANCHOR, PATCH = -2, -1
VOCO_LLAMA = ("A chat between a curious user and an artificial intelligence assistant of the image. The assistant gives helpful, "
              "detailed, and polite answers to the user's questions. USER: {prompt} ASSISTANT:")


class Oracle:
    """A loaded checkpoint."""

    def __init__(self, folder):
        self.config = json.load(open(os.path.join(folder, "config.json")))
        path = os.path.join(folder, "preprocessor_config.json")
        self.processor = json.load(open(path)) if os.path.exists(path) else {}
        self.tokenizer = sentencepiece.SentencePieceProcessor(model_file=os.path.join(folder, "tokenizer.model"))
        files = sorted(f for f in os.listdir(folder) if f.startswith("model") and f.endswith(".safetensors"))
        self.weights = {k: v.float() for f in files for k, v in load_file(os.path.join(folder, f)).items()}
        self.vision, self.mgvq, self.llama = self.load_vision(), self.load_mgvq(), self.load_llama()

    def part(self, prefix):
        """The weights under a prefix, without it."""
        return {k.removeprefix(prefix): v for k, v in self.weights.items() if k.startswith(prefix)}

    def load_vision(self):
        """HF's CLIP tower, without the pre-norm where the config says so."""
        settings = self.config["vision_config"]
        model = CLIPVisionModel(CLIPVisionConfig(**{k: v for k, v in settings.items() if k != "use_pre_layernorm"}, attn_implementation="eager"))
        tower = getattr(model, "vision_model", model)  # newer releases of transformers dropped the inner module
        if not settings.get("use_pre_layernorm", True):
            tower.pre_layrnorm = torch.nn.Identity()
        report = tower.load_state_dict(self.part("model.vision_tower.vision_tower.vision_model."), strict=False)
        assert not report.unexpected_keys and all("position_ids" in k for k in report.missing_keys), report
        return tower.eval()

    def load_mgvq(self):
        """MGVQ, if the checkpoint has one."""
        if "mgvq_config" not in self.config:
            return None
        model = MGVQ(self.config["mgvq_config"])
        report = model.load_state_dict(self.part("model.mgvq."), strict=False)
        assert all("num_batches_tracked" in k for k in report.missing_keys), report
        return model.eval()

    def load_llama(self):
        """HF's Llama with eager attention."""
        c = self.config
        keys = ["hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "rms_norm_eps",
                "vocab_size", "tie_word_embeddings", "bos_token_id", "eos_token_id", "max_position_embeddings", "head_dim"]
        config = LlamaConfig(**{k: c[k] for k in keys if k in c}, rope_parameters={"rope_type": "default", "rope_theta": c["rope_theta"]},
                             attn_implementation="eager", pad_token_id=None)
        model = LlamaForCausalLM(config)
        names = ("model.embed_tokens", "model.layers", "model.norm", "lm_head")
        report = model.load_state_dict({k: v for k, v in self.weights.items() if k.startswith(names)}, strict=False)
        assert not report.unexpected_keys and report.missing_keys in ([], ["lm_head.weight"]), report
        return model.eval()

    def pictures(self, path):
        """Normalised input of the tower and the MGVQ input in [-1, 1]."""
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        mean = np.array(self.processor.get("image_mean", CLIP_MEAN), np.float32)
        std = np.array(self.processor.get("image_std", CLIP_STD), np.float32)
        if self.config.get("image_aspect_ratio") == "pad" and image.width != image.height:
            edge = max(image.size)
            square = Image.new("RGB", (edge, edge), tuple(int(float(m) * 255) for m in self.processor.get("image_mean", CLIP_MEAN)))
            square.paste(image, ((edge - image.width) // 2, (edge - image.height) // 2))
            image = square
        size, short, long = self.config["vision_config"]["image_size"], min(image.size), max(image.size)
        edges = [size if e == short else int(size * long / short) for e in image.size]
        scaled = image.resize(edges, Image.BICUBIC)
        left, top = (edges[0] - size) // 2, (edges[1] - size) // 2
        scaled = np.asarray(scaled.crop((left, top, left + size, top + size)), np.float32) / np.float32(255)
        pixels = torch.from_numpy((scaled - mean) / std).permute(2, 0, 1).contiguous()
        codec = None
        if self.mgvq:
            size = self.config["mgvq_config"]["image_size"]
            array = np.array(image.resize((size, size), Image.BICUBIC), np.float32)
            codec = torch.from_numpy(array / 127.5 - 1).permute(2, 0, 1).contiguous()
        return pixels, codec

    def visual(self, path):
        """Everything before the decoder, by trace names."""
        c, trace = self.config, {}
        trace["vision.pixel_values"], codec = self.pictures(path)
        states = self.vision(trace["vision.pixel_values"][None], output_hidden_states=True).hidden_states
        trace["vision.features"] = states[c["mm_vision_select_layer"]][0, 1:]
        projector = self.part("model.mm_projector.")
        x = trace["vision.features"]
        if c["mm_projector_type"] == "linear":
            x = F.linear(x, projector["weight"], projector["bias"])
        else:
            x = F.linear(F.gelu(F.linear(x, projector["0.weight"], projector["0.bias"])), projector["2.weight"], projector["2.bias"])
        trace["patches"] = x
        if self.mgvq:
            trace["mgvq.pixel_values"] = codec
            latent = self.mgvq.latent(codec[None])
            codes, quantised = self.mgvq.quantise(latent)
            trace |= {"mgvq.latent": latent[0], "mgvq.codes": codes[0].int(), "mgvq.quantized": quantised[0], "mgvq.reconstruction": self.mgvq.decode(quantised)[0]}
            flat = quantised[0] if c.get("anchor_flatten", "chw") == "chw" else quantised[0].permute(1, 2, 0)
            w = self.part("model.anchor_projector.")
            y = F.gelu(F.linear(F.gelu(F.linear(flat.reshape(-1), w["fc1.weight"], w["fc1.bias"])), w["fc2.weight"], w["fc2.bias"]))
            trace["anchors"] = y.reshape(c["num_anchor_tokens"], c["hidden_size"])
        return trace

    def sequence(self, trace, text):
        """Embeddings [S, D], ids [S] and the kind of each position."""
        c, rows, ids, kinds = self.config, [], [], []
        table = self.weights["model.embed_tokens.weight"]
        for segment in c["sequence"]:
            if segment in ("anchors", "patches"):
                rows.append(trace[segment])
                ids += [ANCHOR if segment == "anchors" else PATCH] * len(trace[segment])
                kinds += ["visual"] * len(trace[segment])
                continue
            new = {"bos": [c["bos_token_id"]], "newline": [self.tokenizer.piece_to_id("<0x0A>")],
                   "voco": [c["voco_token_id"]] * c["num_voco_tokens"], "text": text}[segment]
            rows.append(table[new])
            ids += new
            kinds += ["voco" if segment == "voco" else "text" if "voco" in kinds else "prefix"] * len(new)
        return torch.cat(rows), torch.tensor(ids, dtype=torch.int32), kinds

    def mask(self, kinds, source="voco"):
        """Boolean [S, S]: row may attend to column. The table of the specification, row by row.

        `full` is the unmodified causal mask; `none` is that without the columns of visual tokens and voco.
        """
        star, size = self.config["visual_mask"] == "star", len(kinds)
        kind = np.array(kinds)
        allowed = np.tril(np.ones((size, size), bool))
        if source != "voco":
            if source == "none":
                allowed[:, (kind == "visual") | (kind == "voco")] = False
            return torch.from_numpy(allowed | np.eye(size, dtype=bool))
        first = kinds.index("voco") if "voco" in kinds else 0
        for row in range(size):
            if kind[row] == "visual" and star:
                allowed[row] &= kind != "visual"
                allowed[row, row] = True
            elif kind[row] == "prefix" and star:
                allowed[row] &= kind != "visual"
            elif kind[row] == "text":
                allowed[row, :first] = False
        return torch.from_numpy(allowed)

    @torch.no_grad()
    def run(self, path, prompt, limit=8, trace=None, source="voco"):
        """The trace and the answer; pass an earlier trace to keep its picture, a source to answer from all or nothing."""
        trace = dict(trace or self.visual(path))
        text = self.tokenizer.encode(self.config.get("prompt_template", VOCO_LLAMA).replace("{prompt}", prompt))
        generated, probabilities = [], []
        while True:
            embeddings, ids, kinds = self.sequence(trace, text + generated)
            allowed = self.mask(kinds, source)
            additive = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[None, None]
            out = self.llama(inputs_embeds=embeddings[None], attention_mask=additive, position_ids=torch.arange(len(ids))[None],
                             use_cache=False, output_attentions=not generated, output_hidden_states=not generated)
            if not generated:
                voco = max(i for i, k in enumerate(kinds) if k == "voco")
                heads = torch.stack([a[0] for a in out.attentions])
                trace |= {"sequence.embeddings": embeddings, "sequence.token_ids": ids, "mask": allowed.to(torch.uint8), "attention.voco": heads[:, :, voco],
                          "attention.last": heads[:, :, -1], "hidden.voco": torch.stack([h[0, voco] for h in out.hidden_states]), "logits": out.logits[0, -1]}
            generated.append(int(out.logits[0, -1].argmax()))
            probabilities.append(out.logits[0, -1].double().softmax(-1)[generated[-1]])
            if generated[-1] == self.config["eos_token_id"] or len(generated) == limit:
                break
        trace["generated.token_ids"] = torch.tensor(generated, dtype=torch.int32)
        trace["generated.probabilities"] = torch.stack(probabilities).float()
        return trace, self.tokenizer.decode([g for g in generated if 2 < g < self.tokenizer.get_piece_size()])


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("image", nargs="?")
    parser.add_argument("prompt", nargs="?")
    parser.add_argument("--out", help="write the trace tensors here")
    parser.add_argument("--max-new-tokens", type=int, default=8)
    parser.add_argument("--source", choices=["voco", "full", "none"], default="voco", help="what the text may see")
    parser.add_argument("--questions")
    parser.add_argument("--images")
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    parser.add_argument("--answers", help="write the answers here, one JSON object a line")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 1)))
    oracle = Oracle(options.model)
    if not options.questions:
        trace, answer = oracle.run(options.image, options.prompt, options.max_new_tokens, source=options.source)
        print(answer)
        if options.out:
            save_file({k: v.contiguous() for k, v in trace.items() if k != "generated.probabilities"}, options.out, {"format": "vocoscope-trace", "prompt": options.prompt, "generated_text": answer})
        return
    right, total, name, trace, answers = collections.Counter(), collections.Counter(), None, None, []
    for line in list(open(options.questions))[:options.limit]:
        q = json.loads(line)
        if q["image"] != name:
            name = q["image"]
            with torch.no_grad():
                trace = oracle.visual(os.path.join(options.images, name))
        total[q["category"]] += 1
        answers.append({"question_id": q["question_id"], "text": oracle.run(None, q["text"], trace=trace, source=options.source)[1].strip()})
        right[q["category"]] += answers[-1]["text"] == q["answer"]
    if options.answers:
        with open(options.answers, "w") as out:
            out.writelines(json.dumps(a) + "\n" for a in answers)
    for family in total:
        print(f"{family}: {right[family] / total[family]:.4f} of {total[family]}")


if __name__ == "__main__":
    main()
