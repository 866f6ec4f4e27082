"""A race of CLIP's image tower against onnxruntime: same weights, same threads, f32, taking turns; the best time counts.

    cargo build --release -p kiln-clip --example race_clip
    python tests/reference/make.py full DIR
    python race.py TARGET/release/examples/race_clip DIR/l14.safetensors [--threads 2] [--turns 8] [--batches 1,4]

Needs torch, transformers, safetensors, onnx and onnxruntime. The model is exported once, beside the weights. Prints
seconds and the ratio ours / onnxruntime (below 1: ours is faster) for a forward, for loading, and for peak memory.
"""
import argparse
import os
import resource
import subprocess
import sys
import time


def exported(path):
    """The image tower of a file under transformers' names as ONNX."""
    out = path.replace(".safetensors", ".onnx")
    if os.path.exists(out):
        return out
    import torch
    from safetensors.torch import load_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    state = {k: v for k, v in load_file(path).items() if k.startswith("vis")}
    width, _, patch, _ = state["vision_model.embeddings.patch_embedding.weight"].shape
    tokens = state["vision_model.embeddings.position_embedding.weight"].shape[0]
    layers = sum(k.endswith("layer_norm1.weight") for k in state)
    net = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=width, intermediate_size=state["vision_model.encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=layers, num_attention_heads=width // 64, image_size=int((tokens - 1) ** 0.5) * patch,
        patch_size=patch, projection_dim=state["visual_projection.weight"].shape[0], hidden_act="quick_gelu",
        attn_implementation="eager")).eval()
    net.load_state_dict(state, strict=False)

    class Tower(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, pixels):
            return self.net(pixel_values=pixels).image_embeds

    side = net.config.image_size
    torch.onnx.export(Tower(), (torch.zeros(1, 3, side, side),), out, input_names=["pixels"], output_names=["embeds"],
                      dynamic_axes={"pixels": {0: "batch"}, "embeds": {0: "batch"}}, opset_version=17, dynamo=False)
    return out


def other_side(path, threads):
    """The other runner: reads the same commands as race.rs."""
    import numpy as np
    import onnxruntime as ort
    session, feed = None, None
    for line in sys.stdin:
        words = line.split()
        begun = time.perf_counter()
        if words[0] == "open":
            options = ort.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            side = session.get_inputs()[0].shape[-1]
            n = int(words[2]) * 3 * side * side
            feed = {"pixels": ((np.arange(n) * 7919 % 1009) / 252 - 2).astype(np.float32).reshape(-1, 3, side, side)}
            session.run(None, feed)
            answer = time.perf_counter() - begun
        elif words[0] == "run":
            session.run(None, feed)
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
    p.add_argument("weights")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--turns", type=int, default=8)
    p.add_argument("--batches", default="1,4")
    a = p.parse_args()
    if a.binary == "other":
        return other_side(a.weights, a.threads)
    onnx = exported(a.weights)
    print(f"{'':24} {'onnxruntime':>12} {'ours':>10} {'ratio':>6}")
    for batch in map(int, a.batches.split(",")):
        sides = {"other": [sys.executable, os.path.abspath(__file__), "other", onnx, "--threads", str(a.threads)],
                 "ours": [a.binary]}
        runners = {k: Runner(c, a.threads) for k, c in sides.items()}
        loads = {k: r.ask(f"open {a.weights} {batch}") for k, r in runners.items()}
        times = {k: [] for k in runners}
        for _ in range(a.turns):
            for k, r in runners.items():
                times[k].append(r.ask("run"))
        peaks = {k: r.ask("memory") for k, r in runners.items()}
        for r in runners.values():
            r.end()
        best = {k: min(v) for k, v in times.items()}
        load = {k: loads[k] - best[k] for k in loads}
        for label, unit, v in ((f"batch of {batch}", "s", best), ("  loading", "s", load), ("  peak memory", "MB", peaks)):
            digits = 3 if unit == "s" else 0
            print(f"{label:24} {v['other']:9.{digits}f} {unit:<2} {v['ours']:7.{digits}f} {unit:<2} {v['ours'] / v['other']:6.2f}", flush=True)


if __name__ == "__main__":
    main()
