"""Records the traces beside this file from tiny random models of transformers, and checks them against the pass itself.

`python record.py` writes llava.safetensors, qwen2-vl.safetensors and htc.safetensors anew; `python record.py --check`
records into a scratch directory, asserts what a trace must hold, and runs the training code's decoder too. `--checkpoint DIR` also records the training code's
own run of a checkpoint, picture and prompt, and compares. Needs torch, transformers, safetensors and Pillow.
"""

import os
import sys
import tempfile

import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (CLIPVisionConfig, LlamaConfig, LlamaForCausalLM, LlavaConfig, LlavaForConditionalGeneration,
                          PreTrainedTokenizerFast, Qwen2VLConfig, Qwen2VLForConditionalGeneration)

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../../../assets/python"))
from vocoscope_trace import load, record  # noqa: E402

WORDS = ("<unk> <s> </s> <image> <|vision_start|> <|vision_end|> <|image_pad|> <voco> user : what is left of the red cube "
         "ball green blue a one two no yes").split()
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


class Processor:
    """A word tokenizer and what a picture is normalised with."""

    image_mean, image_std = MEAN, STD

    def __init__(self):
        tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        self.tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")

    def ids(self, text):
        return torch.tensor([[WORDS.index(w) for w in text.split()]])

    def pixels(self, image, size):
        x = torch.tensor(list(image.resize(size).tobytes()), dtype=torch.float32).reshape(size[1], size[0], 3) / 255
        return ((x - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)[None]


def picture():
    return Image.radial_gradient("L").resize((56, 42)).convert("RGB")


def llava(path, processor):
    """A tiny LLaVA: two layers, 4 × 4 patches."""
    torch.manual_seed(1)
    config = LlavaConfig(
        text_config=LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                                vocab_size=len(WORDS), bos_token_id=1, eos_token_id=2, initializer_range=.5),
        vision_config=CLIPVisionConfig(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14),
        image_token_id=3)
    model = LlavaForConditionalGeneration(config).eval()
    ids = processor.ids("<s> user : " + "<image> " * 16 + "what is left of the red cube")
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": processor.pixels(picture(), (56, 56))}
    with torch.no_grad():
        with record(model, processor, image=picture(), name="tiny-llava") as r:
            generated = model.generate(**inputs, max_new_tokens=4, do_sample=False)
        r.save(path)
        model.set_attn_implementation("eager")
        plain = model(**inputs, output_attentions=True, output_hidden_states=True)
    trace = load(path)
    same(trace["attention.last"], torch.stack([a[0, :, -1] for a in plain.attentions]))
    same(trace["hidden.last"], torch.stack([h[0, -1] for h in plain.hidden_states]))
    same(trace["logits"], plain.logits[0, -1])
    same(trace["patches"], model.model.get_image_features(inputs["pixel_values"], return_dict=True).pooler_output[0])
    assert trace["generated.token_ids"].tolist() == generated[0, ids.shape[1]:].tolist()
    assert trace["sequence.token_ids"].tolist() == [-1 if i == 3 else i for i in ids[0].tolist()]
    assert (trace["mask"] == torch.ones(len(ids[0]), len(ids[0])).tril().numpy()).all()
    assert [s["kind"] for s in trace.metadata["spans"]] == ["bos", "text", "patches", "text"]
    return trace


def qwen2_vl(path, processor):
    """A tiny Qwen2-VL whose picture is 3 rows of 4 patches."""
    torch.manual_seed(2)
    config = Qwen2VLConfig(
        text_config={"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                     "vocab_size": len(WORDS), "bos_token_id": 1, "eos_token_id": 2, "initializer_range": .5,
                     "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]}},
        vision_config={"depth": 2, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2,
                       "temporal_patch_size": 2, "mlp_ratio": 2, "in_channels": 3},
        image_token_id=6, vision_start_token_id=4, vision_end_token_id=5, video_token_id=99)
    model = Qwen2VLForConditionalGeneration(config).eval()
    whole = processor.pixels(picture(), (32, 24))
    # What Qwen2VLImageProcessor makes of one picture: blocks of 2 × 2 patches, each patch twice in time.
    folded = whole.reshape(3, 3, 2, 4, 4, 2, 4).permute(1, 4, 2, 5, 0, 3, 6)[:, :, :, :, :, None].expand(-1, -1, -1, -1, -1, 2, -1, -1)
    ids = processor.ids("user : <|vision_start|> " + "<|image_pad|> " * 12 + "<|vision_end|> what is left of the green ball")
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "pixel_values": folded.reshape(48, -1),
              "image_grid_thw": torch.tensor([[1, 6, 8]]), "mm_token_type_ids": (ids == 6).int()}
    with torch.no_grad(), record(model, processor, image=picture(), name="tiny-qwen2-vl") as r:
        output = model(**inputs)
    r.save(path)
    trace = load(path)
    same(trace["logits"], output.logits[0, -1])
    same(trace["vision.pixel_values"], whole[0])
    assert trace.metadata["model"]["patch_grid"] == [3, 4] and trace["patches"].shape == (12, 32)
    assert (trace["sequence.token_ids"] == -1).sum() == 12 and "generated.token_ids" not in trace
    return trace


