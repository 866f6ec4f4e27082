"""Pictures drawn, encoded and kept in one file, so that the denoising network never waits for the encoder."""

import os

import numpy as np
import torch

RECORD = 4 * 16 * 16 * 2 + 77 * 2


class Latents:
    """A pool of latents with the tokens of their captions; it grows to `most` and then renews itself slowly."""

    def __init__(self, path, vae, scale, stream, tokens, most):
        self.vae, self.scale, self.stream, self.tokens, self.most = vae, scale, stream, tokens, most
        new = not os.path.exists(path)
        with open(path, "ab") as file:
            file.truncate(most * RECORD)
        self.raw = np.memmap(path, np.uint8, "r+", shape=(most, RECORD))
        # The first token of a caption is never 0, so an empty record shows.
        filled = 0 if new else int((self.ids(slice(None))[:, 0] != 0).sum())
        self.count, self.next = filled, filled % most

    def ids(self, at):
        return self.raw[at][:, -154:].copy().view("<u2")

    @torch.no_grad()
    def more(self):
        """A batch of new pictures."""
        batch = next(self.stream)
        with torch.autocast("cpu", torch.bfloat16):
            mean, _ = self.vae.encode(batch["image"] * 2 - 1)
        z = (mean.float() * self.scale).half().numpy().reshape(len(mean), -1)
        ids = self.tokens(batch["captions"]).numpy().astype("<u2")
        for one, words in zip(z, ids):
            self.raw[self.next] = np.concatenate([one.view(np.uint8), words.view(np.uint8)])
            self.next = (self.next + 1) % self.most
            self.count = min(self.count + 1, self.most)

    def batch(self, n, random):
        at = torch.randint(self.count, (n,), generator=random).numpy()
        z = torch.from_numpy(self.raw[at][:, :-154].copy().view(np.float16).reshape(n, 4, 16, 16))
        return z.float(), torch.from_numpy(self.ids(at).astype(np.int64))
