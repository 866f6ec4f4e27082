"""The networks in torch, written from their papers, with the parameter names of the original checkpoints."""
import torch
import torch.nn as nn
import torch.nn.functional as F

# Levels of the blocks of a U2-Net on the way down, and whether they are dilated instead of pooled.
LEVELS = [(7, False), (6, False), (5, False), (4, False), (4, True), (4, True)]


def like(x, other):
    return F.interpolate(x, size=other.shape[2:], mode="bilinear", align_corners=False)


class ConvBnRelu(nn.Module):
    def __init__(self, c_in, c_out, dilation=1):
        super().__init__()
        self.conv_s1 = nn.Conv2d(c_in, c_out, 3, padding=dilation, dilation=dilation)
        self.bn_s1 = nn.BatchNorm2d(c_out)

    def forward(self, x):
        return F.relu(self.bn_s1(self.conv_s1(x)))


class Rsu(nn.Module):
    """A U of `levels` levels in `mid` channels around which a residual of `c_out` channels goes."""

    def __init__(self, levels, dilated, c_in, mid, c_out):
        super().__init__()
        self.levels, self.dilated = levels, dilated
        at = (lambda n: 2 ** (n - 1)) if dilated else (lambda n: 2 if n == levels else 1)
        self.rebnconvin = ConvBnRelu(c_in, c_out)
        for n in range(1, levels + 1):
            setattr(self, f"rebnconv{n}", ConvBnRelu(c_out if n == 1 else mid, mid, at(n)))
        for n in range(levels - 1, 0, -1):
            setattr(self, f"rebnconv{n}d", ConvBnRelu(2 * mid, c_out if n == 1 else mid, at(n)))

    def forward(self, x):
        whole = self.rebnconvin(x)
        seen, h = [], whole
        for n in range(1, self.levels):
            if n > 1 and not self.dilated:
                h = F.max_pool2d(h, 2, stride=2, ceil_mode=True)
            h = getattr(self, f"rebnconv{n}")(h)
            seen.append(h)
        h = getattr(self, f"rebnconv{self.levels}")(h)
        for n in range(self.levels - 1, 0, -1):
            h = getattr(self, f"rebnconv{n}d")(torch.cat([like(h, seen[n - 1]), seen[n - 1]], 1))
        return h + whole


class U2Net(nn.Module):
    """`widths`: (mid, out) of six stages down and of the five up, smallest first. `halved` makes an IS-Net of it."""

    def __init__(self, down, up, halved=None):
        super().__init__()
        c = 3
        self.halved = halved
        if halved:
            self.conv_in = nn.Conv2d(3, halved, 3, stride=2, padding=1)
            c = halved
        for n, ((levels, dilated), (mid, out)) in enumerate(zip(LEVELS, down), 1):
            setattr(self, f"stage{n}", Rsu(levels, dilated, c, mid, out))
            c = out
        for n, (mid, out) in zip((5, 4, 3, 2, 1), up):
            setattr(self, f"stage{n}d", Rsu(*LEVELS[n - 1], c + down[n - 1][1], mid, out))
            c = out
        for n, width in enumerate([out for _, out in reversed(up)] + [down[5][1]], 1):
            setattr(self, f"side{n}", nn.Conv2d(width, 1, 3, padding=1))
        if not halved:
            self.outconv = nn.Conv2d(6, 1, 1)

    def forward(self, x):
        h = self.conv_in(x) if self.halved else x
        seen = []
        for n in range(1, 7):
            h = getattr(self, f"stage{n}")(F.max_pool2d(h, 2, stride=2, ceil_mode=True) if n > 1 else h)
            seen.append(h)
        made = [h]
        for n in range(5, 0, -1):
            h = getattr(self, f"stage{n}d")(torch.cat([like(h, seen[n - 1]), seen[n - 1]], 1))
            made.append(h)
        made.reverse()
        maps = [like(getattr(self, f"side{n}")(h), x) for n, h in enumerate(made, 1)]
        return torch.sigmoid(maps[0] if self.halved else self.outconv(torch.cat(maps, 1)))


