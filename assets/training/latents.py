"""Pictures drawn, encoded and kept in one file, so that the denoising network never waits for the encoder.

One process fills the pool (`train_unet.py --only-fill`), another may learn from what is there already. Which pictures
they were is in `latents.json` beside it.
"""

import json
import os

import numpy as np
import torch

RECORD = 4 * 16 * 16 * 2 + 77 * 2


class Latents:
    """A pool of up to `most` latents with the tokens of their captions."""

    def __init__(self, path, vae, scale, tokens, most):
        self.vae, self.scale, self.tokens, self.most = vae, scale, tokens, most
        new = not os.path.exists(path)
        with open(path, "ab") as file:
            file.truncate(most * RECORD)
        self.raw = np.memmap(path, np.uint8, "r+", shape=(most, RECORD))
        self.count = 0
        if not new:
            self.look()
        self.next = self.count % most

    def look(self):
        """How many are there now: another process may be filling the pool."""
        # The first token of a caption is never 0, so an empty record shows.
        self.count = int((self.raw[:, -154:-152].view("<u2") != 0).sum())

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
        for one, words in zip(z[: self.most - self.count], ids):
            self.raw[self.next] = np.concatenate([one.view(np.uint8), words.view(np.uint8)])
            self.next += 1
            self.count += 1

    def begin(self, path, stream):
        """From here on this stream fills the pool; where it began is written down."""
        self.stream = stream
        log = json.load(open(path)) if os.path.exists(path) else []
        json.dump(log + [stream.what | {"from": self.count}], open(path, "w"))

    def batch(self, n, random):
        at = torch.randint(self.count, (n,), generator=random).numpy()
        z = torch.from_numpy(self.raw[at][:, :-154].copy().view(np.float16).reshape(n, 4, 16, 16))
        return z.float(), torch.from_numpy(self.ids(at).astype(np.int64))