def htc(path, processor):
    """Research code without placeholders: a Llama fed with embeddings under the star mask, and a span table."""
    torch.manual_seed(3)
    model = LlamaForCausalLM(LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                                         vocab_size=len(WORDS), bos_token_id=1, eos_token_id=2, initializer_range=.5)).eval()
    spans = [("bos", 1), ("anchors", 2), ("patches", 9), ("voco", 1), ("text", 5)]
    text = processor.ids("what is left of the")
    embed = model.get_input_embeddings()
    visual = torch.randn(11, 32) * .5
    with torch.no_grad():
        rows = torch.cat([embed(torch.tensor([1])), visual, embed(torch.tensor([7])), embed(text[0])])
    allowed = torch.ones(18, 18).tril().bool()
    allowed[1:12, 1:12] = torch.eye(11).bool()
    allowed[13:, :12] = False
    bias = torch.zeros(1, 1, 18, 18).masked_fill(~allowed, torch.finfo(torch.float32).min)
    with torch.no_grad(), record(model, processor, image=picture(), prompt="what is left of the", spans=spans, name="tiny-htc") as r:
        output = model(inputs_embeds=rows[None], attention_mask=bias, position_ids=torch.arange(18)[None])
    r.add("sequence.token_ids", torch.tensor([1] + [0] * 11 + [7] + text[0].tolist(), dtype=torch.int32))
    r.add("anchors", visual[:2])
    r.save(path)
    trace = load(path)
    same(trace["logits"], output.logits[0, -1])
    assert (trace["mask"].astype(bool) == allowed.numpy()).all(), "the mask is what the pass attended to"
    assert trace["attention.voco"].shape == (2, 4, 18) and trace["hidden.voco"].shape == (3, 32)
    assert trace["sequence.token_ids"].tolist()[:13] == [1, -2, -2] + [-1] * 9 + [7]
    assert trace.metadata["model"]["visual_mask"] == "star" and trace.metadata["model"]["num_voco_tokens"] == 1
    return trace


