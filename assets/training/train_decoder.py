"""Trains the autoencoder's decoder further while its encoder stays as it is.

The denoising network learns from what the encoder gives; once that is settled, the decoder may still get sharper.
Like the encoder's samples, its latents are a little uncertain: that keeps it from falling for tiny slips of the
denoising network.
"""

import torch
import torch.nn.functional as F

from common import Run, arguments, sheet
from stream import Mixed
from train_vae import slopes
from vae import Vae


def main():
    parser = arguments(__doc__, steps=8000, batch=4, rate=4e-4)
    parser.add_argument("--vae", required=True, help="the finished autoencoder: vae.final.pt")
    args = parser.parse_args()
    vae = Vae()
    vae.load_state_dict(torch.load(args.vae, weights_only=True)["vae"])
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    run = Run("decoder", args, {"vae": vae})
    samples = run.learns_from(Mixed(args.program, 128, args.batch, args.seed + 500 + 1000 * run.step, others=1))
    while not run.over():
        x = next(samples)["image"] * 2 - 1
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                mean, logvar = vae.encode(x)
            z = mean.float() + 0.5 * torch.randn(mean.shape) * torch.exp(0.5 * logvar.float())
            y = vae.decode(z)
        y = y.float()
        pixels = (y - x).abs().mean()
        edges = sum((a - b).abs().mean() for a, b in zip(slopes(y), slopes(x)))
        squares = F.mse_loss(y, x)
        mse = F.mse_loss(y.detach().clamp(-1, 1), x) / 4
        run.update(pixels + edges + squares, pixels=pixels, edges=edges, psnr=-10 * torch.log10(mse))
        if run.step % 500 == 0:
            with torch.no_grad(), run.averaged():
                back = vae.decode(vae.encode(x[:16])[0])
            sheet(f"{args.out}/decoder.png", torch.cat([x[:8], back[:8]]) * 0.5 + 0.5)


if __name__ == "__main__":
    main()
