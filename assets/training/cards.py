"""Writes the models' cards and the logs of what they learned from, beside the models.

Each part of a log is drawn again, so that its hash is the drawing program's own and not a promise of the trainer.
"""

import argparse
import hashlib
import json
import os
import subprocess

import torch
from blake3 import blake3

LICENCE = "MIT OR Apache-2.0"
MACHINE = "two AMD EPYC cores, no graphics card; PyTorch 2 on the processor, 16-bit sums"


def hashed(program, part, known):
    """A part of a log with the hash of its records; what a log beside the model has already is not drawn again."""
    for old in known:
        if all(old[k] == part[k] for k in ("seed", "size", "look", "split", "count")):
            return old
    command = [program, "log"] + [str(x) for k in ("seed", "size", "look", "split", "count") for x in (f"--{k}", part[k])]
    line = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    told = json.loads(line)
    return part | {"blake3_of_records": told["blake3_of_records"], "program": told["program"]}


def mixed(seed, steps, usual, others):
    """What a `Mixed` stream gave in so many steps."""
    parts = [{"seed": seed, "size": 128, "look": "usual", "split": "train", "count": usual * steps}]
    for i, look in enumerate(("legendary gold", "night", "pixel art")):
        count = others * len(range(i, steps, 3))
        parts.append({"seed": seed + 1 + i, "size": 128, "look": look, "split": "train", "count": count})
    return [p for p in parts if p["count"]]


def vae_parts(kept):
    """The first runs of the autoencoder kept no list: where they went on tells what they drew."""
    tracked = kept["about"]["drawn"] or []
    first = min(p["seed"] for p in tracked) // 1000 if tracked else kept["about"]["step"]
    marks = [0, 829, 1567, 1747, 3115, first]
    early = [p for a, b in zip(marks, marks[1:]) for p in mixed(1 + 1000 * a, b - a, 3, 1)]
    return early + tracked


