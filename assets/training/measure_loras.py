"""What a LoRA changes: the same prompts and seeds with it and without it, made by `graph-run`.

The judge tells which manner of drawing it sees in each picture.
"""

import argparse
import json
import os

import numpy as np
import torch
from PIL import Image

from measure_prompts import load_judge, told
from stream import Stream


def pictures(folder):
    names = sorted(n for n in os.listdir(folder) if n.endswith(".png") and n[:-4].isdigit())
    all = [np.asarray(Image.open(os.path.join(folder, n)).convert("RGB")).copy() for n in names]
    return torch.stack([torch.from_numpy(p) for p in all]).permute(0, 3, 1, 2).float() / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judge", required=True, help="judge.final.pt")
    parser.add_argument("--program", required=True, help="the drawing program")
    parser.add_argument("--without", required=True, help="folder of pictures without a LoRA")
    parser.add_argument("--with", dest="with_", nargs="+", required=True, metavar="LOOK=FOLDER")
    parser.add_argument("--output", help="where the figures go, as JSON")
    args = parser.parse_args()
    judge = load_judge(args.judge)
    stream = Stream(args.program, 128, 1, 1)
    stream.close()
    names, looks = list(stream.words), stream.words["look"]
    at = names.index("look")
    plain, figures = pictures(args.without), {}
    for one in args.with_:
        look, folder = one.split("=", 1)
        other = pictures(folder)
        is_ = lambda x: float((told(judge, x)[:, at] == looks.index(look)).float().mean())
        figures[look.replace(" ", "-")] = {
            "pictures": len(other), "seen as this look, with": is_(other), "seen as this look, without": is_(plain),
            "mean difference of pixels": float((other - plain).abs().mean()),
        }
    print(json.dumps(figures, indent=1))
    if args.output:
        json.dump(figures, open(args.output, "w"), indent=1)


if __name__ == "__main__":
    main()
