"""Trains the denoising network, and the text encoder further, on latents of the finished autoencoder.

Called again it goes on where it stopped. Called with `--only-fill`, beside it or before, it draws and encodes the
pictures to learn from.
"""

import time

import torch

from common import Run, arguments, sheet
from diffusion import Times, noised, sample
from latents import Latents
from stream import Stream
from text import Text, Tokens
from unet import Unet
from vae import Vae


def main():
    parser = arguments(__doc__, steps=40000, batch=32, rate=8e-4)
    parser.add_argument("--vae", required=True, help="the finished autoencoder: vae.final.pt")
    parser.add_argument("--text", required=True, help="the text encoder taught before: text.pt")
    parser.add_argument("--pool", type=int, default=40000, help="how many pictures are kept encoded")
    parser.add_argument("--fill", type=int, default=4000, help="how many have to be there before it begins")
    parser.add_argument("--only-fill", action="store_true", help="draw and encode pictures until the pool is full")
    args = parser.parse_args()
    kept = torch.load(args.vae, weights_only=True)
    vae = Vae().eval()
    vae.load_state_dict(kept["vae"])
    scale = kept["scale"]
    unet, text, tokens = Unet(), Text(), Tokens()
    text.load_state_dict(torch.load(args.text, weights_only=False)["models"]["text"])
    empty = tokens([""])
    latents = Latents(f"{args.out}/latents.bin", vae, scale, tokens, args.pool)
    if args.only_fill:
        stream = Stream(args.program, 128, 16, args.seed + 7 + latents.count)
        latents.begin(f"{args.out}/latents.json", stream)
        while latents.count < args.pool:
            latents.more()
            if latents.count % 1600 == 0:
                print(f"latents {latents.count}", flush=True)
        return
    while latents.count < args.fill:
        time.sleep(5)
        latents.look()
    run = Run("unet", args, {"unet": unet, "text": text}, slower={"text": 0.1}, ema=0.9995)
    random = torch.Generator().manual_seed(args.seed + run.step)
    times, looks = Times(), None
    while not run.over():
        if run.step % 100 == 0 and latents.count < args.pool:
            latents.look()
        z, ids = latents.batch(args.batch, random)
        ids[torch.rand(args.batch, generator=random) < 0.1] = empty
        t, weight = times.draw(args.batch, random)
        noise = torch.randn(z.shape, generator=random)
        with torch.autocast("cpu", torch.bfloat16):
            found = unet(noised(z, noise, t), t, text(ids))
        errors = (found.float() - noise).square().mean((1, 2, 3))
        run.update((errors * weight).mean(), weighted=(errors * weight).mean(), noise=errors.mean(), pool=latents.count / 1000)
        if run.step % 1000 == 0:
            if looks is None:
                looks = next(Stream(args.program, 128, 32, 99, split="held-out"))["captions"]
                open(f"{args.out}/unet.txt", "w").write("\n".join(looks))
            with torch.no_grad(), run.averaged():
                z = sample(unet, text(tokens(looks)), text(empty))
                back = vae.decode(z / scale)
            sheet(f"{args.out}/unet.png", back * 0.5 + 0.5)


if __name__ == "__main__":
    main()
