"""Noise levels as Stable Diffusion 1.5 has them, and a plain sampler to look at what was learned so far."""

import torch

BETAS = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
ALPHAS = torch.cumprod(1 - BETAS, 0).float()


def noised(z, noise, t):
    a = ALPHAS[t][:, None, None, None]
    return a.sqrt() * z + (1 - a).sqrt() * noise


class Times:
    """Which noise levels to learn from, and what each sample counts.

    The loss is weighted as in Min-SNR (for a network that predicts the noise). Half of that weight is given by drawing
    levels that count more often than those that count little, so that fewer samples are spent on what hardly counts.
    """

    def __init__(self, gamma=5.0):
        snr = ALPHAS / (1 - ALPHAS)
        weight = snr.clamp(max=gamma) / snr
        self.often = weight.sqrt() / weight.sqrt().sum()
        self.counts = weight / (self.often * 1000)

    def draw(self, n, random):
        t = torch.multinomial(self.often, n, replacement=True, generator=random)
        return t, self.counts[t]


@torch.no_grad()
def sample(unet, context, empty, steps=20, cfg=5.0, seed=0, size=(16, 16)):
    """DDIM, eta 0."""
    n = context.shape[0]
    g = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, *size, generator=g)
    both = torch.cat([context, empty.expand(n, -1, -1)])
    times = torch.linspace(999, 0, steps + 1).round().long()[:-1]
    for i, t in enumerate(times):
        a = ALPHAS[t]
        b = ALPHAS[times[i + 1]] if i + 1 < steps else torch.tensor(1.0)
        with torch.autocast("cpu", torch.bfloat16):
            eps = unet(torch.cat([x, x]), torch.full((2 * n,), int(t)), both).float()
        yes, no = eps.chunk(2)
        eps = no + cfg * (yes - no)
        clean = (x - (1 - a).sqrt() * eps) / a.sqrt()
        x = b.sqrt() * clean + (1 - b).sqrt() * eps
    return x
