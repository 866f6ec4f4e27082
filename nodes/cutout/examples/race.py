"""A race of background-removal networks against onnxruntime: same file, same threads, f32, taking turns; the best time of
each counts.

    cargo build --release -p kiln-cutout --example race_cutout
    python race.py TARGET/release/examples/race_cutout MODEL.onnx [MODEL.onnx ...] [--threads N] [--turns N]

Needs onnxruntime and numpy. Prints seconds and the ratio ours / theirs (below 1: ours is faster) for one picture at the size
the network takes (onnxruntime: the network alone; ours: with all that surrounds it), for opening (the first picture from
opening the file, less a warm one) and the peak of resident memory.
"""
import argparse
import os
import resource
import subprocess
import sys
import time


def onnxruntime_side(threads):
    """The other runner: reads the same commands as race.rs."""
    import numpy as np
    import onnxruntime as ort
    session = x = None
    for line in sys.stdin:
        words = line.split()
        begun = time.perf_counter()
        if words[0] == "open":
            options = ort.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            session = ort.InferenceSession(words[1], options, providers=["CPUExecutionProvider"])
            x = {session.get_inputs()[0].name: np.random.default_rng(0).normal(size=(1, 3, int(words[2]), int(words[2]))).astype(np.float32)}
            session.run([session.get_outputs()[0].name], x)
        elif words[0] == "run":
            session.run([session.get_outputs()[0].name], x)
        elif words[0] == "memory":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, flush=True)
            continue
        else:
            break
        print(time.perf_counter() - begun, flush=True)


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


def side_of(path):
    name = os.path.basename(path).lower()
    return 320 if "u2net" in name else 512 if "modnet" in name else 1024


def main():
    p = argparse.ArgumentParser()
    p.add_argument("binary")
    p.add_argument("models", nargs="*")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--turns", type=int, default=6)
    a = p.parse_args()
    if a.binary == "onnxruntime":
        return onnxruntime_side(a.threads)
    print(f"{'':32} {'onnxruntime':>11} {'ours':>9} {'ratio':>6}")
    for path in a.models:
        side = side_of(path)
        runners = {"theirs": Runner([sys.executable, os.path.abspath(__file__), "onnxruntime", "--threads", str(a.threads)], a.threads),
                   "ours": Runner([a.binary], a.threads)}
        loads = {k: r.ask(f"open {path} {side}") for k, r in runners.items()}
        times = {k: [] for k in runners}
        for _ in range(a.turns):
            for k, r in runners.items():
                times[k].append(r.ask("run"))
        peaks = {k: r.ask("memory") for k, r in runners.items()}
        for r in runners.values():
            r.end()
        best = {k: min(v) for k, v in times.items()}
        load = {k: loads[k] - best[k] for k in loads}
        for label, unit, values in ((f"{os.path.basename(path)} at {side}", "s", best), ("  opening", "s", load), ("  peak memory", "MB", peaks)):
            t, o = values["theirs"], values["ours"]
            print(f"{label:32} {t:9.3f} {unit:<2} {o:6.3f} {unit:<2} {o / t:5.2f}" if unit == "s" else f"{label:32} {t:8.0f} {unit:<2} {o:6.0f} {unit:<2} {o / t:5.2f}", flush=True)


if __name__ == "__main__":
    main()
