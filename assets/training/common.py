"""What every training program here does: settings, pausing and going on, averages, sheets to look at."""

import argparse
import os
import time

import torch

torch.set_num_threads(int(os.environ.get("THREADS", "2")))


def arguments(doc, steps, batch, rate):
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--program", required=True, help="the drawing program: target/release/kiln-characters")
    parser.add_argument("--out", required=True, help="folder for checkpoints and sheets")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--rate", type=float, default=rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so long; the next call goes on")
    return parser


class Run:
    """A training run that survives being stopped: what it needs to go on lies in one file."""

    def __init__(self, name, args, models, ema=0.999, slower=None):
        os.makedirs(args.out, exist_ok=True)
        self.args, self.models, self.name = args, models, name
        self.path = os.path.join(args.out, f"{name}.pt")
        self.parameters = [p for m in models.values() for p in m.parameters() if p.requires_grad]
        self.slower = slower or {}
        groups = [
            {"params": [p for p in m.parameters() if p.requires_grad], "share": self.slower.get(key, 1.0)}
            for key, m in models.items()
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.99), weight_decay=1e-3)
        self.ema_rate = ema
        self.step, self.spent = 0, 0.0
        torch.manual_seed(args.seed)
        self.ema = [p.detach().clone() for p in self.parameters]
        if os.path.exists(self.path):
            kept = torch.load(self.path, weights_only=False)
            for key, model in models.items():
                model.load_state_dict(kept["models"][key])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.ema, self.step, self.spent = kept["ema"], kept["step"], kept["spent"]
            torch.manual_seed(args.seed + self.step)
            print(f"{name}: going on at step {self.step}", flush=True)
        self.drawn, self.samples = kept.get("drawn", []) if self.step else [], None
        self.begun = self.saved = self.told = time.time()
        self.sums, self.count = {}, 0

    def learns_from(self, samples):
        """Every picture a network learns from is in its log: what was drawn is kept with the weights."""
        self.samples = samples
        return samples

    def rate(self):
        args, warm = self.args, 200
        done = self.step / args.steps
        return args.rate * min(1.0, (self.step + 1) / warm) * max(0.02, min(1.0, (1 - done) / 0.3))

    def over(self):
        return self.step >= self.args.steps or (time.time() - self.begun) > self.args.minutes * 60

    def update(self, loss, /, **figures):
        """One step: the gradient of the loss, clipped; the average of the weights follows."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate() * group.get("share", 1.0)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.step += 1
        decay = min(self.ema_rate, self.step / (self.step + 20))
        torch._foreach_lerp_(self.ema, [p.detach() for p in self.parameters], 1 - decay)
        for key, value in figures.items():
            self.sums[key] = self.sums.get(key, 0.0) + float(torch.as_tensor(value).detach())
        self.count += 1
        if self.count == 50:
            now = time.time()
            words = " ".join(f"{k} {v / 50:.4f}" for k, v in self.sums.items())
            print(f"{self.name} {self.step} {words} {50 * self.args.batch / (now - self.told):.1f}/s", flush=True)
            self.sums, self.count, self.told = {}, 0, now
        if time.time() - self.saved > 120 or self.over():
            self.save()

    def save(self):
        now = time.time()
        self.spent += now - self.saved
        self.saved = now
        kept = {
            "models": {k: m.state_dict() for k, m in self.models.items()},
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema,
            "step": self.step,
            "spent": self.spent,
            "drawn": self.drawn + (self.samples.log() if self.samples else []),
        }
        torch.save(kept, self.path + ".new")
        os.replace(self.path + ".new", self.path)

    def averaged(self):
        """Puts the averaged weights into the models while a `with` block lasts."""
        return Averaged(self)


class Averaged:
    def __init__(self, run):
        self.run = run

    def __enter__(self):
        self.kept = [p.detach().clone() for p in self.run.parameters]
        torch._foreach_copy_([p.data for p in self.run.parameters], self.run.ema)

    def __exit__(self, *_):
        torch._foreach_copy_([p.data for p in self.run.parameters], self.kept)


def sheet(path, pictures, columns=8):
    """Pictures [n, 3, h, w] in 0..1 side by side, as a PNG."""
    from PIL import Image

    n, _, h, w = pictures.shape
    rows = (n + columns - 1) // columns
    page = torch.ones(3, rows * h, columns * w)
    for i, picture in enumerate(pictures):
        r, c = divmod(i, columns)
        page[:, r * h : (r + 1) * h, c * w : (c + 1) * w] = picture
    data = (page.clamp(0, 1) * 255 + 0.5).byte().permute(1, 2, 0).contiguous().numpy()
    Image.fromarray(data).save(path)
