"""Samples from the drawing program, straight from its pipe: nothing is stored.

`kiln-characters stream` writes a header and then records of one length (see `assets/characters/src/stream.rs`). The
same seed gives the same samples.
"""

import json
import queue
import subprocess
import threading

import numpy as np
import torch


def read(pipe, count):
    data = pipe.read(count)
    if len(data) != count:
        raise EOFError("the drawing program stopped early")
    return data


class Stream:
    """An endless iterator of batches: dict(image [n,3,s,s] in 0..1, alpha [n,1,s,s], traits [n,t], captions)."""

    def __init__(self, program, size, batch, seed, look="usual", split="train", ahead=3, threads=1):
        self.command = [program, "stream", "--size", size, "--seed", seed, "--look", look, "--split", split]
        self.command = [str(x) for x in self.command + ["--count", 10**12, "--threads", threads]]
        self.batch, self.used = batch, 0
        self.what = {"seed": seed, "size": size, "look": look, "split": split}
        self.queue = queue.Queue(ahead)
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, bufsize=1 << 20)
        if read(self.process.stdout, 8) != b"KILNCHR1":
            raise ValueError("this is no stream of drawings")
        self.about = json.loads(read(self.process.stdout, int.from_bytes(read(self.process.stdout, 4), "little")))
        self.words = {t["name"]: t["words"] for t in self.about["traits"]}
        threading.Thread(target=self.fill, daemon=True).start()

    def fill(self):
        size, length = self.about["size"], self.about["record_bytes"]
        at = {layer["name"]: slice(layer["offset"], layer["offset"] + layer["length"]) for layer in self.about["layers"]}
        while True:
            raw = np.frombuffer(read(self.process.stdout, length * self.batch), np.uint8).reshape(self.batch, length)
            part = lambda name: raw[:, at[name]]
            lengths = part("caption_length").copy().view("<u2")[:, 0]
            captions = [bytes(c[:n]).decode() for c, n in zip(part("caption"), lengths)]
            image = torch.from_numpy(part("rgb").reshape(self.batch, size, size, 3).copy())
            alpha = torch.from_numpy(part("alpha").reshape(self.batch, 1, size, size).copy())
            self.queue.put({
                "image": image.permute(0, 3, 1, 2).float() / 255,
                "alpha": alpha.float() / 255,
                "traits": torch.from_numpy(part("traits").copy()).long(),
                "captions": captions,
            })

    def __iter__(self):
        return self

    def __next__(self):
        self.used += self.batch
        return self.queue.get()

    def log(self):
        """What was drawn and used so far; `kiln-characters log` with the same numbers gives its hash."""
        return [self.what | {"count": self.used}]

    def close(self):
        self.process.kill()


LOOKS = ("legendary gold", "night", "pixel art")


class Mixed:
    """As `Stream`, but the last `others` samples of each batch are in another look, in turn."""

    def __init__(self, program, size, batch, seed, others, split="train"):
        self.usual = Stream(program, size, batch - others, seed, split=split)
        self.looks = [Stream(program, size, others, seed + 1 + i, look=look, split=split) for i, look in enumerate(LOOKS)]
        self.words, self.turn = self.usual.words, 0

    def __next__(self):
        a, b = next(self.usual), next(self.looks[self.turn % len(self.looks)])
        self.turn += 1
        both = {key: torch.cat([a[key], b[key]]) for key in ("image", "alpha", "traits")}
        return both | {"captions": a["captions"] + b["captions"]}

    def log(self):
        return [line for stream in (self.usual, *self.looks) for line in stream.log()]
