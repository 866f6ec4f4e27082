"""A plain network that tells the traits of a drawing: the judge of what the demo models make. It is not published."""

import torch
import torch.nn.functional as F
from torch import nn


def conv(a, b, stride=1):
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.GroupNorm(8, b), nn.ReLU())


class Judge(nn.Module):
    """Pictures [n, 3, 128, 128] in 0..1 to one row of scores per trait."""

    def __init__(self, values):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 24, 2), conv(24, 48, 2), conv(48, 64), conv(64, 96, 2), conv(96, 96), conv(96, 128, 2), conv(128, 128)
        )
        # Where something is matters (what is worn, what is held), so places are kept apart in a coarse way.
        self.small = nn.Conv2d(128, 32, 1)
        self.heads = nn.ModuleList(nn.Linear(32 * 64 + 128, n) for n in values)

    def forward(self, x):
        h = self.body(x * 2 - 1)
        h = torch.cat([F.relu(self.small(h)).flatten(1), h.mean((2, 3))], 1)
        return [head(h) for head in self.heads]