class Inverted(nn.Module):
    def __init__(self, c_in, c_out, stride, widen):
        super().__init__()
        wide = c_in * widen
        parts = [] if widen == 1 else [nn.Conv2d(c_in, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
        parts += [nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
        parts += [nn.Conv2d(wide, c_out, 1, bias=False), nn.BatchNorm2d(c_out)]
        self.conv = nn.Sequential(*parts)
        self.adds = stride == 1 and c_in == c_out

    def forward(self, x):
        return self.conv(x) + x if self.adds else self.conv(x)


class MobileNet(nn.Module):
    def __init__(self, first, widths, last, widen):
        super().__init__()

        def simple(c_in, c_out, kernel, stride):
            return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(c_out), nn.ReLU6())

        layers, c = [simple(3, first, 3, 2)], first
        for n, (width, count, stride) in enumerate(zip(widths, (1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1))):
            for i in range(count):
                layers.append(Inverted(c, width, stride if i == 0 else 1, 1 if n == 0 else widen))
                c = width
        self.features = nn.Sequential(*layers, simple(c, last, 1, 1))

    def forward(self, x):
        seen = {}
        for n, layer in enumerate(self.features):
            x = layer(x)
            seen[n] = x
        return seen[1], seen[3], x


class Backbone(nn.Module):
    def __init__(self, *config):
        super().__init__()
        self.model = MobileNet(*config)

    def forward(self, x):
        return self.model(x)


class HalfNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.first = c // 2
        self.bnorm = nn.BatchNorm2d(self.first)
        self.inorm = nn.InstanceNorm2d(c - self.first, affine=False)

    def forward(self, x):
        return torch.cat([self.bnorm(x[:, : self.first]), self.inorm(x[:, self.first :])], 1)


class ConvIbn(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride=1, plain=False):
        super().__init__()
        parts = [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2)]
        self.layers = nn.Sequential(*(parts if plain else parts + [HalfNorm(c_out), nn.ReLU()]))

    def forward(self, x):
        return self.layers(x)


class Squeeze(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(c, c // 4, bias=False), nn.ReLU(), nn.Linear(c // 4, c, bias=False), nn.Sigmoid())

    def forward(self, x):
        return x * self.fc(x.mean((2, 3)))[:, :, None, None]


class ModNet(nn.Module):
    """MODNet without the side outputs of its training. `enc`: channels of the backbone at 2, 4, 8, 16 and 32 times smaller."""

    def __init__(self, backbone, enc, hr):
        super().__init__()
        self.backbone = Backbone(*backbone)
        lr, hb, f = nn.Module(), nn.Module(), nn.Module()
        lr.se_block = Squeeze(enc[4])
        lr.conv_lr16x, lr.conv_lr8x = ConvIbn(enc[4], enc[3], 5), ConvIbn(enc[3], enc[2], 5)
        hb.tohr_enc2x, hb.conv_enc2x = ConvIbn(enc[0], hr, 1), ConvIbn(hr + 3, hr, 3, 2)
        hb.tohr_enc4x, hb.conv_enc4x = ConvIbn(enc[1], hr, 1), ConvIbn(2 * hr, 2 * hr, 3)
        hb.conv_hr4x = nn.Sequential(ConvIbn(2 * hr + enc[2] + 3, 2 * hr, 3), ConvIbn(2 * hr, 2 * hr, 3), ConvIbn(2 * hr, hr, 3))
        hb.conv_hr2x = nn.Sequential(ConvIbn(2 * hr, 2 * hr, 3), ConvIbn(2 * hr, hr, 3), ConvIbn(hr, hr, 3), ConvIbn(hr, hr, 3))
        f.conv_lr4x, f.conv_f2x = ConvIbn(enc[2], hr, 5), ConvIbn(2 * hr, hr, 3)
        f.conv_f = nn.Sequential(ConvIbn(hr + 3, hr // 2, 3), ConvIbn(hr // 2, 1, 1, plain=True))
        self.lr_branch, self.hr_branch, self.f_branch = lr, hb, f

    def forward(self, x):
        up = lambda t: F.interpolate(t, scale_factor=2, mode="bilinear", align_corners=False)
        part = lambda n: F.interpolate(x, scale_factor=1 / n, mode="bilinear", align_corners=False)
        lr, hr, fu = self.lr_branch, self.hr_branch, self.f_branch
        half, quarter, last = self.backbone(x)
        lr8x = lr.conv_lr8x(up(lr.conv_lr16x(up(lr.se_block(last)))))
        half = hr.tohr_enc2x(half)
        h = hr.conv_enc2x(torch.cat([part(2), half], 1))
        h = hr.conv_enc4x(torch.cat([h, hr.tohr_enc4x(quarter)], 1))
        h = hr.conv_hr4x(torch.cat([h, up(lr8x), part(4)], 1))
        h = hr.conv_hr2x(torch.cat([up(h), half], 1))
        f = fu.conv_f2x(torch.cat([up(fu.conv_lr4x(up(lr8x))), h], 1))
        return torch.sigmoid(fu.conv_f(torch.cat([up(f), x], 1)))
