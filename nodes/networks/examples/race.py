"""A race of whole networks against torch: same weights, same threads, f32, taking turns; the best time of each counts.

    cargo build --release -p kiln-networks --example race
    python race.py TARGET/release/examples/race SD15.safetensors [SDXL.safetensors] [--threads N] [--turns N]

Needs torch, diffusers, transformers and safetensors; `cargo run --release -p kiln-oracle -- DIR` makes the checkpoints.
Prints seconds and the ratio ours / torch (below 1: ours is faster) for a forward, for loading (the first forward from
opening the file, less a warm one, with the file in the system's cache), and for the peak of resident memory. torch runs
with its fused attention, in inference mode. Each network runs in processes of its own on both sides.
"""
import argparse
import os
import resource
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [("SD 1.5 UNet, 64x64, batch 2", "unet", "sd15", 64, 2), ("VAE decode to 512x512", "vae", "sd15", 64, 1),
         ("CLIP-L, one prompt", "clip", "sd15", 0, 1), ("SDXL UNet, 64x64, batch 1", "unet", "sdxl", 64, 1)]


def torch_side(threads):
    """The other runner: reads the same commands as race.rs."""
    import torch
    torch.set_num_threads(threads)
    sys.path.insert(0, os.path.join(HERE, "..", "tests", "reference"))
    # Importing is not loading: it is done before the clock starts.
    from diffusers import AutoencoderKL, UNet2DConditionModel  # noqa: F401
    from safetensors import safe_open
    from transformers import CLIPTextConfig, CLIPTextModel
    forward = None

    def weights(path, prefix):
        with safe_open(path, "pt") as f:
            return {k[len(prefix):]: f.get_tensor(k).float() for k in f.keys() if k.startswith(prefix)}

    def opened(what, path, side, batch):
        if what == "unet":
            from full_unet import FULL
            from unet import build, modules, original, run
            state = weights(path, "model.diffusion_model.")
            config, adm = FULL["sdxl" if "label_emb.0.0.weight" in state else "sd15"]
            with torch.device("meta"):
                net = build(dict(config), adm)
            pairs = modules(config)
            net.load_state_dict({n: state.pop(original(n, pairs)).reshape(p.shape) for n, p in net.named_parameters()}, assign=True)
            net.eval()
            x, ctx = torch.randn(batch, 4, side, side), torch.randn(batch, 77, config["cross_attention_dim"])
            y, t = torch.randn(batch, adm) if adm else None, torch.tensor([500.0] * batch)
            return lambda: run(net, x, t, ctx, y)
        if what == "vae":
            from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
            with torch.device("meta"):
                net = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4,
                                    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
            state = weights(path, "first_stage_model.")
            net.load_state_dict(convert_ldm_vae_checkpoint({"first_stage_model." + k: v for k, v in state.items()}, net.config), assign=True)
            net.eval()
            z = torch.randn(batch, 4, side, side)
            return lambda: net.decode(z).sample
        state = weights(path, "cond_stage_model.transformer.")
        state.pop("text_model.embeddings.position_ids", None)
        with torch.device("meta"):
            net = CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                                               vocab_size=49408, max_position_embeddings=77, hidden_act="quick_gelu"))
        own = dict(net.named_parameters())
        named = {k if k in own else k.removeprefix("text_model."): v for k, v in state.items()}
        net.load_state_dict(named, assign=True, strict=False)
        for name, buffer in list(net.named_buffers()):
            if buffer.is_meta:
                parent = net.get_submodule(name.rpartition(".")[0])
                setattr(parent, name.rpartition(".")[2], torch.arange(77).expand((1, -1)))
        net.eval()
        ids = torch.arange(1000, 1077)[None].repeat(batch, 1)
        ids[:, -1] = 49407
        return lambda: net(ids).last_hidden_state

    with torch.inference_mode():
        for line in sys.stdin:
            words = line.split()
            begun = time.perf_counter()
            if words[0] == "open":
                forward = opened(words[1], words[2], int(words[3]), int(words[4]))
                forward()
                answer = time.perf_counter() - begun
            elif words[0] == "run":
                forward()
                answer = time.perf_counter() - begun
            elif words[0] == "memory":
                answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            else:
                break
            print(answer, flush=True)


class Runner:
    def __init__(self, command, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("sd15", nargs="?")
    p.add_argument("sdxl", nargs="?")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--turns", type=int, default=4)
    a = p.parse_args()
    if a.binary == "torch":
        return torch_side(a.threads)
    print(f"{'':32} {'torch':>9} {'ours':>9} {'ratio':>6}")
    for title, what, kind, side, batch in CASES:
        path = getattr(a, kind)
        if not path:
            continue
        with open(path, "rb") as f:
            while f.read(1 << 24):
                pass
        times, loads, peaks = {}, {}, {}
        # SDXL in f32 twice would not fit: one after the other.
        together = kind != "sdxl"
        sides = {"torch": [sys.executable, os.path.abspath(__file__), "torch", "--threads", str(a.threads)], "ours": [a.binary]}
        runners = {}
        for side_name, command in sides.items():
            r = runners[side_name] = Runner(command, a.threads)
            loads[side_name] = r.ask(f"open {what} {path} {side} {batch}")
            times[side_name] = []
            if not together:
                times[side_name] = [r.ask("run") for _ in range(max(2, a.turns // 2))]
                peaks[side_name] = r.ask("memory")
                r.end()
        if together:
            for _ in range(a.turns * (5 if what == "clip" else 1)):
                for side_name, r in runners.items():
                    times[side_name].append(r.ask("run"))
            for side_name, r in runners.items():
                peaks[side_name] = r.ask("memory")
                r.end()
        best = {k: min(v) for k, v in times.items()}
        load = {k: loads[k] - best[k] for k in loads}
        for label, unit, values in ((title, "s", best), ("  loading", "s", load), ("  peak memory", "MB", peaks)):
            t, o = values["torch"], values["ours"]
            print(f"{label:32} {t:7.3f} {unit:<2} {o:6.3f} {unit:<2} {o / t:5.2f}" if unit == "s" else f"{label:32} {t:6.0f} {unit:<2} {o:6.0f} {unit:<2} {o / t:5.2f}", flush=True)


if __name__ == "__main__":
    main()
