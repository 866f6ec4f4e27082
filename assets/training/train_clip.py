"""Trains the small CLIP: each picture has to find its own caption among those of its batch, and the other way round.

Beside that, both towers have to tell the traits for the first half of the time: that teaches them much sooner what to
look at. The readers of traits are thrown away.
"""

import torch
import torch.nn.functional as F

from clip import Clip
from common import Run, arguments
from stream import Stream
from text import Tokens


def main():
    args = arguments(__doc__, steps=3500, batch=96, rate=1e-3).parse_args()
    clip, tokens = Clip(), Tokens()
    samples = Stream(args.program, 128, args.batch, args.seed + 3)
    values = [len(words) for words in samples.words.values()]
    readers = torch.nn.ModuleList(torch.nn.Linear(128, n) for n in values)
    run = Run("clip", args, {"clip": clip, "readers": readers})
    if run.step:
        samples = Stream(args.program, 128, args.batch, args.seed + 3 + 1000 * run.step)
    run.learns_from(samples)
    own = torch.arange(args.batch)
    while not run.over():
        batch = next(samples)
        with torch.autocast("cpu", torch.bfloat16):
            x, y = clip.pictures(batch["image"]), clip.words(tokens(batch["captions"]))
        logits = clip.logit_scale.exp().clamp(max=100) * x @ y.T
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        told = sum(
            F.cross_entropy(8 * head(z), batch["traits"][:, i]) for z in (x, y) for i, head in enumerate(readers)
        )
        share = max(0.0, 1 - 2 * run.step / args.steps)
        right = (logits.argmax(1) == own).float().mean()
        run.update(loss + 0.1 * share * told, match=loss, told=told / 26, right=right)


if __name__ == "__main__":
    main()
