"""How often do pictures show what their prompts asked for?

Takes the table that `kiln-characters prompts` wrote and the pictures `graph-run` made of its rows, and asks the judge.
The judge is measured first, on drawings of the same prompts' kind that it never saw; and last, with every prompt given
to another's picture, where it has to answer at chance.
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


def rates(found, asked, names):
    right = found == asked
    out = {name: float(right[:, i].float().mean()) for i, name in enumerate(names)}
    named = [i for i, name in enumerate(names) if name in ASKED]
    out["colour, headgear and background"] = float(right[:, named].all(1).float().mean())
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="judge.final.pt")
    parser.add_argument("--program", required=True, help="the drawing program")
    parser.add_argument("--table", help="prompts.csv")
    parser.add_argument("--pictures", help="folder with 00000.png, 00001.png …, one per row")
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
    if args.table:
        rows = list(csv.DictReader(open(args.table)))
        words = [n for n in names if n in rows[0]]
        places = [names.index(n) for n in words]
        asked = torch.tensor([[stream.words[n].index(row[n]) for n in words] for row in rows])
        open_ = lambda i: Image.open(os.path.join(args.pictures, f"{i:05}.png")).convert("RGB").resize((128, 128), Image.BOX)
        pictures = torch.stack([torch.from_numpy(np.asarray(open_(i)).copy()) for i in range(len(rows))])
        found = told(judge, pictures.permute(0, 3, 1, 2).float() / 255)[:, places]
        figures[f"{len(rows)} prompts"] = rates(found, asked, words)
        figures["the same with prompts exchanged"] = rates(found, asked.roll(len(rows) // 2, 0), words)
    for title, part in figures.items():
        print(title)
        for name, rate in part.items():
            print(f"  {name:36} {rate:6.1%}")
    if args.output:
        json.dump(figures, open(args.output, "w"), indent=2)


if __name__ == "__main__":
    main()
