"""Writes tests/fixtures/reference.json: numbers of torch, torchsde and scipy that the tests compare with.

Run with torch (CPU, a processor with AVX2), torchsde and scipy installed:
    python tests/reference/make_reference.py > tests/fixtures/reference.json
"""

import json
import zlib

import numpy
import scipy.special
import scipy.stats
import torch
import torchsde


def noise():
    """Checksums of the bytes of noise tensors, single and as the third call of a stream."""
    out = []
    for seed in [0, 1, 42, 2**32 - 1, 2**32 + 5, 2**63 + 12345]:
        for length in [1, 2, 7, 15, 16, 17, 31, 33, 256, 1000, 16384, 100003]:
            generator = torch.Generator().manual_seed(seed)
            first = torch.randn(length, generator=generator)
            torch.randn(length, generator=generator)
            third = torch.randn(length, generator=generator)
            out.append([seed, length, zlib.crc32(first.numpy().tobytes()), zlib.crc32(third.numpy().tobytes())])
    return out


def brownian():
    """Noise of a Brownian tree between levels, first and last numbers of tensors of 64."""
    out = []
    for seed, low, high, queries in [
        (42, 0.0292, 14.6146, [(14.6146, 7.3), (14.6146, 9.1), (9.1, 2.0), (2.0, 1.9), (1.9, 0.0292)]),
        (2**40 + 3, 0.3, 0.99996, [(0.99996, 0.95), (0.95, 0.5), (0.5, 0.3)]),
        (0, 1.234567, 4.5, [(4.5, 3.3333333), (3.3333333, 1.234567)]),
    ]:
        low, high = numpy.float32(low), numpy.float32(high)
        tree = torchsde.BrownianTree(float(low), torch.zeros(64), float(high), entropy=seed)
        for start, end in queries:
            start, end = numpy.float32(start), numpy.float32(end)
            moved = tree(float(end), float(start)) * -1.0
            value = moved / torch.tensor(end - start).abs().sqrt()
            out.append([seed, float(low), float(high), float(start), float(end), value[:4].tolist() + value[-4:].tolist()])
    return out


def beta():
    """Table indices of the beta schedule."""
    out = []
    for alpha, beta_, length in [(0.6, 0.6, 1000), (0.6, 0.6, 10000), (0.3, 2.0, 1000), (5.0, 1.5, 1000)]:
        for steps in list(range(4, 101, 4)) + [33, 50, 99]:
            ts = 1 - numpy.linspace(0, 1, steps, endpoint=False)
            indices = numpy.rint(scipy.stats.beta.ppf(ts, alpha, beta_) * (length - 1)).astype(int).tolist()
            kept = [v for i, v in enumerate(indices) if i == 0 or v != indices[i - 1]]
            out.append([alpha, beta_, length, steps, kept])
    return out


print(json.dumps({"noise": noise(), "brownian": brownian(), "beta": beta()}))
