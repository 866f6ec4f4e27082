"""Teaches the text encoder what captions say, before any picture is seen.

From the padding behind a caption every trait has to be readable: the positions take turns, so that each trait has
places of its own, which the denoising network can then attend to. It costs minutes and saves it hours.
"""

import torch
import torch.nn.functional as F

from common import Run, arguments
from stream import Stream
from text import END, Text, Tokens, WINDOW


class Readers(torch.nn.Module):
    """One linear reader per trait, on the padding that is this trait's."""

    def __init__(self, values, width=64):
        super().__init__()
        self.heads = torch.nn.ModuleList(torch.nn.Linear(width, n) for n in values)

    def forward(self, hidden, ids):
        pads = (ids == END).float()
        place = torch.arange(WINDOW) % len(self.heads)
        out = []
        for i, head in enumerate(self.heads):
            mine = pads * (place == i)
            mean = (hidden * mine[..., None]).sum(1) / mine.sum(1, keepdim=True).clamp(min=1)
            out.append(head(mean))
        return out


def main():
    args = arguments(__doc__, steps=2500, batch=64, rate=2e-3).parse_args()
    samples = Stream(args.program, 8, args.batch, args.seed + 11)
    values = [len(words) for words in samples.words.values()]
    text, tokens = Text(), Tokens()
    run = Run("text", args, {"text": text, "readers": (readers := Readers(values))})
    if run.step:
        samples = Stream(args.program, 8, args.batch, args.seed + 11 + 1000 * run.step)
    run.learns_from(samples)
    while not run.over():
        batch = next(samples)
        ids = tokens(batch["captions"])
        with torch.autocast("cpu", torch.bfloat16):
            hidden = text(ids)
        found = readers(hidden.float(), ids)
        losses = [F.cross_entropy(f, batch["traits"][:, i]) for i, f in enumerate(found)]
        right = {
            name.replace(" ", "_"): (f.argmax(1) == batch["traits"][:, i]).float().mean()
            for i, (name, f) in enumerate(zip(samples.words, found))
        }
        run.update(sum(losses) / len(losses), loss=(sum(losses) / len(losses)).detach(), **right)


if __name__ == "__main__":
    main()
