"""The decoder, its projectors and the training-only auxiliary heads.

Weights carry Hugging Face Llama's names. The forward pass is a packed one: all questions of a scene are
independent segments whose positions start right after <voco>, and each row is computed only where a later row
needs it. It equals the plain masked forward pass of `oracle.py`, which `check_packed.py` asserts.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from vocabulary import CLASS_NAMES, COLOUR_NAMES

PATCHES, LATENT = 576, 32 * 21 * 21
CELLS, CELL_CLASSES, CELL_COLOURS = 6, len(CLASS_NAMES) + 1, len(COLOUR_NAMES) + 2


@dataclass(frozen=True)
class Variant:
    """Which visual tokens there are, how they see each other, and what the text may see."""

    anchors: bool
    patches: bool
    mask: str  # "star" or "causal": the visual rows
    text: str  # "voco" or "all": the keys that text rows see
    reserved: bool = False  # leaves the patches' positions free where there are no patches
    order: str = "first"  # or "last", or "parallel" (at the first patches' positions): where the anchors stand, seen from the patches
    source: str = "codes"  # what the anchors are made of; else a key of SELECTIONS: of patches


VARIANTS = {
    "htc": Variant(True, True, "star", "voco"),
    "voco": Variant(False, True, "causal", "voco"),
    "star-without-anchors": Variant(False, True, "star", "voco"),
    "discrete-only": Variant(True, False, "star", "voco"),
    "upper": Variant(True, True, "causal", "all"),
    "lower": Variant(True, True, "causal", "voco"),  # evaluation of the upper model only
    "anchors-last": Variant(True, True, "star", "voco", order="last"),
    "anchors-parallel": Variant(True, True, "star", "voco", order="parallel"),
    "causal-mask": Variant(True, True, "causal", "voco"),
    "random-patches": Variant(True, True, "star", "voco", source="random"),
    "top-k-patches": Variant(True, True, "star", "voco", source="top-k"),
    "k-means-patches": Variant(True, True, "star", "voco", source="k-means"),
    "anchors-alone": Variant(True, False, "star", "voco", reserved=True),  # the first stage: patches masked, every position as it will be
}

#: The same visual tokens under the plain causal mask, all of them seen by the text.
UNCOMPRESSED = {"htc": VARIANTS["upper"], "voco": Variant(False, True, "causal", "all"), "star-without-anchors": Variant(False, True, "causal", "all")}


@dataclass
class Shape:
    """Sizes of the decoder."""

    vocab: int
    width: int = 192
    layers: int = 4
    heads: int = 6
    mlp: int = 512
    anchor_hidden: int = 128
    anchors: int = 4
    vision: int = 384
    theta: float = 10000.0
    eps: float = 1e-5
    tied: bool = True


class RMSNorm(nn.Module):
    """Llama's norm."""

    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        return F.rms_norm(x, x.shape[-1:], self.weight, self.eps)


class Block(nn.Module):
    """The weights of one Llama block."""

    def __init__(self, shape):
        super().__init__()
        linear = lambda a, b: nn.Linear(a, b, bias=False)
        width = shape.width
        self.input_layernorm, self.post_attention_layernorm = RMSNorm(width, shape.eps), RMSNorm(width, shape.eps)
        self.self_attn = nn.ModuleDict({n + "_proj": linear(width, width) for n in "qkvo"})
        self.mlp = nn.ModuleDict({"gate_proj": linear(width, shape.mlp), "up_proj": linear(width, shape.mlp), "down_proj": linear(shape.mlp, width)})

    def finish(self, x, attended):
        """Output projection, residual, SwiGLU, residual."""
        x = x + self.self_attn["o_proj"](attended)
        y = self.post_attention_layernorm(x)
        return x + self.mlp["down_proj"](F.silu(self.mlp["gate_proj"](y)) * self.mlp["up_proj"](y))


