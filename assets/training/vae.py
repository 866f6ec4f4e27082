"""A small autoencoder in the layout of Stable Diffusion's (names as in `first_stage_model.*`)."""

import torch
import torch.nn.functional as F
from torch import nn


def norm(channels, groups):
    return nn.GroupNorm(groups, channels, eps=1e-6)


class Res(nn.Module):
    def __init__(self, c_in, c_out, groups):
        super().__init__()
        self.norm1 = norm(c_in, groups)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.norm2 = norm(c_out, groups)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        if c_in != c_out:
            self.nin_shortcut = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class Attention(nn.Module):
    def __init__(self, c, groups):
        super().__init__()
        self.norm = norm(c, groups)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(c, c, 1) for _ in range(4))

    def forward(self, x):
        b, c, h, w = x.shape
        n = self.norm(x)
        q, k, v = (f(n).reshape(b, 1, c, h * w).transpose(2, 3) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(q, k, v).transpose(2, 3).reshape(b, c, h, w)
        return x + self.proj_out(y)


class Down(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, stride=2)

    def forward(self, x):
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Up(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x):
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Middle(nn.Module):
    def __init__(self, c, groups):
        super().__init__()
        self.block_1, self.attn_1, self.block_2 = Res(c, c, groups), Attention(c, groups), Res(c, c, groups)

    def forward(self, x):
        return self.block_2(self.attn_1(self.block_1(x)))


class Encoder(nn.Module):
    def __init__(self, channels, blocks, groups):
        super().__init__()
        self.conv_in = nn.Conv2d(3, channels[0], 3, padding=1)
        self.down = nn.ModuleList()
        c_in = channels[0]
        for i, c in enumerate(channels):
            stage = nn.Module()
            stage.block = nn.ModuleList()
            for _ in range(blocks):
                stage.block.append(Res(c_in, c, groups))
                c_in = c
            if i + 1 < len(channels):
                stage.downsample = Down(c)
            self.down.append(stage)
        self.mid = Middle(c_in, groups)
        self.norm_out = norm(c_in, groups)
        self.conv_out = nn.Conv2d(c_in, 8, 3, padding=1)

    def forward(self, x):
        h = self.conv_in(x)
        for stage in self.down:
            for block in stage.block:
                h = block(h)
            if hasattr(stage, "downsample"):
                h = stage.downsample(h)
        return self.conv_out(F.silu(self.norm_out(self.mid(h))))


class Decoder(nn.Module):
    def __init__(self, channels, blocks, groups):
        super().__init__()
        c_in = channels[-1]
        self.conv_in = nn.Conv2d(4, c_in, 3, padding=1)
        self.mid = Middle(c_in, groups)
        stages = []
        for i in reversed(range(len(channels))):
            stage = nn.Module()
            stage.block = nn.ModuleList()
            for _ in range(blocks + 1):
                stage.block.append(Res(c_in, channels[i], groups))
                c_in = channels[i]
            if i > 0:
                stage.upsample = Up(c_in)
            stages.insert(0, stage)
        self.up = nn.ModuleList(stages)
        self.norm_out = norm(c_in, groups)
        self.conv_out = nn.Conv2d(c_in, 3, 3, padding=1)

    def forward(self, z):
        h = self.mid(self.conv_in(z))
        for stage in reversed(self.up):
            for block in stage.block:
                h = block(h)
            if hasattr(stage, "upsample"):
                h = stage.upsample(h)
        return self.conv_out(F.silu(self.norm_out(h)))


class Vae(nn.Module):
    """Pictures in -1..1 to latents of an eighth of their size and back."""

    def __init__(self, channels=(24, 32, 64, 128), blocks=1):
        super().__init__()
        groups = 8
        self.encoder = Encoder(channels, blocks, groups)
        self.decoder = Decoder(channels, blocks, groups)
        self.quant_conv = nn.Conv2d(8, 8, 1)
        self.post_quant_conv = nn.Conv2d(4, 4, 1)

    def encode(self, x):
        mean, logvar = self.quant_conv(self.encoder(x)).chunk(2, 1)
        return mean, logvar.clamp(-30, 20)

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))
