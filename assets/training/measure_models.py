"""Measures the published upscaler, cut-out network and CLIP on drawings they never saw.

The files are read as they are published, in 16-bit numbers.
"""

import argparse
import json
import os

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from clip import Clip
from rrdb import Upscaler
from stream import Stream
from text import Tokens
from train_judge import rough
from train_matte import MEAN, STD
from u2net import U2netp


def window(x, size=11, sigma=1.5):
    """Local means under a bell curve, as SSIM takes them."""
    at = torch.arange(size) - size // 2
    bell = torch.exp(-at.float().square() / (2 * sigma**2))
    kernel = (bell[:, None] * bell[None] / bell.sum() ** 2).expand(x.shape[1], 1, size, size)
    return F.conv2d(x, kernel, groups=x.shape[1])


def ssim(a, b):
    """Wang and others 2004, mean over pixels and channels, values from 0 to 1."""
    ma, mb = window(a), window(b)
    va, vb, both = window(a * a) - ma * ma, window(b * b) - mb * mb, window(a * b) - ma * mb
    c, d = 0.01**2, 0.03**2
    return float((((2 * ma * mb + c) * (2 * both + d)) / ((ma * ma + mb * mb + c) * (va + vb + d))).mean())


def psnr(a, b):
    return float(-10 * F.mse_loss(a, b, reduction="none").mean((1, 2, 3)).log10().mean())


def upscaler(path, program, count=48):
    net = Upscaler().eval()
    net.load_state_dict(load_file(path))
    stream = Stream(program, 512, count, 31337, split="held-out")
    sharp = next(stream)["image"]
    stream.close()
    low = (F.interpolate(sharp, scale_factor=0.25, mode="bicubic", antialias=True).clamp(0, 1) * 255).round() / 255
    ours = torch.cat([net(x) for x in low.split(1)]).clamp(0, 1)
    plain = F.interpolate(low, scale_factor=4, mode="bicubic").clamp(0, 1)
    return {
        "pictures": count, "psnr": psnr(ours, sharp), "psnr_bicubic": psnr(plain, sharp),
        "ssim": ssim(ours, sharp), "ssim_bicubic": ssim(plain, sharp),
    }


def matte(path, program, count=48):
    net = U2netp().eval()
    net.load_state_dict(load_file(path))
    stream = Stream(program, 320, count, 31338, split="held-out")
    batch = next(stream)
    stream.close()
    random = torch.Generator().manual_seed(5)
    tell = lambda x: torch.cat([net((p - MEAN) / STD)[0].sigmoid() for p in x.split(1)])
    small = F.interpolate(batch["image"], size=(128, 128), mode="area")
    blurred = F.interpolate(rough(small, random, shift=False), size=(320, 320), mode="bicubic").clamp(0, 1)
    out = {"pictures": count}
    for name, x in (("drawings", batch["image"]), ("as sampled", blurred)):
        off = (tell(x) - batch["alpha"]).abs()
        out[f"mean error, {name}"] = float(off.mean())
        both = (tell(x) > 0.5) == (batch["alpha"] > 0.5)
        out[f"pixels on the right side, {name}"] = float(both.float().mean())
    out["mean error, all one subject"] = float((1 - batch["alpha"]).mean())
    return out


def clip(path, program, groups=10):
    net, tokens = Clip().eval(), Tokens()
    kept = load_file(path)
    net.vision.load_state_dict({k: v for k, v in kept.items() if k.startswith("vision_model")})
    net.text.load_state_dict({k: v for k, v in kept.items() if k.startswith("text_model")}, strict=False)
    for name in ("visual_projection", "text_projection"):
        getattr(net, name).weight.data.copy_(kept[f"{name}.weight"])
    stream, right, first = Stream(program, 128, 100, 31339, split="held-out"), 0, 0
    own, others = [], []
    for _ in range(groups):
        batch = next(stream)
        near = net.pictures(batch["image"]) @ net.words(tokens(batch["captions"])).T
        right += int((near.argmax(1) == torch.arange(100)).sum())
        first += int((near.topk(5, 1).indices == torch.arange(100)[:, None]).any(1).sum())
        own.append(near.diagonal())
        others.append(near[~torch.eye(100, dtype=torch.bool)])
    own, others = torch.cat(own), torch.cat(others)
    return {
        "pictures": groups * 100, "right among 100": right / groups / 100, "right among the first 5": first / groups / 100,
        "similarity to own caption, median": float(own.median()), "5 in 100 are below": float(own.quantile(0.05)),
        "similarity to others, median": float(others.median()), "5 in 100 are above": float(others[::7].quantile(0.95)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True, help="assets/models")
    parser.add_argument("--program", required=True, help="the drawing program")
    parser.add_argument("--output", help="where the figures go, as JSON")
    args = parser.parse_args()
    at = lambda name: os.path.join(args.models, name)
    figures, all = {}, {
        "upscaler": (upscaler, "upscale_models/kiln-upscale-x4.safetensors"),
        "cutout": (matte, "background_removal/kiln-cutout.safetensors"),
        "clip": (clip, "clip_vision/kiln-clip.safetensors"),
    }
    with torch.no_grad():
        for name, (measure, file) in all.items():
            if os.path.exists(at(file)):
                figures[name] = measure(at(file), args.program)
                print(json.dumps({name: figures[name]}, indent=1), flush=True)
    if args.output:
        json.dump(figures, open(args.output, "w"), indent=1)


if __name__ == "__main__":
    main()
