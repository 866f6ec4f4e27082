"""Writes the finished models as files of 16-bit numbers, in the layouts of their big relatives.

The autoencoder's latents are brought to the scale that Stable Diffusion 1.5 has written into its code: what the
encoder gives times 0.18215 spreads as the network was trained on.
"""

import argparse
import os

import torch
from safetensors.torch import save_file

from clip import Clip
from lora import published_name

SCALE = 0.18215


def checkpoint(vae, base):
    w = {f"first_stage_model.{k}": v.clone() for k, v in vae["vae"].items()}
    turn = vae["scale"] / SCALE
    for part in ("weight", "bias"):
        name = f"first_stage_model.quant_conv.{part}"
        w[name][:4] *= turn
    w["first_stage_model.quant_conv.bias"][4:] += 2 * torch.log(torch.tensor(turn))
    w["first_stage_model.post_quant_conv.weight"] /= turn
    w |= {f"model.diffusion_model.{k}": v for k, v in base["unet"].items()}
    w |= {f"cond_stage_model.transformer.{k}": v for k, v in base["text"].items()}
    return w


def lora(kept):
    """A LoRA by the names kohya's trainer gives, from the averaged changes."""
    w, average = {}, iter(kept["ema"])
    names = [k for k in kept["models"]["changes"] if k.endswith((".down.weight", ".up.weight"))]
    for name in names:
        layer, which, _ = name.rsplit(".", 2)
        flat = "lora_unet_" + published_name(layer.replace("/", ".")).replace(".", "_")
        value = next(average)
        w[f"{flat}.lora_{which}.weight"] = value
        if which == "down":
            w[f"{flat}.alpha"] = torch.tensor(float(value.shape[0]))
    return w


def write(folder, name, weights, title):
    half = {k: v.detach().half().contiguous() for k, v in sorted(weights.items()) if "num_batches_tracked" not in k}
    for k, v in half.items():
        if not torch.isfinite(v).all():
            raise SystemExit(f"{name}: {k} does not fit 16-bit numbers")
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    save_file(half, path, {"title": title, "licence": "MIT OR Apache-2.0", "made_by": "assets/training of Kiln"})
    print(f"{name}: {os.path.getsize(path) / 1e6:.2f} MB, {sum(v.numel() for v in half.values()) / 1e6:.2f} M")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="source", required=True, help="folder of the finished runs (*.final.pt, lora-*.pt)")
    parser.add_argument("--to", required=True, help="assets/models")
    args = parser.parse_args()
    at = lambda name: os.path.join(args.source, name)
    load = lambda name: torch.load(at(name), weights_only=False)
    for name in sorted(os.listdir(args.source)):
        if name == "unet.final.pt":
            write(args.to, "checkpoints/kiln-characters.safetensors", checkpoint(load("vae.final.pt"), load(name)), "Kiln characters")
        elif name.startswith("lora-") and name.endswith(".pt") and "final" not in name:
            look = name[5:-3]
            write(args.to, f"loras/kiln-{look}.safetensors", lora(load(name)), f"Kiln: {look.replace('-', ' ')}")
        elif name == "upscaler.final.pt":
            write(args.to, "upscale_models/kiln-upscale-x4.safetensors", load(name)["net"], "Kiln upscaler x4")
        elif name == "matte.final.pt":
            write(args.to, "background_removal/kiln-cutout.safetensors", load(name)["net"], "Kiln cut-out")
        elif name == "clip.final.pt":
            clip = Clip()
            clip.load_state_dict(load(name)["clip"])
            write(args.to, "clip_vision/kiln-clip.safetensors", clip.published(), "Kiln CLIP")


if __name__ == "__main__":
    main()
