"""Takes the averaged weights out of a training run: `finish.py NAME.pt` writes `NAME.final.pt`.

For the autoencoder it also measures how far its latents spread, so that the denoising network sees numbers of size one.
`finish.py decoder.pt` puts the decoder that was trained further into the `vae.final.pt` beside it.
"""

import argparse
import os

import torch

from stream import Mixed
from vae import Vae


def averaged(kept, models):
    """The weights of each model with its trained parameters replaced by their averages."""
    average = iter(kept["ema"])
    for key, model in models.items():
        model.load_state_dict(kept["models"][key])
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data.copy_(next(average))
    return {key: model.state_dict() for key, model in models.items()}


@torch.no_grad()
def spread(vae, program, pictures=512):
    samples, all = Mixed(program, 128, 32, 77, others=4), []
    while len(all) * 32 < pictures:
        mean, _ = vae.encode(next(samples)["image"] * 2 - 1)
        all.append(mean)
    return float(1 / torch.cat(all).std())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", help="what a training program keeps: vae.pt, unet.pt, …")
    parser.add_argument("--program", help="the drawing program (for the autoencoder)")
    args = parser.parse_args()
    kept = torch.load(args.run, weights_only=False)
    models, decoder = {}, os.path.basename(args.run) == "decoder.pt"
    if "vae" in kept["models"]:
        models["vae"] = Vae()
        if decoder:
            models["vae"].encoder.requires_grad_(False)
            models["vae"].quant_conv.requires_grad_(False)
    elif "unet" in kept["models"]:
        from text import Text
        from unet import Unet

        models = {"unet": Unet(), "text": Text()}
    elif "net" in kept["models"]:
        from rrdb import Upscaler
        from u2net import U2netp

        models["net"] = Upscaler() if "conv_first.weight" in kept["models"]["net"] else U2netp()
    elif "clip" in kept["models"]:
        from clip import Clip

        models["clip"] = Clip()
    elif "judge" in kept["models"]:
        from judge import Judge

        heads = [w.shape[0] for k, w in kept["models"]["judge"].items() if k.startswith("heads.") and w.dim() == 2]
        models["judge"] = Judge(heads)
    final = averaged(kept, models)
    final["about"] = {key: kept.get(key) for key in ("step", "spent", "drawn")}
    if decoder:
        # The encoder is the same, and so is the scale of its latents: the finished autoencoder gets the better decoder.
        path = os.path.join(os.path.dirname(args.run), "vae.final.pt")
        whole = torch.load(path, weights_only=True)
        whole["vae"], whole["about"]["decoder"] = final["vae"], final["about"]
        torch.save(whole, path)
        print(path)
        return
    if "vae" in models:
        final["scale"] = spread(models["vae"].eval(), args.program)
        print(f"scale of latents: {final['scale']:.5f}")
    path = args.run.removesuffix(".pt") + ".final.pt"
    torch.save(final, path)
    print(path)


if __name__ == "__main__":
    main()