def pool_parts(path, total):
    """What fills a pool of latents: each stream as far as the next one's beginning."""
    starts = json.load(open(path))
    ends = [s["from"] for s in starts[1:]] + [total]
    return [{k: s[k] for k in ("seed", "size", "look", "split")} | {"count": e - s["from"]} for s, e in zip(starts, ends) if e > s["from"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", required=True, help="folder of the finished runs")
    parser.add_argument("--models", required=True, help="assets/models, as export.py wrote it")
    parser.add_argument("--figures", required=True, help="folder with prompts.json, models.json, loras.json")
    parser.add_argument("--program", required=True, help="the drawing program")
    parser.add_argument("--only", help="only the model of this name")
    args = parser.parse_args()
    load = lambda name: torch.load(os.path.join(args.source, name), weights_only=False)

    def figures(name):
        path = os.path.join(args.figures, name)
        return json.load(open(path)) if os.path.exists(path) else {}

    prompts, models, loras = figures("prompts.json"), figures("models.json"), figures("loras.json")
    about = lambda name: load(name)["about"]
    recipe = lambda program, a, **more: {
        "program": f"assets/training/{program}", "steps": a["step"], "hours": round(a["spent"] / 3600, 2), "machine": MACHINE,
    } | more
    cards = {}
    if os.path.exists(os.path.join(args.source, "unet.final.pt")):
        vae, unet, text = load("vae.final.pt"), about("unet.final.pt"), torch.load(os.path.join(args.source, "text.pt"), weights_only=False)
        decoder = vae["about"].get("decoder")
        parts = {
            "autoencoder": vae_parts(vae) + (decoder["drawn"] if decoder else []),
            "text encoder, first": [{"seed": 12, "size": 8, "look": "usual", "split": "train", "count": text["step"] * 64}],
            "denoising network and text encoder": pool_parts(os.path.join(args.source, "latents.json"), 40000),
        }
        cards["checkpoints/kiln-characters"] = {
            "title": "Kiln characters", "what": "Latent diffusion in the layout of Stable Diffusion 1.5, small: characters of ten kinds by their traits, 128x128, 20 steps, CFG 3.",
            "recipe": [
                recipe("train_vae.py", vae["about"], batch=4, rate=5e-4, seed=1),
                recipe("train_text.py", {"step": text["step"], "spent": text["spent"]}, seed=1),
                recipe("train_unet.py", unet, batch=32, rate=8e-4, seed=1),
            ] + ([recipe("train_decoder.py", decoder, batch=4, rate=4e-4, seed=1)] if decoder else []),
            "figures": prompts,
            "again": "assets/training/README.md, \"How well do they do\": kiln-characters prompts, graph-run, measure_prompts.py",
            "limits": "Knows only the words of its captions (kiln-characters sheet --list), drawn in one manner; other words mean nothing to it.",
        }, parts
    for look in ("legendary-gold", "night", "pixel-art"):
        name = f"lora-{look}.pt"
        if os.path.exists(os.path.join(args.source, name)):
            kept = load(name)
            cards[f"loras/kiln-{look}"] = {
                "title": f"Kiln: {look.replace('-', ' ')}", "what": f"A LoRA (kohya's names, rank 4) that gives the characters another look: {look.replace('-', ' ')}.",
                "base": "checkpoints/kiln-characters.safetensors",
                "recipe": [recipe("train_lora.py", {"step": kept["step"], "spent": kept["spent"]}, batch=16, rate=2e-3, seed=1)],
                "figures": loras.get(look, {}), "again": "assets/training/README.md: measure_loras.py",
            }, {"LoRA": pool_parts(os.path.join(args.source, f"lora-{look}.json"), 2500)}
    for key, run, place, script, title, what in (
        ("upscaler", "upscaler.final.pt", "upscale_models/kiln-upscale-x4", "train_upscaler.py", "Kiln upscaler x4", "Four times larger, in RRDBNet's layout (ESRGAN), for pictures with lines and flat colours."),
        ("cutout", "matte.final.pt", "background_removal/kiln-cutout", "train_matte.py", "Kiln cut-out", "Finds the character in a picture, in the layout of U2-NetP."),
        ("clip", "clip.final.pt", "clip_vision/kiln-clip", "train_clip.py", "Kiln CLIP", "Tells how well a picture of a character fits a text, in the layout of CLIP."),
    ):
        if os.path.exists(os.path.join(args.source, run)):
            a = about(run)
            cards[place] = {
                "title": title, "what": what, "recipe": [recipe(script, a, seed=1)], "figures": models.get(key, {}),
                "again": "assets/training/README.md: measure_models.py",
            }, {"all": a["drawn"]}
    for place, (card, parts) in cards.items():
        if args.only and args.only not in place:
            continue
        path = os.path.join(args.models, place + ".safetensors")
        data = open(path, "rb").read()
        kept = os.path.join(args.models, place + ".data.json")
        known = [p for v in json.load(open(kept))["parts"].values() for p in v] if os.path.exists(kept) else []
        log = {"drawn_by": "assets/characters", "licence": LICENCE, "parts": {k: [hashed(args.program, p, known) for p in v] for k, v in parts.items()}}
        text = json.dumps(log, indent=1) + "\n"
        name = os.path.basename(place)
        open(os.path.join(args.models, place + ".data.json"), "w").write(text)
        count = sum(p["count"] for v in log["parts"].values() for p in v)
        whole = {
            "title": card.pop("title"), "what": card.pop("what"), "file": f"{name}.safetensors", "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(), "blake3": blake3(data).hexdigest(), "licence": LICENCE,
            "data_log": {
                "file": f"{name}.data.json", "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "about": f"{count:,} drawings of the project's own, nothing else",
            },
        } | card
        json.dump(whole, open(os.path.join(args.models, place + ".card.json"), "w"), indent=1, ensure_ascii=False)
        open(os.path.join(args.models, place + ".card.json"), "a").write("\n")
        print(place, f"{len(data) / 1e6:.2f} MB", f"{count} drawings", flush=True)


if __name__ == "__main__":
    main()
