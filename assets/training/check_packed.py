"""Asserts, for every variant, that the packed forward pass equals Hugging Face's Llama with the plain mask."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from decoder import UNCOMPRESSED, VARIANTS, Decoder, Shape


def plain_mask(variant, visual, text):
    """Rows and columns are [bos, visual..., voco, text...]; True where a row may attend."""
    size, voco = visual + 2 + text, visual + 1
    allowed = torch.ones(size, size, dtype=torch.bool).tril()
    if variant.mask == "star":
        allowed[1:voco, 1:voco] = torch.eye(visual, dtype=torch.bool)
    if variant.text == "voco":
        allowed[voco + 1:, :voco] = False
    return allowed


def check(name, variant):
    """Compares logits of random questions about random pictures."""
    torch.manual_seed(3)
    shape = Shape(vocab=50, width=48, layers=3, heads=6, mlp=40, anchor_hidden=8, vision=12)
    model = Decoder(shape).eval()
    config = LlamaConfig(hidden_size=48, intermediate_size=40, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=6, rms_norm_eps=shape.eps,
                         vocab_size=50, max_position_embeddings=1024, rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
                         attn_implementation="eager", pad_token_id=None)
    llama = LlamaForCausalLM(config).eval()
    names = ("embed_tokens", "layers", "norm")
    llama.load_state_dict({("model." + k if k.startswith(names) else k): v for k, v in model.state_dict().items() if k.startswith(names + ("lm_head",))})
    chosen = torch.randperm(576)[:20].sort().values
    features, quantised = torch.randn(2, 20, 12), torch.randn(2, 14112)
    text, wanted = torch.randint(3, 49, (2, 3, 7)), torch.randint(2, 7, (2, 3, 2))
    with torch.no_grad():
        packed = model(variant, features, chosen, quantised, text, wanted)[0]
        rows, positions = model.visual(variant, features, chosen, quantised)
        worst = 0.0
        for b in range(2):
            for q in range(3):
                x = torch.cat([rows[b], model.embed_tokens(text[b, q])])
                allowed = plain_mask(variant, len(rows[b]) - 2, 7)
                mask = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[None, None]
                place = torch.cat([positions, positions[-1] + 1 + torch.arange(7)])
                logits = llama(inputs_embeds=x[None], attention_mask=mask, position_ids=place[None], use_cache=False).logits[0, len(rows[b]):]
                worst = max(worst, (logits[wanted[b, q]] - packed[b, q]).abs().max().item())
    expected = 2 + shape.anchors * variant.anchors + 20 * variant.patches
    assert rows.shape[1] == expected and worst < 1e-4, (name, worst)
    print(f"{name}: largest difference of a logit {worst:.1e}")


if __name__ == "__main__":
    for each in (*VARIANTS.items(), *((f"{name}, uncompressed", variant) for name, variant in UNCOMPRESSED.items())):
        check(*each)
