"""ESRGAN's generator, small (names as in Real-ESRGAN's files)."""

import torch
import torch.nn.functional as F
from torch import nn


class Dense(nn.Module):
    def __init__(self, n, g):
        super().__init__()
        for i in range(5):
            conv = nn.Conv2d(n + i * g, g if i < 4 else n, 3, padding=1)
            nn.init.kaiming_normal_(conv.weight)
            conv.weight.data *= 0.1
            nn.init.zeros_(conv.bias)
            setattr(self, f"conv{i + 1}", conv)

    def forward(self, x):
        seen = [x]
        for i in range(1, 5):
            seen.append(F.leaky_relu(getattr(self, f"conv{i}")(torch.cat(seen, 1)), 0.2))
        return self.conv5(torch.cat(seen, 1)) * 0.2 + x


class Rrdb(nn.Module):
    def __init__(self, n, g):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = Dense(n, g), Dense(n, g), Dense(n, g)

    def forward(self, x):
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class Upscaler(nn.Module):
    """Pictures in 0..1, four times larger."""

    def __init__(self, n=32, g=16, blocks=3):
        super().__init__()
        conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1)
        self.conv_first = conv(3, n)
        self.body = nn.Sequential(*(Rrdb(n, g) for _ in range(blocks)))
        self.conv_body, self.conv_up1, self.conv_up2, self.conv_hr, self.conv_last = (
            conv(n, n), conv(n, n), conv(n, n), conv(n, n), conv(n, 3)
        )

    def forward(self, x):
        h = self.conv_first(x)
        h = h + self.conv_body(self.body(h))
        for conv in (self.conv_up1, self.conv_up2):
            h = F.leaky_relu(conv(F.interpolate(h, scale_factor=2.0, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(h), 0.2))
