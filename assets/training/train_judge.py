"""Trains the judge on drawings, some of them blurred, noisy or shifted in colour as a network's pictures are."""

import torch
import torch.nn.functional as F

from common import Run, arguments
from judge import Judge
from stream import Mixed


def rough(x, random, shift=True):
    """Drawings as a small network would give them back."""
    n = len(x)
    chance = lambda: torch.rand(n, 1, 1, 1, generator=random)
    soft = F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), 3, 1)
    soft = F.avg_pool2d(soft, 3, 1)
    x = torch.lerp(x, soft, chance() * (chance() < 0.6))
    half = F.interpolate(F.avg_pool2d(x, 2), scale_factor=2.0, mode="bilinear")
    x = torch.where(chance() < 0.25, half, x)
    x = x * (1 + (chance() - 0.5) * 0.1) + (torch.rand(n, 3, 1, 1, generator=random) - 0.5) * 0.04
    grain = F.interpolate(torch.randn(n, 3, 32, 32, generator=random), scale_factor=4.0, mode="bilinear")
    x = x + 0.05 * chance() * torch.randn(x.shape, generator=random) + 0.06 * chance() * (chance() < 0.5) * grain
    if shift:
        x = torch.roll(x, torch.randint(-4, 5, (2,), generator=random).tolist(), (2, 3))
    return x.clamp(0, 1)


def main():
    args = arguments(__doc__, steps=4000, batch=64, rate=2e-3).parse_args()
    samples = Mixed(args.program, 128, args.batch, args.seed + 21, args.batch // 8, split="all")
    judge = Judge([len(words) for words in samples.words.values()])
    run = Run("judge", args, {"judge": judge})
    if run.step:
        samples = Mixed(args.program, 128, args.batch, args.seed + 21 + 1000 * run.step, args.batch // 8, split="all")
    run.learns_from(samples)
    random = torch.Generator().manual_seed(args.seed + run.step)
    while not run.over():
        batch = next(samples)
        with torch.autocast("cpu", torch.bfloat16):
            found = judge(rough(batch["image"], random))
        found = [f.float() for f in found]
        loss = sum(F.cross_entropy(f, batch["traits"][:, i]) for i, f in enumerate(found)) / len(found)
        right = {
            name.replace(" ", "_"): (f.argmax(1) == batch["traits"][:, i]).float().mean()
            for i, (name, f) in enumerate(zip(samples.words, found))
        }
        run.update(loss, loss=loss, **right)


if __name__ == "__main__":
    main()