class AnchorProjector(nn.Module):
    """GELU(W2 GELU(W1 q + b1) + b2), reshaped to the anchors.

    Trained on z = (q - centre) / norm, |z| about 1, which `folded` puts into W1 and b1: on q itself, 14,112 numbers of norm 59, one step of
    AdamW at 1.5e-3 moves a pre-activation by up to 8, and the units saturate within the warm-up.
    """

    def __init__(self, shape):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(LATENT, shape.anchor_hidden), nn.Linear(shape.anchor_hidden, shape.anchors * shape.width)
        self.count = shape.anchors
        self.register_buffer("centre", torch.zeros(LATENT))
        self.register_buffer("norm", torch.ones(()))

    def start(self, centre, norm):
        """Sets the statistics of the codes and draws weights whose pre-activations have a spread of about one."""
        self.centre.copy_(centre)
        self.norm.copy_(norm)
        nn.init.normal_(self.fc1.weight, std=1)
        nn.init.normal_(self.fc2.weight, std=1.5 * (.35 * self.fc2.in_features) ** -.5)

    def layers(self, quantised):
        """The pre-activations of both layers."""
        hidden = self.fc1((quantised - self.centre) / self.norm)
        return hidden, self.fc2(F.gelu(hidden))

    def forward(self, quantised):
        return F.gelu(self.layers(quantised)[1]).unflatten(-1, (self.count, -1))

    def folded(self):
        """{name: tensor} of the same function of q itself."""
        weight = self.fc1.weight / self.norm
        return {"fc1.weight": weight, "fc1.bias": self.fc1.bias - weight @ self.centre, "fc2.weight": self.fc2.weight, "fc2.bias": self.fc2.bias}


def random_patches(features, count):
    """As many patches of every scene, at random places that stay the same: [B, count, D] of [B, N, D]."""
    places = torch.randperm(features.shape[1], generator=torch.Generator().manual_seed(0), device="cpu")[:count]
    return features[:, places.to(features.device)]


def largest_patches(features, count):
    """The patches whose features deviate most from the training scenes' mean."""
    places = features.square().sum(-1).topk(count).indices
    return features.gather(1, places[..., None].expand(-1, -1, features.shape[-1]))


