"""Trains the x4 upscaler: parts of drawings of 512x512, made small in several ways, back to what they were."""

import torch
import torch.nn.functional as F

from common import Run, arguments, sheet
from rrdb import Upscaler
from stream import Stream

PART = 160


def small(x, random):
    """A quarter of the size: by areas, bicubic or bilinear, sometimes blurred, sometimes with a little noise."""
    way = int(torch.randint(4, (1,), generator=random))
    if way == 0:
        y = F.avg_pool2d(x, 4)
    elif way == 1:
        y = F.interpolate(x, scale_factor=0.25, mode="bilinear", antialias=True)
    else:
        y = F.interpolate(x, scale_factor=0.25, mode="bicubic", antialias=True)
    if torch.rand((), generator=random) < 0.35:
        soft = F.avg_pool2d(F.pad(y, (1, 1, 1, 1), mode="replicate"), 3, 1)
        y = torch.lerp(y, soft, torch.rand((), generator=random))
    if torch.rand((), generator=random) < 0.4:
        y = y + torch.randn(y.shape, generator=random) * 0.02 * torch.rand((), generator=random)
    return (y.clamp(0, 1) * 255).round() / 255


def main():
    args = arguments(__doc__, steps=4000, batch=8, rate=6e-4).parse_args()
    net = Upscaler().to(memory_format=torch.channels_last)
    run = Run("upscaler", args, {"net": net})
    samples = run.learns_from(Stream(args.program, 512, 6, args.seed + 5 + 1000 * run.step))
    random = torch.Generator().manual_seed(args.seed + run.step)
    while not run.over():
        whole = next(samples)["image"]
        parts = []
        for i in range(args.batch):
            y, x = (int(torch.randint((512 - PART) // 4, (1,), generator=random)) * 4 for _ in range(2))
            parts.append(whole[i % len(whole), :, y : y + PART, x : x + PART])
        sharp = torch.stack(parts).to(memory_format=torch.channels_last)
        low = small(sharp, random).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = net(low)
        found = found.float()
        loss = (found - sharp).abs().mean() + 0.5 * (
            (found.diff(dim=-1) - sharp.diff(dim=-1)).abs().mean()
            + (found.diff(dim=-2) - sharp.diff(dim=-2)).abs().mean()
        )
        mse = F.mse_loss(found.detach().clamp(0, 1), sharp)
        plain = F.mse_loss(F.interpolate(low, scale_factor=4, mode="bicubic").clamp(0, 1), sharp)
        run.update(loss, l1=loss, psnr=-10 * mse.log10(), bicubic=-10 * plain.log10())
        if run.step % 500 == 0:
            nearest = F.interpolate(low, scale_factor=4.0)
            sheet(f"{args.out}/upscaler.png", torch.stack([nearest, found.detach(), sharp], 1)[:8].flatten(0, 1), 6)


if __name__ == "__main__":
    main()
