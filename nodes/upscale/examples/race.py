"""A race of upscalers against onnxruntime: same weights, same threads, f32, taking turns; the best time of each counts.

    cargo build --release -p kiln-upscale --example race_upscale
    python race.py TARGET/release/examples/race_upscale [--threads N] [--turns N]

Needs torch, onnx, onnxruntime and safetensors. Weights are random, of the size of the real networks; both sides start
from the same file (onnxruntime's is exported from it). Prints how far the results are apart, seconds and the ratio
ours / onnxruntime (below 1: ours is faster) for one picture, and the peak of resident memory.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CASES = [("x4plus, 128x128", dict(blocks=23), 128), ("x4plus-anime, 128x128", dict(blocks=6), 128),
         ("x2plus, 128x128", dict(blocks=23, shuffle=2), 128), ("compact x4, 256x256", "compact", 256)]


def network(config):
    import torch
    sys.path.insert(0, os.path.join(HERE, "..", "tests", "reference"))
    from networks import RRDBNet, SRVGGNetCompact
    torch.manual_seed(0)
    return (SRVGGNetCompact() if config == "compact" else RRDBNet(**config)).eval()


def onnx_side(threads):
    """The other runner: reads the same commands as race.rs."""
    import numpy as np
    import onnxruntime
    session = data = None
    for line in sys.stdin:
        words = line.split()
        begun = time.perf_counter()
        if words[0] == "open":
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(words[1], options, providers=["CPUExecutionProvider"])
            side = int(words[2])
            numbers = (np.arange(side * side * 3) * 7919 % 1009 / np.float32(1009)).astype(np.float32)
            data = np.ascontiguousarray(numbers.reshape(1, side, side, 3).transpose(0, 3, 1, 2))
        elif words[0] == "enlarge":
            side = int(words[2])
            x = np.fromfile(words[1], "<f4").reshape(1, side, side, 3).transpose(0, 3, 1, 2)
            y = session.run(None, {"x": np.ascontiguousarray(x)})[0]
            np.ascontiguousarray(np.clip(y, 0, 1).transpose(0, 2, 3, 1)).tofile(words[5])
        elif words[0] == "memory":
            with open("/proc/self/status") as f:
                print(next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024, flush=True)
            continue
        elif words[0] == "quit":
            break
        if words[0] in ("open", "run"):
            session.run(None, {"x": data})
        print(time.perf_counter() - begun, flush=True)


class Runner:
    def __init__(self, command, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.wait()


def export(folder, config, side):
    import torch
    from safetensors.torch import save_file
    net = network(config)
    files = {"ours": os.path.join(folder, "net.safetensors"), "onnxruntime": os.path.join(folder, "net.onnx")}
    save_file(net.state_dict(), files["ours"])
    torch.onnx.export(net, (torch.rand(1, 3, side, side),), files["onnxruntime"], input_names=["x"], opset_version=17, dynamo=False)
    return files


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--turns", type=int, default=4)
    a = p.parse_args()
    if a.binary == "onnxruntime":
        return onnx_side(a.threads)
    import warnings
    warnings.filterwarnings("ignore")
    import numpy as np
    print(f"{'':24} {'onnxruntime':>12} {'ours':>8} {'ratio':>6}")
    for title, config, side in CASES:
        with tempfile.TemporaryDirectory() as folder:
            files = export(folder, config, side)
            commands = {"onnxruntime": [sys.executable, os.path.abspath(__file__), "onnxruntime", "--threads", str(a.threads)], "ours": [a.binary]}
            runners = {k: Runner(c, a.threads) for k, c in commands.items()}
            picture = os.path.join(folder, "in.raw")
            np.random.default_rng(0).random((side, side, 3), dtype=np.float32).tofile(picture)
            made, times = {}, {k: [] for k in runners}
            for k, r in runners.items():
                r.ask(f"open {files[k]} {side}")
                r.ask(f"enlarge {picture} {side} {side} 4096 {folder}/{k}.raw")
                made[k] = np.fromfile(f"{folder}/{k}.raw", "<f4")
            for _ in range(a.turns):
                for k, r in runners.items():
                    times[k].append(r.ask("run"))
            peaks = {k: r.ask("memory") for k, r in runners.items()}
            for r in runners.values():
                r.end()
        apart = np.abs(made["ours"] - made["onnxruntime"]).max()
        o, t = min(times["ours"]), min(times["onnxruntime"])
        print(f"{title:24} {t:10.3f} s {o:6.3f} s {o / t:6.2f}   apart by {apart:.1e} at most")
        print(f"{'  peak memory':24} {peaks['onnxruntime']:9.0f} MB {peaks['ours']:5.0f} MB", flush=True)


if __name__ == "__main__":
    main()
