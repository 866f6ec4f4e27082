"""How often do pictures show what their prompts asked for?

Takes the table that `kiln-characters prompts` wrote and the pictures `graph-run` made of its rows, and asks the judge.
The judge is measured first, on drawings of the same prompts' kind that it never saw; and last, with every prompt given
to another's picture, where it has to answer at chance. Body colours are also told from pixels alone, without a network. And
each picture is compared with every picture the denoising network learned from: one that were copied would be much
nearer than held-out drawings are.
"""

import argparse
import csv
import json
import os

import numpy as np
import torch
from PIL import Image

from judge import Judge
from stream import Stream

ASKED = ("color", "headgear", "headgear-color", "background")


def load_judge(path):
    kept = torch.load(path, weights_only=False)["judge"]
    heads = [w.shape[0] for k, w in kept.items() if k.startswith("heads.") and w.dim() == 2]
    judge = Judge(heads).eval()
    judge.load_state_dict(kept)
    return judge


@torch.no_grad()
def told(judge, pictures):
    return torch.stack([torch.cat([h.argmax(1) for h in part]) for part in zip(*(judge(p) for p in pictures.split(50)))], 1)


class Pixels:
    """Tells body colours without a network: how often each shade is seen in the middle of drawings of each colour."""

    MIDDLE = (slice(None), slice(None), slice(56, 108), slice(44, 84))

    def __init__(self, stream, batches=40):
        self.counts = torch.full((len(stream.words["color"]), 4096), 0.2)
        for _ in range(batches):
            batch = next(stream)
            for shades, color in zip(self.shades(batch["image"]), batch["traits"][:, list(stream.words).index("color")]):
                self.counts[color] += torch.bincount(shades, minlength=4096)
        self.likely = (self.counts / self.counts.sum(1, keepdim=True)).log()

    def shades(self, pictures):
        r, g, b = (pictures[self.MIDDLE] * 15.999).long().unbind(1)
        return (r * 256 + g * 16 + b).flatten(1)

    def tell(self, pictures):
        return torch.stack([self.likely[:, s].mean(1).argmax() for s in self.shades(pictures)])


def nearest(pictures, program, batches):
    """The root of the mean squared difference to the nearest picture of the training, both at 32x32."""
    small = lambda x: torch.nn.functional.avg_pool2d(x, 4).flatten(1)
    own, best = small(pictures), torch.full((len(pictures),), 1e9)
    stream = Stream(program, 128, 500, 8, split="train")
    for _ in range(batches):
        best = torch.minimum(best, torch.cdist(own, small(next(stream)["image"])).min(1).values)
    stream.close()
    best = best / own.shape[1] ** 0.5
    return {"median": float(best.median()), "smallest": float(best.min())}


def rates(found, asked, names):
    right = found == asked
    out = {name: float(right[:, i].float().mean()) for i, name in enumerate(names)}
    named = [i for i, name in enumerate(names) if name in ASKED]
    shape = [i for i, name in enumerate(names) if name in ("color", "headgear", "background")]
    out["body colour, headgear and background at once"] = float(right[:, shape].all(1).float().mean())
    out["these and the headgear's colour at once"] = float(right[:, named].all(1).float().mean())
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="judge.final.pt")
    parser.add_argument("--program", required=True, help="the drawing program")
    parser.add_argument("--table", help="prompts.csv")
    parser.add_argument("--pictures", help="folder with 00000.png, 00001.png …, one per row")
    parser.add_argument("--learned", type=int, default=40000, help="how many pictures the training drew (seed 8)")
    parser.add_argument("--output", help="where the figures go, as JSON")
    args = parser.parse_args()
    judge = load_judge(args.judge)
    stream = Stream(args.program, 128, 100, 424242, split="held-out")
    drawings = [next(stream) for _ in range(10)]
    names = list(stream.words)
    figures = {
        "judge on 1000 held-out drawings": rates(
            told(judge, torch.cat([d["image"] for d in drawings])), torch.cat([d["traits"] for d in drawings]), names
        )
    }
    together = {part: torch.cat([d[part] for d in drawings]) for part in ("image", "traits")}
    pixels, color = Pixels(Stream(args.program, 128, 100, 4711, split="train")), names.index("color")
    by_pixels = lambda x, asked: float((pixels.tell(x) == asked).float().mean())
    figures["judge on 1000 held-out drawings"]["color, by pixels alone"] = by_pixels(together["image"], together["traits"][:, color])
    if args.table:
        rows = list(csv.DictReader(open(args.table)))
        words = [n for n in names if n in rows[0]]
        places = [names.index(n) for n in words]
        asked = torch.tensor([[stream.words[n].index(row[n]) for n in words] for row in rows])
        open_ = lambda i: Image.open(os.path.join(args.pictures, f"{i:05}.png")).convert("RGB").resize((128, 128), Image.BOX)
        pictures = torch.stack([torch.from_numpy(np.asarray(open_(i)).copy()) for i in range(len(rows))])
        pictures = pictures.permute(0, 3, 1, 2).float() / 255
        found = told(judge, pictures)[:, places]
        figures[f"{len(rows)} prompts"] = rates(found, asked, words)
        figures[f"{len(rows)} prompts"]["color, by pixels alone"] = by_pixels(pictures, asked[:, words.index("color")])
        figures["the same with prompts exchanged"] = rates(found, asked.roll(len(rows) // 2, 0), words)
        batches = args.learned // 500
        figures["nearest training picture, of those made"] = nearest(pictures, args.program, batches)
        figures["nearest training picture, of held-out drawings"] = nearest(together["image"][:500], args.program, batches)
    for title, part in figures.items():
        print(title)
        for name, rate in part.items():
            print(f"  {name:46} {rate:6.1%}" if rate <= 1 and "nearest" not in title else f"  {name:46} {rate:.4f}")
    if args.output:
        json.dump(figures, open(args.output, "w"), indent=2)


if __name__ == "__main__":
    main()
