"""Trains the autoencoder: pictures of 128x128 to latents of 16x16x4 and back."""

import torch
import torch.nn.functional as F

from common import Run, arguments, sheet
from stream import Mixed
from vae import Vae


def slopes(x):
    return x[..., :, 1:] - x[..., :, :-1], x[..., 1:, :] - x[..., :-1, :]


def main():
    args = arguments(__doc__, steps=22000, batch=4, rate=5e-4).parse_args()
    vae = Vae()
    run = Run("vae", args, {"vae": vae})
    samples = run.learns_from(Mixed(args.program, 128, args.batch, args.seed + 1000 * run.step, others=1))
    while not run.over():
        x = next(samples)["image"] * 2 - 1
        with torch.autocast("cpu", torch.bfloat16):
            mean, logvar = vae.encode(x)
            mean, logvar = mean.float(), logvar.float()
            z = mean + torch.randn_like(mean) * torch.exp(0.5 * logvar)
            y = vae.decode(z)
        y = y.float()
        pixels = (y - x).abs().mean()
        edges = sum((a - b).abs().mean() for a, b in zip(slopes(y), slopes(x)))
        coarse = (F.avg_pool2d(y, 4) - F.avg_pool2d(x, 4)).abs().mean()
        squares = F.mse_loss(y, x)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        loss = pixels + edges + 0.5 * coarse + squares + 2e-4 * kl
        mse = F.mse_loss(y.detach().clamp(-1, 1), x) / 4
        run.update(loss, pixels=pixels, edges=edges, kl=kl, psnr=-10 * torch.log10(mse))
        if run.step % 500 == 0:
            with torch.no_grad(), run.averaged():
                back = vae.decode(vae.encode(x[:16])[0])
            sheet(f"{args.out}/vae.png", torch.cat([x[:8], back[:8], x[8:16], back[8:16]]) * 0.5 + 0.5)


if __name__ == "__main__":
    main()
