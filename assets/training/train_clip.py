"""Trains the small CLIP: each picture has to find its own caption among those of its batch, and the other way round."""

import torch
import torch.nn.functional as F

from clip import Clip
from common import Run, arguments
from stream import Stream
from text import Tokens


def main():
    args = arguments(__doc__, steps=6000, batch=96, rate=1e-3).parse_args()
    clip, tokens = Clip(), Tokens()
    run = Run("clip", args, {"clip": clip})
    samples = Stream(args.program, 128, args.batch, args.seed + 3 + 1000 * run.step)
    own = torch.arange(args.batch)
    while not run.over():
        batch = next(samples)
        with torch.autocast("cpu", torch.bfloat16):
            x, y = clip.pictures(batch["image"]), clip.words(tokens(batch["captions"]))
        logits = clip.logit_scale.exp().clamp(max=100) * x @ y.T
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        run.update(loss, loss=loss.detach(), right=(logits.argmax(1) == own).float().mean())


if __name__ == "__main__":
    main()
