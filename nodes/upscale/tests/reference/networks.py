"""The upscalers' networks in torch, written from their papers: what the tests and the race compare with.

- RRDBNet: ESRGAN (Wang et al. 2018): residual-in-residual dense blocks, upsampling by nearest and convolution; its
  inputs unshuffled as in Real-ESRGAN (Wang et al. 2021); the extra paths of ESRGAN+ (Rakotonirina and Rasoanaivo 2020).
- SRVGGNetCompact: a plain row of convolutions, pixel shuffle at the end, the enlarged input added (Real-ESRGAN).
"""
import torch
from torch import nn
from torch.nn import functional as F


def conv(c_in, c_out, kernel=3, bias=True):
    return nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=bias)


def leaky(x):
    return F.leaky_relu(x, 0.2)


class DenseBlock(nn.Module):
    def __init__(self, features, growth, plus=False):
        super().__init__()
        for k in range(1, 5):
            setattr(self, f"conv{k}", conv(features + (k - 1) * growth, growth))
        self.conv5 = conv(features + 4 * growth, features)
        self.conv1x1 = conv(features, growth, 1, bias=False) if plus else None

    def forward(self, x):
        x1 = leaky(self.conv1(x))
        x2 = leaky(self.conv2(torch.cat([x, x1], 1)))
        if self.conv1x1 is not None:
            x2 = x2 + self.conv1x1(x)
        x3 = leaky(self.conv3(torch.cat([x, x1, x2], 1)))
        x4 = leaky(self.conv4(torch.cat([x, x1, x2, x3], 1)))
        if self.conv1x1 is not None:
            x4 = x4 + x2
        return self.conv5(torch.cat([x, x1, x2, x3, x4], 1)) * 0.2 + x


class Rrdb(nn.Module):
    def __init__(self, features, growth, plus=False):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(features, growth, plus) for _ in range(3))

    def forward(self, x):
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class RRDBNet(nn.Module):
    """`ups` doublings; `shuffle` times smaller inside: enlarges by 2**ups / shuffle."""

    def __init__(self, features=64, growth=32, blocks=23, ups=2, shuffle=1, plus=False):
        super().__init__()
        self.shuffle, self.ups = shuffle, ups
        self.conv_first = conv(3 * shuffle * shuffle, features)
        self.body = nn.Sequential(*(Rrdb(features, growth, plus) for _ in range(blocks)))
        self.conv_body = conv(features, features)
        for k in range(1, ups + 1):
            setattr(self, f"conv_up{k}", conv(features, features))
        self.conv_hr = conv(features, features)
        self.conv_last = conv(features, 3)

    def forward(self, x):
        h, w = x.shape[2:]
        if self.shuffle > 1:
            # Reflected to the right and below to a multiple of 4 (twice the shuffle of the x2 network).
            by = 4
            x = F.pad(x, (0, -w % by, 0, -h % by), "reflect")
            x = F.pixel_unshuffle(x, self.shuffle)
        first = self.conv_first(x)
        x = first + self.conv_body(self.body(first))
        for k in range(1, self.ups + 1):
            x = leaky(getattr(self, f"conv_up{k}")(F.interpolate(x, scale_factor=2, mode="nearest")))
        x = self.conv_last(leaky(self.conv_hr(x)))
        scale = 2**self.ups // self.shuffle
        return x[:, :, : h * scale, : w * scale]


class SRVGGNetCompact(nn.Module):
    def __init__(self, features=64, convs=16, scale=4, act="prelu"):
        super().__init__()
        self.scale = scale

        def activation():
            return nn.PReLU(features) if act == "prelu" else nn.ReLU()

        layers = [conv(3, features), activation()]
        for _ in range(convs):
            layers += [conv(features, features), activation()]
        layers.append(conv(features, 3 * scale * scale))
        self.body = nn.Sequential(*layers)

    def forward(self, x):
        y = F.pixel_shuffle(self.body(x), self.scale)
        return y + F.interpolate(x, scale_factor=self.scale, mode="nearest")


def old_names(state, blocks, ups):
    """The names of the first release, where everything is a numbered row of layers."""
    end = 2 + 3 * ups
    fixed = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}", "conv_hr": f"model.{end}", "conv_last": f"model.{end + 2}"}
    fixed |= {f"conv_up{k}": f"model.{3 * k}" for k in range(1, ups + 1)}

    def renamed(name):
        layer, end = name.rsplit(".", 1)
        if layer in fixed:
            return f"{fixed[layer]}.{end}"
        _, block, rdb, conv = layer.split(".")
        inner = "" if conv == "conv1x1" else ".0"
        return f"model.1.sub.{block}.{rdb.upper()}.{conv}{inner}.{end}"

    return {renamed(k): v for k, v in state.items()}


def first_names(state):
    """The names of ESRGAN's own second release."""
    words = {"body": "RRDB_trunk", "conv_body": "trunk_conv", "conv_up1": "upconv1", "conv_up2": "upconv2", "conv_hr": "HRconv",
             "rdb1": "RDB1", "rdb2": "RDB2", "rdb3": "RDB3"}
    return {".".join(words.get(part, part) for part in k.split(".")): v for k, v in state.items()}
