"""Saves tiny random LLaVAs and a LoRA run with transformers' and peft's own `save_pretrained`, and what they compute.

`python make_saved.py` writes the directories beside this file anew:

    plain    LlavaForConditionalGeneration, LlavaProcessor with its tokenizer.json: CLS dropped, one feature layer
    full     the same with vision_feature_select_strategy "full" and two feature layers, saved under the names that the
             class itself has (save_original_format=False)
    adapter  peft.LoraConfig on `plain`: decoder and tower, ranks and alphas by pattern, use_rslora, a trained projector

Each holds expected.safetensors (float32, eager attention, greedy, at most 6 tokens): sequence.token_ids with -1 for a
visual token, patches, attention.last, logits, generated.token_ids. `prompt.txt` and `image.png` are for all. Needs torch,
transformers, peft, safetensors, sentencepiece, protobuf and Pillow, and `../families/hf/tokenizer.model`.
"""

import os
import shutil
import sys
import tempfile

import peft
import sentencepiece
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from transformers import (CLIPImageProcessor, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlamaTokenizer,
                          LlavaForConditionalGeneration, LlavaProcessor)

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZER = os.path.join(HERE, "../families/hf/tokenizer.model")
PIECES = sentencepiece.SentencePieceProcessor(model_file=TOKENIZER)
SIDE, PATCH, PROMPT = 56, 14, "what is left of the red cube?"
IMAGE_TOKEN = len(PIECES)


def path(*parts):
    return os.path.join(HERE, *parts)


def llava(seed, **settings):
    torch.manual_seed(seed)
    config = LlavaConfig(
        text_config=LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                                vocab_size=IMAGE_TOKEN + 1, max_position_embeddings=256, initializer_range=.3, rope_parameters={"rope_type": "default", "rope_theta": 20000.0}),
        vision_config=CLIPVisionConfig(hidden_size=16, intermediate_size=24, num_hidden_layers=3, num_attention_heads=2, image_size=SIDE,
                                       patch_size=PATCH, initializer_range=.3),
        image_token_id=IMAGE_TOKEN, **settings)
    model = LlavaForConditionalGeneration(config).eval()
    model.set_attn_implementation("eager")
    randomize(model)
    return model


def randomize(model):
    """Norms and biases that are not one and zero, so that a forgotten one is seen."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1 and "lora" not in name:
                weight.add_(torch.randn_like(weight) * .2)


def processor():
    """With the tokenizer that transformers makes of `tokenizer.model`; it saves tokenizer.json alone."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(TOKENIZER, folder)
        tokenizer = LlamaTokenizer.from_pretrained(folder, extra_special_tokens={"image_token": "<image>"}, add_bos_token=True)
    pictures = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return LlavaProcessor(image_processor=pictures, tokenizer=tokenizer, patch_size=PATCH, vision_feature_select_strategy="default",
                          num_additional_image_tokens=1, image_token="<image>")


def processed():
    """The prompt's ids as the processor has them."""
    ids = processor()(text=f"USER: <image>\n{PROMPT} ASSISTANT:", images=Image.open(path("image.png")), return_tensors="pt")["input_ids"][0].tolist()
    assert ids[0] == 1 and IMAGE_TOKEN in ids
    return ids


def in_parts(count):
    """The prompt's ids as LLaVA's own code has them: each part of the template encoded by itself, bos in front."""
    before, after = f"USER: <image>\n{PROMPT} ASSISTANT:".split("<image>")
    return [1] + PIECES.encode(before) + [IMAGE_TOKEN] * count + PIECES.encode(after)


def expected(model, folder, ids):
    """What the model computes from the picture and the prompt of this folder."""
    pixels = CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})(
        Image.open(path("image.png")), return_tensors="pt")["pixel_values"]
    inputs = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids), dtype=torch.long), "pixel_values": pixels}
    inner = model.base_model.model if hasattr(model, "base_model") and hasattr(model, "peft_config") else model
    with torch.no_grad():
        output = model(**inputs, output_attentions=True)
        patches = inner.model.get_image_features(pixels, return_dict=True).pooler_output[0]
        generated = model.generate(**inputs, max_new_tokens=6, do_sample=False)[0, len(ids):]
    tensors = {
        "sequence.token_ids": torch.tensor([-1 if i == IMAGE_TOKEN else i for i in ids], dtype=torch.int32),
        "visual": patches.float().contiguous(), "vision.pixel_values": pixels[0].contiguous(),
        "attention.last": torch.stack([a[0, :, -1] for a in output.attentions]).contiguous(),
        "logits": output.logits[0, -1].contiguous(), "generated.token_ids": generated.to(torch.int32).contiguous(),
    }
    save_file(tensors, os.path.join(folder, "expected.safetensors"))
    print(folder, "generated", generated.tolist())


def main():
    torch.manual_seed(0)
    for name in ("plain", "full", "adapter"):
        shutil.rmtree(path(name), ignore_errors=True)
    picture = torch.rand(7, 7, 3).mul(255).byte()
    Image.fromarray(picture.numpy()).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path("image.png"))
    with open(path("prompt.txt"), "w") as file:
        file.write(PROMPT)

    patches = (SIDE // PATCH) ** 2
    plain = llava(1)
    plain.save_pretrained(path("plain"))
    processor().save_pretrained(path("plain"))
    expected(plain, path("plain"), processed())

    full = llava(2, vision_feature_select_strategy="full", vision_feature_layer=[-1, 1], projector_hidden_act="silu", multimodal_projector_bias=False)
    full.save_pretrained(path("full"), save_original_format=False)
    shutil.copy(TOKENIZER, path("full", "tokenizer.model"))
    expected(full, path("full"), in_parts(patches + 1))

    torch.manual_seed(3)
    run = peft.get_peft_model(plain, peft.LoraConfig(
        r=4, lora_alpha=8, use_rslora=True, target_modules=["q_proj", "v_proj", "up_proj", "fc1"], modules_to_save=["multi_modal_projector"],
        rank_pattern={"up_proj": 2}, alpha_pattern={r"layers\.1\.self_attn\.q_proj": 3}))
    with torch.no_grad():
        for name, weight in run.named_parameters():
            if "lora_B" in name or "modules_to_save" in name:
                weight.add_(torch.randn_like(weight) * .2)
    run.save_pretrained(path("adapter"))
    if os.path.exists(path("adapter", "README.md")):
        os.remove(path("adapter", "README.md"))
    expected(run.eval(), path("adapter"), processed())
    print("transformers", transformers.__version__, "peft", peft.__version__, "torch", torch.__version__)


if __name__ == "__main__":
    sys.exit(main())
