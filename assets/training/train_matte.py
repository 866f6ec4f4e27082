"""Trains the small U2-Net on drawings whose alpha is known: first small ones, then at the 320x320 it is used at."""

import torch
import torch.nn.functional as F

from common import Run, arguments, sheet
from stream import Stream
from train_judge import rough
from u2net import U2netp

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def main():
    args = arguments(__doc__, steps=1600, batch=8, rate=1e-3).parse_args()
    net = U2netp().to(memory_format=torch.channels_last)
    run = Run("matte", args, {"net": net}, ema=0.99)
    random = torch.Generator().manual_seed(args.seed + run.step)
    samples, size = None, 0
    while not run.over():
        wanted = 160 if run.step < 0.6 * args.steps else 320
        if wanted != size:
            size, args.batch = wanted, 8 if wanted == 160 else 3
            run.drawn += run.samples.log() if run.samples else []
            samples = run.learns_from(Stream(args.program, size, args.batch, args.seed + 31 + 1000 * run.step, ahead=2))
        batch = next(samples)
        x, alpha = batch["image"], batch["alpha"]
        if torch.rand((), generator=random) < 0.5:
            small = F.interpolate(x, size=(128, 128), mode="area")
            x = F.interpolate(rough(small, random, shift=False), size=(size, size), mode="bicubic").clamp(0, 1)
        with torch.autocast("cpu", torch.bfloat16):
            masks = net(((x - MEAN) / STD).to(memory_format=torch.channels_last))
        masks = [m.float() for m in masks]
        loss = sum(F.binary_cross_entropy_with_logits(m, alpha) for m in masks)
        off = (masks[0].detach().sigmoid() - alpha).abs().mean()
        run.update(loss, loss=loss, off=off)
        if run.step % 200 == 0:
            mask = masks[0].detach().sigmoid().expand(-1, 3, -1, -1)
            sheet(f"{args.out}/matte.png", torch.cat([x, mask, x * mask + 1 - mask]), len(x))


if __name__ == "__main__":
    main()
