"""Reference results for the tiny autoencoder: diffusers' AutoencoderTiny with random weights.

    python taesd.py           writes taesd.json and taesd.f32 beside this file
"""
import torch
from diffusers import AutoencoderTiny

from common import Reference, normal


def main():
    torch.set_num_threads(1)
    ref = Reference("taesd")
    for case, latent, width in (("small", 4, 8), ("wide", 16, 12)):
        vae = AutoencoderTiny(encoder_block_out_channels=(width,) * 4, decoder_block_out_channels=(width,) * 4, latent_channels=latent).eval()
        names = dict(vae.named_parameters())
        made = ref.make(case, [(n, p.shape) for n, p in sorted(names.items())])
        with torch.no_grad():
            for n, p in names.items():
                p.copy_(torch.from_numpy(made[n]))
            for n, h, w in ((1, 3, 5), (2, 4, 2)):
                z = torch.from_numpy(normal(f"z_{n}x{h}x{w}", [n, latent, h, w], 3.0))
                # diffusers' pictures are -1 to 1, those of the network itself 0 to 1.
                ref.result(f"{case}/decode/{n}x{h}x{w}", (vae.decode(z).sample + 1) / 2)
            for n, h, w in ((1, 24, 40), (2, 13, 9)):
                x = torch.from_numpy(normal(f"x_{n}x{h}x{w}", [n, 3, h, w], 0.3))
                ref.result(f"{case}/encode/{n}x{h}x{w}", vae.encode(x * 2 - 1).latents)
    ref.write()


if __name__ == "__main__":
    main()