def training(path, processor):
    """The decoder of `assets/training/decoder.py`: its kernels show no attention, so its weights, which carry Hugging Face Llama's
    names, run in LlamaForCausalLM under the mask that it was trained with, and the logits must be those of its own packed pass."""
    sys.path.insert(0, os.path.join(HERE, "../../../../assets/training"))
    import decoder as code
    torch.manual_seed(4)
    shape = code.Shape(vocab=len(WORDS), width=32, layers=3, heads=4, mlp=48, anchor_hidden=8, vision=16)
    trained, variant = code.Decoder(shape).eval(), code.VARIANTS["htc"]
    weights = {n: w for n, w in trained.state_dict().items() if n.startswith(("embed_tokens", "layers", "norm"))}
    model = LlamaForCausalLM(LlamaConfig(
        hidden_size=shape.width, intermediate_size=shape.mlp, num_hidden_layers=shape.layers, num_attention_heads=shape.heads, vocab_size=shape.vocab,
        rms_norm_eps=shape.eps, rope_parameters={"rope_type": "default", "rope_theta": shape.theta}, tie_word_embeddings=True)).eval()
    model.load_state_dict({f"model.{n}": w for n, w in weights.items()} | {"lm_head.weight": trained.lm_head.weight})
    features, quantised = torch.randn(1, code.PATCHES, shape.vision), torch.randn(1, code.LATENT)
    text = processor.ids("what is left of the")
    with torch.no_grad():
        expected = trained(variant, features, torch.arange(code.PATCHES), quantised, text[None], torch.tensor([[[text.shape[1] - 1]]]))[0]
        rows, positions = trained.visual(variant, features, torch.arange(code.PATCHES), quantised)
        rows = torch.cat([rows, trained.embed_tokens(text)], 1)
    voco, length = len(positions) - 1, rows.shape[1]
    allowed = torch.ones(length, length).tril().bool()
    allowed[1:voco, 1:voco] = torch.eye(voco - 1).bool()
    allowed[voco + 1:, :voco] = False
    bias = torch.zeros(1, 1, length, length).masked_fill(~allowed, torch.finfo(torch.float32).min)
    spans = [("bos", 1), ("anchors", shape.anchors), ("patches", code.PATCHES), ("voco", 1), ("text", text.shape[1])]
    with torch.no_grad(), record(model, processor, image=picture(), prompt="what is left of the", spans=spans, name="training-decoder") as r:
        model(inputs_embeds=rows, attention_mask=bias, position_ids=torch.arange(length)[None])
    ids = [1] + [0] * (voco - 1) + [shape.vocab - 1] + text[0].tolist()
    r.add("sequence.token_ids", torch.tensor(ids, dtype=torch.int32))
    r.add("anchors", rows[0, 1:1 + shape.anchors])
    r.save(path)
    trace = load(path)
    same(trace["logits"], expected[0, 0, 0])
    assert (trace["mask"].astype(bool) == allowed.numpy()).all() and trace["attention.voco"].shape == (3, 4, length)
    return trace


def oracle(folder, path):
    """`assets/training/oracle.py` on a checkpoint directory that holds image.png and prompt.txt."""
    sys.path.insert(0, os.path.join(HERE, "../../../../assets/training"))
    from oracle import Oracle
    model, image = Oracle(folder), next(p for p in (os.path.join(folder, f"image.{e}") for e in ("png", "jpg")) if os.path.exists(p))
    prompt = open(os.path.join(folder, "prompt.txt")).read()
    c, before = model.config, model.visual(image)
    ids, kinds = model.sequence(before, model.tokenizer.encode(c.get("prompt_template", "{prompt}").replace("{prompt}", prompt)))[1:]
    counts = {"bos": 1, "newline": 1, "anchors": c["num_anchor_tokens"], "voco": c["num_voco_tokens"], "patches": len(before["patches"])}
    spans = [(kind, counts[kind]) for kind in c["sequence"][:-1]]
    spans.append(("text", len(ids) - sum(count for _, count in spans)))
    with record(model.llama, model.tokenizer, image=image, prompt=prompt, spans=spans, name="oracle") as r:
        expected, _ = model.run(image, prompt, trace=before)
    r.add("sequence.token_ids", ids)
    for name in [n for n in before if n.startswith("mgvq.")] + ["anchors", "patches", "vision.features", "vision.pixel_values"]:
        r.add(name, before[name])
    r.save(path)
    trace = load(path)
    for name in [n for n in expected if not n.startswith("generated.")]:
        same(trace[name].astype("float32"), expected[name])
    return trace


def same(found, expected):
    expected = expected.detach().float()
    error = (torch.as_tensor(found) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5, f"differs by {error:.1e} of the largest magnitude"


def main():
    check = "--check" in sys.argv[1:]
    folder = tempfile.mkdtemp() if check else HERE
    processor = Processor()
    for name, make in (("llava", llava), ("qwen2-vl", qwen2_vl), ("htc", htc)):
        path = os.path.join(folder, f"{name}.safetensors")
        trace = make(path, processor)
        print(f"{path}: {len(trace)} tensors, {os.path.getsize(path)} bytes")
    if check:
        path = os.path.join(folder, "training.safetensors")
        print(f"{path}: {len(training(path, processor))} tensors, logits as the training decoder's own")
    if "--checkpoint" in sys.argv[1:]:
        trace = oracle(sys.argv[sys.argv.index("--checkpoint") + 1], os.path.join(tempfile.gettempdir(), "oracle.safetensors"))
        print(f"oracle.py: {len(trace)} tensors, all as its own")


if __name__ == "__main__":
    main()
