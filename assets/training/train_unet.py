"""Trains the denoising network and the text encoder together, on latents of the finished autoencoder."""

import torch

from common import Run, arguments, sheet
from diffusion import noised, sample, weight
from stream import Stream
from text import Text, Tokens
from unet import Unet
from vae import Vae


class Latents:
    """Pictures drawn, encoded and kept: the more there are, the fewer new ones each batch gets."""

    def __init__(self, vae, scale, stream, tokens, most=60000):
        self.vae, self.scale, self.stream, self.tokens, self.most = vae, scale, stream, tokens, most
        self.z = torch.empty(most, 4, 16, 16, dtype=torch.float16)
        self.ids = torch.empty(most, 77, dtype=torch.int32)
        self.count = self.seen = 0

    @torch.no_grad()
    def more(self):
        batch = next(self.stream)
        x = batch["image"].to(memory_format=torch.channels_last) * 2 - 1
        with torch.autocast("cpu", torch.bfloat16):
            mean, _ = self.vae.encode(x)
        z, ids = (mean.float() * self.scale).half(), self.tokens(batch["captions"]).int()
        for one, words in zip(z, ids):
            at = self.seen % self.most
            self.z[at], self.ids[at] = one, words
            self.seen += 1
        self.count = min(self.seen, self.most)

    def batch(self, n, random):
        at = torch.randint(self.count, (n,), generator=random)
        return self.z[at].float(), self.ids[at].long()


def main():
    parser = arguments(__doc__, steps=20000, batch=48, rate=8e-4)
    parser.add_argument("--vae", required=True, help="the autoencoder's checkpoint, finished: vae.final.pt")
    args = parser.parse_args()
    kept = torch.load(args.vae, weights_only=True)
    vae = Vae().to(memory_format=torch.channels_last).eval()
    vae.load_state_dict(kept["vae"])
    scale = kept["scale"]
    unet, text, tokens = Unet().to(memory_format=torch.channels_last), Text(), Tokens()
    run = Run("unet", args, {"unet": unet, "text": text})
    latents = Latents(vae, scale, Stream(args.program, 128, 16, args.seed + 7 + 1000 * run.step), tokens)
    while latents.count < 512:
        latents.more()
    random = torch.Generator().manual_seed(args.seed + run.step)
    empty = tokens([""])
    looks = None
    while not run.over():
        if run.step % (2 if latents.seen < latents.most else 8) == 0:
            latents.more()
        z, ids = latents.batch(args.batch, random)
        drop = torch.rand(args.batch, generator=random) < 0.1
        ids[drop] = empty
        t = torch.randint(1000, (args.batch,), generator=random)
        noise = torch.randn(z.shape, generator=random)
        x = noised(z, noise, t).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = unet(x, t, text(ids))
        errors = (found.float() - noise).square().mean((1, 2, 3))
        run.update((errors * weight(t)).mean(), noise=errors.mean().detach(), fresh=latents.seen / 1000)
        if run.step % 500 == 0:
            if looks is None:
                words = next(Stream(args.program, 128, 24, 99, split="held-out"))
                looks = words["captions"]
                open(f"{args.out}/unet.txt", "w").write("\n".join(looks))
            with torch.no_grad(), run.averaged():
                z = sample(unet, text(tokens(looks)), text(empty))
                back = vae.decode(z.to(memory_format=torch.channels_last) / scale)
            sheet(f"{args.out}/unet.png", back * 0.5 + 0.5)


if __name__ == "__main__":
    main()
