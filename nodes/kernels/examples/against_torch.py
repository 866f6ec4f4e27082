"""A race of the kernels against torch: same shapes, same threads, taking turns; the best time of each counts.

    cargo build --release -p kiln-kernels --example against_torch
    python nodes/kernels/examples/against_torch.py target/release/examples/against_torch [filter]

Prints milliseconds and the ratio ours / torch (below 1: ours is faster). With `cpu` as the last argument it runs
one thread and counts processor time instead of time on the wall (Linux): for machines that are busy otherwise.
"""
import glob
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

CASES = [
    "conv 2 320 320 64 3", "conv 2 640 640 32 3", "conv 2 1280 1280 16 3", "conv 2 1280 1280 8 3",
    "conv 2 2560 1280 16 3", "conv 2 960 320 64 3",
    "conv 1 128 128 512 3", "conv 1 256 256 256 3", "conv 1 512 512 64 3", "conv 1 512 512 128 3", "conv 2 320 320 64 1",
    "conv 2 4 320 64 3", "conv 2 320 4 64 3", "conv 1 128 3 512 3",
    "geglu 8192 320 1280", "geglu 2048 640 2560", "geglu 128 1280 5120",
    "linear 8192 320 320", "linear 8192 1280 320", "linear 2048 640 5120", "linear 128 1280 10240", "linear 154 768 320",
    "linear 2 1280 1280", "linear 2 320 1280",
    "attention 2 8 4096 4096 40", "attention 2 8 1024 1024 80", "attention 2 8 256 256 160", "attention 2 8 4096 77 40",
    "attention 2 10 1024 1024 64", "attention 1 1 4096 4096 512",
    "groupnorm-silu 2 320 64", "groupnorm-silu 1 128 512", "layernorm 8192 320", "silu 2621440", "gelu 4194304",
    "softmax 8192 1024",
]


def prepare(name):
    kind, *n = name.split()
    n = [int(v) for v in n if v.isdigit()]
    if kind == "conv":
        b, ci, co, side, k = n
        x, w, bias = torch.randn(b, ci, side, side), torch.randn(co, ci, k, k), torch.randn(co)
        return lambda: F.conv2d(x, w, bias, padding=k // 2), 2 * b * ci * co * side * side * k * k
    if kind == "linear":
        x, w, bias = torch.randn(n[0], n[1]), torch.randn(n[2], n[1]), torch.randn(n[2])
        return lambda: F.linear(x, w, bias), 2 * n[0] * n[1] * n[2]
    if kind == "geglu":
        x, w, bias = torch.randn(n[0], n[1]), torch.randn(2 * n[2], n[1]), torch.randn(2 * n[2])

        def geglu():
            value, gate = F.linear(x, w, bias).chunk(2, dim=-1)
            return value * F.gelu(gate)
        return geglu, 4 * n[0] * n[1] * n[2]
    if kind == "attention":
        b, h, q_len, kv_len, d = n
        q, k, v = (torch.randn(b, l, h * d) for l in (q_len, kv_len, kv_len))

        def attention():
            heads = [t.view(b, -1, h, d).transpose(1, 2) for t in (q, k, v)]
            return F.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(b, q_len, h * d)
        return attention, 4 * b * h * q_len * kv_len * d
    if kind == "groupnorm-silu":
        x, g, b = torch.randn(n[0], n[1], n[2], n[2]), torch.randn(n[1]), torch.randn(n[1])
        return lambda: F.silu(F.group_norm(x, 32, g, b)), 0
    if kind == "layernorm":
        x, g, b = torch.randn(*n), torch.randn(n[1]), torch.randn(n[1])
        return lambda: F.layer_norm(x, (n[1],), g, b), 0
    if kind == "softmax":
        x = torch.randn(*n)
        return lambda: torch.softmax(x, -1), 0
    x = torch.randn(n[0])
    return (lambda: F.silu(x, inplace=True)) if kind == "silu" else (lambda: F.gelu(x)), 0


def spent(pid):
    """Milliseconds that the threads of a process have run."""
    return sum(int(open(path).read().split()[0]) for path in glob.glob(f"/proc/{pid}/task/*/schedstat")) / 1e6


def main():
    cpu = sys.argv[-1] == "cpu"
    peer = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def ours(name, threads):
        before = spent(peer.pid)
        peer.stdin.write(f"{threads} {name}\n")
        peer.stdin.flush()
        wall = float(peer.stdout.readline())
        return spent(peer.pid) - before if cpu else wall

    print(f"{'case':32} {'threads':>7} {'torch ms':>9} {'ours ms':>9} {'ratio':>6} {'ours GFLOP/s':>13}")
    with torch.inference_mode():
        for name in CASES:
            if len(sys.argv) > 2 + cpu and sys.argv[2] not in name:
                continue
            work, flops = prepare(name)
            for threads in (1,) if cpu else (2, 1):
                torch.set_num_threads(threads)
                best = [float("inf")] * 2
                started = time.perf_counter()
                if cpu:
                    ours(name, threads)
                for turn in range(60):
                    start = time.perf_counter() * 1e3
                    before = time.process_time() * 1e3
                    work()
                    taken = time.process_time() * 1e3 - before if cpu else time.perf_counter() * 1e3 - start
                    best[0] = min(best[0], taken)
                    best[1] = min(best[1], ours(name, threads))
                    if turn >= 4 and time.perf_counter() - started > 2.0:
                        break
                speed = f"{flops / best[1] / 1e6:13.0f}" if flops else ""
                print(f"{name:32} {threads:7} {best[0]:9.3f} {best[1]:9.3f} {best[1] / best[0]:6.2f} {speed}", flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        main()
