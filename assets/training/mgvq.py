"""The released MGVQ architecture, with the released state dict's names.

Read from the checkpoint's `mgvq_config`; `check_mgvq.py` holds it against reference tensors.
"""

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "silu": nn.SiLU}
HEAD = 32


class RMSNorm2d(nn.Module):
    """x / sqrt(mean over channels of x^2 + 1e-5) * weight + bias."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-5)
        return x * self.weight[:, None, None] + self.bias[:, None, None]


NORMS = {"bn2d": nn.BatchNorm2d, "trms2d": RMSNorm2d}


class ConvLayer(nn.Module):
    """Convolution, norm, activation; each but the first optional."""

    def __init__(self, inputs, outputs, kernel=3, bias=True, groups=1, norm=None, act=None):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias, groups=groups)
        self.norm = NORMS[norm](outputs) if norm else None
        self.act = ACTIVATIONS[act]() if act else None

    def forward(self, x):
        x = self.conv(x)
        x = self.norm(x) if self.norm else x
        return self.act(x) if self.act else x


class Residual(nn.Module):
    """main(x) + shortcut(x)."""

    def __init__(self, main, shortcut=None):
        super().__init__()
        self.main, self.shortcut = main, shortcut or nn.Identity()

    def forward(self, x):
        return self.main(x) + self.shortcut(x)


class ConvUnshuffle(nn.Module):
    """3x3 convolution to a quarter of the channels, then pixel-unshuffle."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = ConvLayer(inputs, outputs // 4)

    def forward(self, x):
        return F.pixel_unshuffle(self.conv(x), 2)


