"""Trains a LoRA: the base stays as it is and learns to draw in another look."""

import torch

from common import Run, arguments, sheet
from diffusion import Times, noised, sample
from latents import Latents
from lora import attach
from stream import Stream
from text import Text, Tokens
from unet import Unet
from vae import Vae


def main():
    parser = arguments(__doc__, steps=1000, batch=16, rate=2e-3)
    parser.add_argument("--vae", required=True, help="the finished autoencoder: vae.final.pt")
    parser.add_argument("--base", required=True, help="the finished base: unet.final.pt")
    parser.add_argument("--look", required=True)
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--pool", type=int, default=2500)
    parser.add_argument("--only-fill", action="store_true", help="draw and encode the pictures only")
    args = parser.parse_args()
    kept = torch.load(args.vae, weights_only=True)
    vae, unet, text, tokens = Vae().eval(), Unet(), Text(), Tokens()
    vae.load_state_dict(kept["vae"])
    name = "lora-" + args.look.replace(" ", "-")
    latents = Latents(f"{args.out}/{name}.bin", vae, kept["scale"], tokens, args.pool)
    if latents.count < args.pool:
        stream = Stream(args.program, 128, 16, args.seed + 41 + latents.count, look=args.look)
        latents.begin(f"{args.out}/{name}.json", stream)
    while latents.count < args.pool:
        latents.more()
    if args.only_fill:
        return
    base = torch.load(args.base, weights_only=True)
    unet.load_state_dict(base["unet"])
    text.load_state_dict(base["text"])
    changes = attach(unet, args.rank)
    run = Run(name, args, {"changes": changes}, ema=0.998)
    random, times, empty = torch.Generator().manual_seed(args.seed + run.step), Times(), tokens([""])
    looks = next(Stream(args.program, 128, 16, 98, split="held-out"))["captions"]
    while not run.over():
        z, ids = latents.batch(args.batch, random)
        ids[torch.rand(args.batch, generator=random) < 0.1] = empty
        t, weight = times.draw(args.batch, random)
        noise = torch.randn(z.shape, generator=random)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            words = text(ids)
        with torch.autocast("cpu", torch.bfloat16):
            found = unet(noised(z, noise, t), t, words)
        errors = (found.float() - noise).square().mean((1, 2, 3))
        run.update((errors * weight).mean(), weighted=(errors * weight).mean())
        if run.step % 500 == 0:
            with torch.no_grad(), run.averaged():
                z = sample(unet, text(tokens(looks)), text(empty))
                sheet(f"{args.out}/{name}.png", vae.decode(z / kept["scale"]) * 0.5 + 0.5)


if __name__ == "__main__":
    main()
