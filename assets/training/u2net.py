"""U2-Net, the small one (names as in the files of the original, `u2netp`)."""

import torch
import torch.nn.functional as F
from torch import nn


class Rebnconv(nn.Module):
    def __init__(self, c_in, c_out, rate=1):
        super().__init__()
        self.conv_s1 = nn.Conv2d(c_in, c_out, 3, padding=rate, dilation=rate)
        self.bn_s1 = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.relu(self.bn_s1(self.conv_s1(x)))


def like(x, to):
    return F.interpolate(x, size=to.shape[2:], mode="bilinear", align_corners=False)


class Rsu(nn.Module):
    """A small U of `depth` levels; `flat` widens its reach by dilation instead of shrinking."""

    def __init__(self, depth, c_in, mid, c_out, flat=False):
        super().__init__()
        self.depth, self.flat = depth, flat
        rates = [2**i for i in range(depth)] if flat else [1] * (depth - 1) + [2]
        self.rebnconvin = Rebnconv(c_in, c_out)
        for i in range(1, depth + 1):
            setattr(self, f"rebnconv{i}", Rebnconv(c_out if i == 1 else mid, mid, rates[i - 1]))
        for i in range(depth - 1, 0, -1):
            setattr(self, f"rebnconv{i}d", Rebnconv(2 * mid, c_out if i == 1 else mid, rates[i - 1] if flat else 1))

    def forward(self, x):
        first = self.rebnconvin(x)
        kept, h = [], first
        for i in range(1, self.depth):
            h = getattr(self, f"rebnconv{i}")(h)
            kept.append(h)
            if not self.flat and i < self.depth - 1:
                h = F.max_pool2d(h, 2, 2, ceil_mode=True)
        h = getattr(self, f"rebnconv{self.depth}")(h)
        for i in range(self.depth - 1, 0, -1):
            h = getattr(self, f"rebnconv{i}d")(torch.cat([like(h, kept[-1]), kept.pop()], 1))
        return h + first


class U2netp(nn.Module):
    """Pictures to seven masks (scores before the sigmoid), the first one made of the others."""

    def __init__(self):
        super().__init__()
        plan = [(7, False), (6, False), (5, False), (4, False), (4, True), (4, True)]
        for i, (depth, flat) in enumerate(plan, 1):
            setattr(self, f"stage{i}", Rsu(depth, 3 if i == 1 else 64, 16, 64, flat))
            setattr(self, f"side{i}", nn.Conv2d(64, 1, 3, padding=1))
            if i < 6:
                setattr(self, f"stage{i}d", Rsu(depth, 128, 16, 64, flat))
        self.outconv = nn.Conv2d(6, 1, 1)

    def forward(self, x):
        kept, h = [], x
        for i in range(1, 7):
            h = getattr(self, f"stage{i}")(h)
            kept.append(h)
            if i < 6:
                h = F.max_pool2d(h, 2, 2, ceil_mode=True)
        masks = [None] * 6
        masks[5] = self.side6(h)
        for i in range(5, 0, -1):
            h = getattr(self, f"stage{i}d")(torch.cat([like(h, kept[i - 1]), kept[i - 1]], 1))
            masks[i - 1] = getattr(self, f"side{i}")(h)
        masks = [masks[0]] + [like(m, masks[0]) for m in masks[1:]]
        return [self.outconv(torch.cat(masks, 1)), *masks]