class ConvShuffle(nn.Module):
    """3x3 convolution to four times the channels, then pixel-shuffle."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = ConvLayer(inputs, outputs * 4)

    def forward(self, x):
        return F.pixel_shuffle(self.conv(x), 2)


class ChannelMean(nn.Module):
    """Shortcut down: optional pixel-unshuffle, then the mean over consecutive channel groups."""

    def __init__(self, outputs, unshuffle):
        super().__init__()
        self.outputs, self.unshuffle = outputs, unshuffle

    def forward(self, x):
        x = F.pixel_unshuffle(x, 2) if self.unshuffle else x
        return x.unflatten(1, (self.outputs, -1)).mean(2)


class ChannelRepeat(nn.Module):
    """Shortcut up: repeat-interleave, then optional pixel-shuffle."""

    def __init__(self, outputs, shuffle):
        super().__init__()
        self.outputs, self.shuffle = outputs, shuffle

    def forward(self, x):
        channels = self.outputs * (4 if self.shuffle else 1)
        x = x.repeat_interleave(channels // x.shape[1], 1)
        return F.pixel_shuffle(x, 2) if self.shuffle else x


class ResBlockMain(nn.Module):
    """conv-act, conv-norm."""

    def __init__(self, channels, norm, act):
        super().__init__()
        self.conv1 = ConvLayer(channels, channels, act=act)
        self.conv2 = ConvLayer(channels, channels, bias=False, norm=norm)

    def forward(self, x):
        return self.conv2(self.conv1(x))


class LinearAttention(nn.Module):
    """ReLU linear attention; the quadratic form where it is the cheaper one, as upstream."""

    def __init__(self, channels, norm):
        super().__init__()
        self.qkv = ConvLayer(channels, 3 * channels, 1, bias=False)
        self.proj = ConvLayer(channels, channels, 1, bias=False, norm=norm)

    def forward(self, x):
        batch, channels, height, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, -1, 3 * HEAD, height * width).chunk(3, 2)
        q, k = F.relu(q), F.relu(k)
        if height * width > HEAD:
            out = (v @ k.transpose(-1, -2)) @ q / (k.sum(-1, keepdim=True).transpose(-1, -2) @ q + 1e-15)
        else:
            weights = k.transpose(-1, -2) @ q
            out = v @ (weights / (weights.sum(2, keepdim=True) + 1e-15))
        return self.proj(out.reshape(batch, channels, height, width))


class GLUMBConv(nn.Module):
    """1x1 up to two halves, depthwise 3x3, a * act(g), 1x1 down."""

    def __init__(self, channels, norm, act):
        super().__init__()
        self.inverted_conv = ConvLayer(channels, 8 * channels, 1, act=act)
        self.depth_conv = ConvLayer(8 * channels, 8 * channels, 3, groups=8 * channels)
        self.point_conv = ConvLayer(4 * channels, channels, 1, bias=False, norm=norm)
        self.act = ACTIVATIONS[act]()

    def forward(self, x):
        a, g = self.depth_conv(self.inverted_conv(x)).chunk(2, 1)
        return self.point_conv(a * self.act(g))


class EViTBlock(nn.Module):
    """Linear attention, then the gated convolution, each residual."""

    def __init__(self, channels, norm, act):
        super().__init__()
        self.context_module = Residual(LinearAttention(channels, norm))
        self.local_module = Residual(GLUMBConv(channels, norm, act))

    def forward(self, x):
        return self.local_module(self.context_module(x))


class Operations(nn.Module):
    """A sequence under the released name `op_list`."""

    def __init__(self, operations):
        super().__init__()
        self.op_list = nn.ModuleList(operations)

    def forward(self, x):
        for operation in self.op_list:
            x = operation(x)
        return x


def block(kind, channels, norm, act):
    """A ResBlock or an EViT_GLU block."""
    return Residual(ResBlockMain(channels, norm, act)) if kind == "ResBlock" else EViTBlock(channels, norm, act)


class Encoder(nn.Module):
    """Image to latent, 16 times smaller."""

    def __init__(self, config):
        super().__init__()
        widths, depths, kinds = (config[f"encoder_{k}"] for k in ("width_list", "depth_list", "block_type"))
        self.project_in = ConvLayer(3, widths[0]) if depths[0] else ConvUnshuffle(3, widths[1])
        stages = []
        for i, (width, depth, kind) in enumerate(zip(widths, depths, kinds)):
            operations = [block(kind, width, "trms2d", "silu") for _ in range(depth)]
            if depth and i + 1 < len(widths):
                operations.append(Residual(ConvUnshuffle(width, widths[i + 1]), ChannelMean(widths[i + 1], True)))
            stages.append(Operations(operations))
        self.stages = nn.ModuleList(stages)
        latent = config["latent_channels"]
        self.project_out = Residual(Operations([ConvLayer(widths[-1], latent)]), ChannelMean(latent, False))

    def forward(self, x):
        x = self.project_in(x)
        for stage in self.stages:
            x = stage(x)
        return self.project_out(x)


class Decoder(nn.Module):
    """Latent to image."""

    def __init__(self, config):
        super().__init__()
        widths, depths, kinds, norms, acts = (config[f"decoder_{k}"] for k in ("width_list", "depth_list", "block_type", "norm", "act"))
        self.project_in = Residual(ConvLayer(config["latent_channels"], widths[-1]), ChannelRepeat(widths[-1], False))
        stages = []
        for i, (width, depth) in enumerate(zip(widths, depths)):
            operations = []
            if depth and i + 1 < len(widths):
                operations.append(Residual(ConvShuffle(widths[i + 1], width), ChannelRepeat(width, True)))
            operations += [block(kinds[i], width, norms[i], acts[i]) for _ in range(depth)]
            stages.append(Operations(operations))
        self.stages = nn.ModuleList(stages)
        width = widths[0] if depths[0] else widths[1]
        last = ConvLayer(width, 3) if depths[0] else ConvShuffle(width, 3)
        self.project_out = Operations([RMSNorm2d(width), nn.ReLU(), last])

    def forward(self, x):
        x = self.project_in(x)
        for stage in reversed(self.stages):
            x = stage(x)
        return self.project_out(x)


class Codebook(nn.Module):
    """Holds `quantize.embedding.weight`: G codebooks of K/G rows, one after the other."""

    def __init__(self, config):
        super().__init__()
        self.embedding = nn.Embedding(config["codebook_size"], config["latent_channels"] // config["codebook_groups"])


class MGVQ(nn.Module):
    """Encoder, grouped quantiser of L2-normalised vectors, decoder."""

    def __init__(self, config):
        super().__init__()
        latent, self.groups = config["latent_channels"], config["codebook_groups"]
        self.encoder, self.decoder, self.quantize = Encoder(config), Decoder(config), Codebook(config)
        self.quant_conv = nn.Conv2d(latent, latent, 1, groups=self.groups)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1, groups=self.groups)

    def latent(self, x):
        """[B, 3, N, N] in [-1, 1] to [B, C, N/16, N/16]."""
        return self.quant_conv(self.encoder(x))

    def codebooks(self):
        """Normalised codes [G, K/G, C/G]."""
        return F.normalize(self.quantize.embedding.weight, dim=-1).unflatten(0, (self.groups, -1))

    def vectors(self, latent):
        """Normalised group vectors [G, B*h*w, C/G]."""
        batch, channels, height, width = latent.shape
        x = latent.reshape(batch, self.groups, channels // self.groups, height * width).permute(1, 0, 3, 2)
        return F.normalize(x.reshape(self.groups, batch * height * width, -1), dim=-1)

    def quantise(self, latent):
        """Codes [B, G, h, w] and the normalised code vectors [B, C, h, w]."""
        batch, channels, height, width = latent.shape
        books = self.codebooks()
        codes = (self.vectors(latent) @ books.transpose(1, 2)).argmax(-1)
        chosen = torch.stack([b[c] for b, c in zip(books, codes)])
        chosen = chosen.view(self.groups, batch, height * width, -1).permute(1, 0, 3, 2).reshape(latent.shape)
        return codes.view(self.groups, batch, height, width).transpose(0, 1), chosen

    def decode(self, quantised):
        """Code vectors to an image in about [-1, 1]."""
        return self.decoder(self.post_quant_conv(quantised))


def demo_config(image_size=336):
    """The demo's `mgvq_config`."""
    widths, depths = [16, 32, 64, 64, 128], [0, 1, 1, 1, 1]
    kinds = ["ResBlock"] * 3 + ["EViT_GLU"] * 2
    return {"latent_channels": 32, "codebook_size": 2048, "codebook_groups": 8, "image_size": image_size,
            "encoder_width_list": widths, "encoder_depth_list": depths, "encoder_block_type": kinds,
            "decoder_width_list": widths, "decoder_depth_list": depths, "decoder_block_type": kinds,
            "decoder_norm": ["bn2d"] * 3 + ["trms2d"] * 2, "decoder_act": ["relu"] * 3 + ["silu"] * 2}