def patch_means(features, count, rounds=5):
    """Lloyd's k-means over a scene's patches, started at evenly spaced ones; an empty cluster keeps its centre."""
    centres = features[:, torch.arange(count, device=features.device) * features.shape[1] // count]
    for _ in range(rounds):
        member = F.one_hot(torch.cdist(features, centres).argmin(-1), count).to(features.dtype)
        sizes = member.sum(1)[..., None]
        centres = torch.where(sizes > 0, member.mT @ features / sizes.clamp_min(1), centres)
    return centres


#: What stands in for the codes in the ablations of the anchors' source.
SELECTIONS = {"random": random_patches, "top-k": largest_patches, "k-means": patch_means}


class Auxiliary(nn.Module):
    """Training-only heads: object, and object's colour, of each cell from <voco> states; colour from patch states; the cell
    of an object that a question names (or that it is absent) from the state of its name."""

    def __init__(self, shape):
        super().__init__()
        self.cells = nn.Linear(2 * shape.width, CELLS * (CELL_CLASSES + CELL_COLOURS))
        self.patch_colour = nn.Linear(shape.width, CELL_COLOURS)
        self.located = nn.Linear(shape.width, CELLS + 1)


class Decoder(nn.Module):
    """Embeddings, blocks, head, both projectors."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.width)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm, self.lm_head = RMSNorm(shape.width, shape.eps), nn.Linear(shape.width, shape.vocab, bias=False)
        self.mm_projector = nn.Sequential(nn.Linear(shape.vision, shape.width), nn.GELU(), nn.Linear(shape.width, shape.width))
        self.anchor_projector = AnchorProjector(shape)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=.02 if isinstance(module, nn.Embedding) else module.weight.shape[1] ** -.5 * .7)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for block in self.layers:
            for last in (block.self_attn["o_proj"], block.mlp["down_proj"]):
                last.weight.data *= (2 * shape.layers) ** -.5
        if shape.tied:
            self.lm_head.weight = self.embed_tokens.weight
        head = shape.width // shape.heads
        angles = torch.arange(1024)[:, None] * shape.theta ** (-torch.arange(0, head, 2) / head)
        self.register_buffer("cosine", angles.cos().repeat(1, 2), persistent=False)
        self.register_buffer("sine", angles.sin().repeat(1, 2), persistent=False)

    def rotated(self, x, positions):
        """Rotary embedding (half-rotation layout) of [..., N, heads, head] at positions [N]."""
        first, second = x.chunk(2, -1)
        return x * self.cosine[positions][:, None] + torch.cat([-second, first], -1) * self.sine[positions][:, None]

    def project(self, block, name, x, positions=None):
        """q, k or v of normalised rows, split in heads; q and k rotated."""
        y = block.self_attn[name + "_proj"](x).unflatten(-1, (self.shape.heads, -1))
        return y if positions is None else self.rotated(y, positions)

    def visual(self, variant, features, chosen, quantised):
        """The rows [bos, anchors, patches, voco] and their positions."""
        batch = len(quantised if features is None else features)
        special = self.embed_tokens.weight[torch.tensor([1, self.shape.vocab - 1])].expand(batch, 2, -1)
        rows, positions, offset = [special[:, :1]], [torch.zeros(1, dtype=torch.long)], 1
        for segment in ("patches", "anchors") if variant.order == "last" else ("anchors", "patches"):
            if segment == "anchors" and variant.anchors:
                count = self.shape.anchors
                rows.append(self.anchor_projector(quantised) if variant.source == "codes" else self.mm_projector(SELECTIONS[variant.source](features, count)))
                positions.append(offset + torch.arange(count))
                offset += count * (variant.order != "parallel")
            elif segment == "patches":
                if variant.patches:
                    rows.append(self.mm_projector(features))
                    positions.append(offset + chosen)
                if variant.patches or variant.reserved:
                    offset += PATCHES
        return torch.cat(rows + [special[:, 1:]], 1), torch.cat(positions + [torch.tensor([offset])])

    def lone_patches(self, features, chosen):
        """States entering the last block but one of patches [1, N] that see <s> and themselves: what the star mask gives."""
        x = torch.cat([self.embed_tokens.weight[1].expand(1, 1, -1), self.mm_projector(features)], 1)
        positions = torch.cat([torch.zeros(1, dtype=torch.long), 1 + self.shape.anchors + chosen])
        for block in self.layers[:-2]:
            y = block.input_layernorm(x)
            q, k, v = self.project(block, "q", y, positions), self.project(block, "k", y, positions), self.project(block, "v", y)
            x = block.finish(x, self.star_rows(q, k, v).flatten(-2))
        return x[:, 1:]

    @staticmethod
    def star_rows(q, k, v):
        """Star mask: a visual row has two keys, bos (the first row) and itself, so its softmax is a sigmoid."""
        share = torch.sigmoid((q * (k - k[:, :1])).sum(-1, keepdim=True) * q.shape[-1] ** -.5)
        return v[:, :1] + share * (v - v[:, :1])

    def visual_rows(self, variant, q, k, v):
        """Attention of all rows of [bos, visual..., voco]."""
        if variant.mask == "causal":
            return F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), is_causal=True).transpose(1, 2)
        return torch.cat([self.star_rows(q, k, v)[:, :-1], self.voco_row(q, k, v)], 1)

    @staticmethod
    def voco_row(q, k, v):
        """Attention of the last row, which sees everything."""
        return F.scaled_dot_product_attention(q[:, -1:].transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2)

    def text_rows(self, variant, q, k, v, visual_k, visual_v, steps):
        """Attention of text rows [B, Q, R, H, d] at indices `steps` [B, Q, R] over their segment and the visual rows they may see."""
        batch, questions, length = k.shape[:3]
        own = torch.arange(length) <= steps[..., None]
        if variant.text == "voco":
            visual_k, visual_v = visual_k[:, -1:], visual_v[:, -1:]
        seen = visual_k.shape[1]
        scale = q.shape[-1] ** -.5
        to_visual = torch.einsum("bqrhd,bnhd->bqhrn", q, visual_k) * scale
        to_text = torch.einsum("bqrhd,bqthd->bqhrt", q, k) * scale
        to_text = to_text.masked_fill(~own[:, :, None], float("-inf"))
        weights = torch.softmax(torch.cat([to_visual, to_text], -1), -1)
        return torch.einsum("bqhrn,bnhd->bqrhd", weights[..., :seen], visual_v) + torch.einsum("bqhrt,bqthd->bqrhd", weights[..., seen:], v)

    def forward(self, variant, features, chosen, quantised, text, wanted, reads=None, exchange=None):
        """Logits [B, Q, R, vocab] at the text indices `wanted` [B, Q, R], and the <voco>, patch and text states for the auxiliary losses.

        `reads`, a list, gets (block, q of <voco>, k, v) of each layer in which the text can notice what <voco> attends to. `exchange` [anchors]:
        the patches, counted among the chosen, that change positions with the anchors.
        """
        x, positions = self.visual(variant, features, chosen, quantised)
        if exchange is not None:
            count, order = self.shape.anchors, torch.arange(len(positions))
            order[1:1 + count], order[1 + count + exchange] = 1 + count + exchange, torch.arange(1, 1 + count)
            positions = positions[order]
        t = self.embed_tokens(text)
        batch, questions, length, width = t.shape
        text_positions = positions[-1] + 1 + torch.arange(length)
        every = torch.arange(length).expand(batch, questions, length)
        last, voco_states, patch_states, text_states = len(self.layers) - 1, [], None, None
        for number, block in enumerate(self.layers):
            if number == last - 1:
                count = self.shape.anchors * variant.anchors
                patch_states = x[:, 1:-1 - count] if variant.order == "last" else x[:, 1 + count:-1]
            if number >= last - 1:
                voco_states.append(x[:, -1])
            if variant.text == "voco" and number == last:
                x, positions = x[:, -1:], positions[-1:]
            y = block.input_layernorm(x)
            k, v = self.project(block, "k", y, positions), self.project(block, "v", y)
            u = block.input_layernorm(t)
            text_k, text_v = self.project(block, "k", u, text_positions), self.project(block, "v", u)
            steps = wanted if number == last else every
            if number == last:
                text_states = t
                rows = wanted[..., None].expand(-1, -1, -1, width)
                t, u = t.gather(2, rows), u.gather(2, rows)
                q = self.project(block, "q", u)
                cosine, sine = (table[text_positions][wanted][..., None, :] for table in (self.cosine, self.sine))
                first, second = q.chunk(2, -1)
                text_q = q * cosine + torch.cat([-second, first], -1) * sine
            else:
                text_q = self.project(block, "q", u, text_positions)
            t = block.finish(t, self.text_rows(variant, text_q, text_k, text_v, k, v, steps).flatten(-2))
            if number == last:
                break
            if reads is not None:
                reads.append((block, self.project(block, "q", y[:, -1:], positions[-1:]), k, v))
            if variant.text == "voco" and number == last - 1:  # only <voco> is still needed
                q = self.project(block, "q", y[:, -1:], positions[-1:])
                x = block.finish(x[:, -1:], self.voco_row(q, k, v).flatten(-2))
                positions = positions[-1:]
            else:
                q = self.project(block, "q", y, positions)
                x = block.finish(x, self.visual_rows(variant, q, k, v).flatten(-2))
        return self.lm_head(self.norm(t)), torch.cat([F.rms_norm(s, s.shape[-1:]) for s in voco_states], -1), patch_states, text_states
