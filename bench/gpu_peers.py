#!/usr/bin/env python3
"""Training steps of networks in plain PyTorch, as their papers and published code write them, for the ratios of gpu.py: one JSON object with the median milliseconds of a step.

  gpu_peers.py bmn|sptad|actionformer [--device cuda] [--precision float32|tf32|bfloat16] [--small]

Shapes, batch and optimiser are those of gpu.py's models; the data are random and lie on the device, the loss has the published form without what only decides on its targets.
Status 77 and a line that says why where the active Python has no torch, or it no such device.
"""
import argparse
import json
import statistics
import sys
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("network", choices=["bmn", "sptad", "actionformer"])
parser.add_argument("--device", default="cuda", choices=["cpu", "cuda"])
parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
parser.add_argument("--small", action="store_true", help="the sizes of a dry run")
arguments = parser.parse_args()

try:
    import torch
except ImportError:
    print("the active Python has no torch")
    sys.exit(77)
if arguments.device == "cuda" and not torch.cuda.is_available():
    print("the active Python's torch sees no GPU")
    sys.exit(77)
from torch import nn
from torch.nn import functional as F

CLASSES = 5
STEPS = 8 if arguments.small else 20


# ---- BMN (Lin et al. 2019): candidates sampled by a dense mask, then conv3d ----

class Bmn(nn.Module):
    def __init__(self, dim, rows, samples, base, reduced, boundary, proposal, head):
        super().__init__()
        self.rows, self.samples = rows, samples
        self.base = nn.Sequential(nn.Conv1d(dim, base, 3, padding=1), nn.ReLU(), nn.Conv1d(base, reduced, 3, padding=1), nn.ReLU())
        self.boundary = nn.Sequential(nn.Conv1d(reduced, boundary, 3, padding=1), nn.ReLU(), nn.Conv1d(boundary, 2, 3, padding=1), nn.Sigmoid())
        self.conv3d = nn.Conv3d(reduced, proposal, (samples, 1, 1))
        self.maps = nn.Sequential(nn.ReLU(), nn.Conv2d(proposal, head, 1), nn.ReLU(), nn.Conv2d(head, head, 3, padding=1), nn.ReLU(), nn.Conv2d(head, 2, 1), nn.Sigmoid())
        self.register_buffer("mask", self.sampling())

    def sampling(self):
        """[T, N D T]: the weights of the rows in each sample of each candidate, three points a sample."""
        rows, samples = self.rows, self.samples
        durations, starts = torch.meshgrid(torch.arange(1, rows + 1.0), torch.arange(float(rows)), indexing="ij")
        mask = torch.zeros(samples, rows, rows, rows)  # [N, D, T, row]
        inside = starts + durations <= rows
        low, length = starts - durations / 2, durations * 2
        for sample in range(samples):
            for point in range(3):
                position = low + length * (sample * 3 + point) / (samples * 3 - 1)
                floor = position.floor()
                for row, weight in ((floor, floor + 1 - position), (floor + 1, position - floor)):
                    there = inside & (row >= 0) & (row < rows)
                    mask[sample].scatter_add_(2, row.clamp(0, rows - 1).long()[..., None], (weight * there / 3)[..., None])
        return mask.flatten(0, 2).t().contiguous()

    def forward(self, x):
        base = self.base(x)
        sampled = (base @ self.mask).unflatten(2, (self.samples, self.rows, self.rows))
        return self.boundary(base), self.maps(self.conv3d(sampled).squeeze(2))


def bmn():
    dim, rows, samples, batch = (64, 32, 4, 4) if arguments.small else (400, 100, 32, 16)
    net = Bmn(dim, rows, samples, *((8, 8, 8, 8, 4) if arguments.small else (256, 128, 256, 512, 128))).to(arguments.device)
    x = torch.randn(batch, dim, rows, device=arguments.device)
    truth, overlap = torch.rand(batch, 2, rows, device=arguments.device), torch.rand(batch, rows, rows, device=arguments.device)

    def weighted(p, positive):
        """Binary cross entropy in which both sides weigh the same."""
        share = positive.float().mean().clamp(1e-4, 1 - 1e-4)
        p = p.clamp(1e-6, 1 - 1e-6)
        return -(torch.where(positive, p.log() / share, (1 - p).log() / (1 - share))).mean() / 2

    def loss():
        boundary, maps = net(x)
        boundary, maps = boundary.float(), maps.float()
        return weighted(boundary[:, 0], truth[:, 0] > 0.5) + weighted(boundary[:, 1], truth[:, 1] > 0.5) + \
            weighted(maps[:, 0], overlap > 0.9) + 10 * F.mse_loss(maps[:, 1], overlap)
    return net, loss, torch.optim.Adam(net.parameters(), lr=1e-3, weight_decay=1e-4), 0, "conv3d over samples by a dense mask, Adam"


# ---- SP-TAD on features (Wu et al. 2022): Sparse R-CNN's stages over a pyramid of time ----

class RowNorm(nn.LayerNorm):
    """Of [B, C, T], over channels."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def perceptron(*sizes):
    layers = [layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def pooled(pyramid, segments, rows, points):
    """[B, N, rows, d]: each segment from the level of its length, linearly between rows."""
    sizes = torch.tensor([level.shape[2] for level in pyramid], device=segments.device)
    offsets = sizes.cumsum(0) - sizes
    table = torch.cat(pyramid, 2).transpose(1, 2)
    centre, length = segments[..., 0], segments[..., 1]
    level = (2 + torch.log2(length.clamp_min(1e-6))).floor().clamp(0, len(pyramid) - 1).long()
    place = centre[..., None] + length[..., None] * ((torch.arange(rows * points, device=segments.device) + 0.5) / (rows * points) - 0.5)
    size = sizes[level][..., None]
    place = (place * size - 0.5).clamp_min(0).minimum(size - 1)
    low = place.floor()
    weight = (place - low)[..., None].to(table.dtype)
    low, high = low.long(), (low.long() + 1).minimum(size - 1)
    batch = torch.arange(len(segments), device=segments.device)[:, None, None]
    start = offsets[level][..., None]
    sampled = table[batch, start + low] * (1 - weight) + table[batch, start + high] * weight
    return sampled.unflatten(2, (rows, points)).mean(3)


class SptadStage(nn.Module):
    def __init__(self, dim, heads, hidden, rows, ffn):
        super().__init__()
        self.hidden, self.rows = hidden, rows
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.dynamic, self.out = nn.Linear(dim, 2 * dim * hidden), nn.Linear(rows * dim, dim)
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in (dim, hidden, dim, dim, dim, dim))
        self.ffn, self.distances, self.classes = perceptron(dim, ffn, dim), perceptron(dim, dim, dim, 2), nn.Linear(dim, CLASSES)

    def forward(self, q, segments, pyramid):
        rows = pooled(pyramid, segments, self.rows, 2)
        q = self.norms[0](q + self.attention(q, q, q, need_weights=False)[0])
        first, second = self.dynamic(q.flatten(0, 1)).chunk(2, 1)
        h = F.relu(self.norms[1](torch.bmm(rows.flatten(0, 1).to(first.dtype), first.unflatten(1, (-1, self.hidden)))))
        h = F.relu(self.norms[2](torch.bmm(h.to(second.dtype), second.unflatten(1, (self.hidden, -1)))))
        q = self.norms[4](q + F.relu(self.norms[3](self.out(h.flatten(1)))).view_as(q))
        q = self.norms[5](q + self.ffn(q))
        delta = self.distances(q).float()
        segments = torch.stack([segments[..., 0] + 0.5 * segments[..., 1] * delta[..., 0], segments[..., 1] * delta[..., 1].clamp_max(10).exp()], -1)
        return q, segments, self.classes(q)


class Sptad(nn.Module):
    def __init__(self, channels, filters, dim, proposals, stages, *sizes):
        super().__init__()
        self.stem = nn.ModuleList(nn.Sequential(nn.Conv1d(a, filters, 3, stride, 1), RowNorm(filters), nn.ReLU()) for a, stride in ((channels, 1), (filters, 2), (filters, 2)))
        self.lateral = nn.ModuleList(nn.Conv1d(filters, dim, 1) for _ in range(3))
        self.features = nn.Parameter(torch.randn(proposals, dim))
        self.segments = nn.Parameter(torch.tensor([0.5, 1.0]).repeat(proposals, 1))
        self.stages = nn.ModuleList(SptadStage(dim, *sizes) for _ in range(stages))
        self.clip = nn.Linear(3 * filters, CLASSES)

    def forward(self, x):
        levels = []
        for layer in self.stem:
            x = layer(x)
            levels.append(x)
        pyramid = [lateral(level) for lateral, level in zip(self.lateral, levels)]
        for k in (1, 0):
            pyramid[k] = pyramid[k] + F.interpolate(pyramid[k + 1], size=pyramid[k].shape[2])
        pyramid.append(F.max_pool1d(pyramid[-1], 2))
        q, segments = self.features.expand(len(x), -1, -1), self.segments.expand(len(x), -1, -1)
        found = []
        for stage in self.stages:
            q, segments, logits = stage(q, segments, pyramid)
            found.append((logits, segments))
            segments = segments.detach()
        return found, self.clip(torch.cat([level.mean(2) for level in levels], 1))


def sptad():
    channels, rows, batch, sizes = (64, 64, 4, (8, 16, 8, 2, 2, 4, 4, 16)) if arguments.small else (400, 256, 16, (256, 256, 50, 4, 8, 64, 16, 2048))
    net = Sptad(channels, *sizes).to(arguments.device)
    x = torch.randn(batch, channels, rows, device=arguments.device)
    count = sizes[2]
    classes = F.one_hot(torch.randint(CLASSES, (batch, count), device=arguments.device), CLASSES) * (torch.rand(batch, count, 1, device=arguments.device) < 0.1).float()
    truth = torch.rand(batch, count, 2, device=arguments.device) / 2 + 0.25

    def loss():
        found, clip = net(x)
        total = F.binary_cross_entropy_with_logits(clip.float(), classes.amax(1))
        for logits, segments in found:
            logits = logits.float()
            p = logits.sigmoid()
            entropy = F.binary_cross_entropy_with_logits(logits, classes, reduction="none")
            focal = (torch.where(classes > 0, 0.25, 0.75) * (1 - torch.where(classes > 0, p, 1 - p)) ** 2 * entropy).sum()
            a0, a1, b0, b1 = (s[..., 0] + sign * s[..., 1] / 2 for s in (segments, truth) for sign in (-1, 1))
            shared, hull = (torch.minimum(a1, b1) - torch.maximum(a0, b0)).clamp_min(0), torch.maximum(a1, b1) - torch.minimum(a0, b0)
            union = (a1 - a0) + (b1 - b0) - shared
            giou = shared / union.clamp_min(1e-8) - (hull - union) / hull.clamp_min(1e-8)
            total = total + (2 * focal + ((2 * (1 - giou) + 5 * (segments - truth).abs().sum(-1)) * classes.amax(-1)).sum()) / classes.sum().clamp_min(1)
        return total
    return net, loss, torch.optim.AdamW(net.parameters(), lr=1e-4, weight_decay=1e-4), 0, "no matching, AdamW"


# ---- ActionFormer (Zhang et al. 2022): windows of attention as a band mask ----

class Block(nn.Module):
    def __init__(self, dims, heads, window, stride):
        super().__init__()
        self.heads, self.window, self.stride = heads, window, stride
        self.norm1, self.norm2 = RowNorm(dims), RowNorm(dims)
        self.depthwise = nn.ModuleList(nn.Sequential(nn.Conv1d(dims, dims, 3, stride, 1, groups=dims, bias=False), RowNorm(dims)) for _ in range(3))
        self.projections = nn.ModuleList(nn.Conv1d(dims, dims, 1) for _ in range(3))
        self.out = nn.Conv1d(dims, dims, 1)
        self.mlp = nn.Sequential(nn.Conv1d(dims, 4 * dims, 1), nn.GELU(), nn.Conv1d(4 * dims, dims, 1))
        self.scale1, self.scale2 = nn.Parameter(torch.full((1, dims, 1), 1e-4)), nn.Parameter(torch.full((1, dims, 1), 1e-4))

    def forward(self, x):
        y = self.norm1(x)
        q, k, v = (p(d(y)).unflatten(1, (self.heads, -1)).transpose(2, 3) for p, d in zip(self.projections, self.depthwise))
        place = torch.arange(q.shape[2], device=x.device)
        band = (place[:, None] - place).abs() <= self.window // 2
        y = self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=band).transpose(2, 3).flatten(1, 2))
        x = (F.max_pool1d(x, 3, 2, 1) if self.stride == 2 else x) + self.scale1 * y
        return x + self.scale2 * self.mlp(self.norm2(x))


class ActionFormer(nn.Module):
    def __init__(self, dim, dims, head_dims, heads, window, stem, levels):
        super().__init__()
        self.embed = nn.Sequential(nn.Conv1d(dim, dims, 3, padding=1, bias=False), RowNorm(dims), nn.ReLU(),
                                   nn.Conv1d(dims, dims, 3, padding=1, bias=False), RowNorm(dims), nn.ReLU())
        self.stem = nn.Sequential(*(Block(dims, heads, window, 1) for _ in range(stem)))
        self.branch = nn.ModuleList(Block(dims, heads, window, 2) for _ in range(levels - 1))
        self.norms = nn.ModuleList(RowNorm(dims) for _ in range(levels))
        self.classes, self.distances = self.head(dims, head_dims, CLASSES), self.head(dims, head_dims, 2)
        self.scales = nn.Parameter(torch.ones(levels))

    @staticmethod
    def head(dims, hidden, out):
        return nn.Sequential(nn.Conv1d(dims, hidden, 3, padding=1, bias=False), RowNorm(hidden), nn.ReLU(),
                             nn.Conv1d(hidden, hidden, 3, padding=1, bias=False), RowNorm(hidden), nn.ReLU(), nn.Conv1d(hidden, out, 3, padding=1))

    def forward(self, x):
        x = self.stem(self.embed(x))
        levels = [x]
        for block in self.branch:
            x = block(x)
            levels.append(x)
        levels = [norm(level) for norm, level in zip(self.norms, levels)]
        return (torch.cat([self.classes(level) for level in levels], 2), torch.cat([F.relu(self.distances(level) * scale) for level, scale in zip(levels, self.scales)], 2))


def actionformer():
    dim, rows, batch, sizes = (64, 364, 4, (16, 8, 2, 5, 1, 4)) if arguments.small else (2048, 2304, 2, (512, 512, 4, 19, 2, 6))
    rows = -(-rows // 2 ** (sizes[-1] - 1)) * 2 ** (sizes[-1] - 1)  # padded, so that every level halves the one before
    net = ActionFormer(dim, *sizes).to(arguments.device)
    x = torch.randn(batch, dim, rows, device=arguments.device)
    points = sum(rows >> level for level in range(sizes[-1]))
    positive = torch.rand(batch, points, device=arguments.device) < 0.05
    classes = F.one_hot(torch.randint(CLASSES, (batch, points), device=arguments.device), CLASSES).transpose(1, 2) * positive[:, None].float()
    target = torch.rand(batch, 2, points, device=arguments.device) * 4 + 0.5

    def loss():
        logits, distances = (y.float() for y in net(x))
        p = logits.sigmoid()
        entropy = F.binary_cross_entropy_with_logits(logits, classes, reduction="none")
        focal = (torch.where(classes > 0, 0.25, 0.75) * (1 - torch.where(classes > 0, p, 1 - p)) ** 2 * entropy).sum()
        shared, spans = torch.minimum(distances, target).sum(1), torch.maximum(distances, target).sum(1)
        union = distances.sum(1) + target.sum(1) - shared
        centres = ((distances[:, 1] - distances[:, 0]) - (target[:, 1] - target[:, 0])) / 2
        diou = ((1 - shared / union.clamp_min(1e-8) + (centres / spans.clamp_min(1e-8)) ** 2) * positive).sum()
        return (focal + diou) / positive.sum()
    return net, loss, torch.optim.AdamW(net.parameters(), lr=1e-4, weight_decay=0.05), 1.0, "attention under a band mask, AdamW"


def main():
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = arguments.precision == "tf32"
    if arguments.small:
        torch.set_num_threads(1)
    net, loss, optimiser, clip, what = {"bmn": bmn, "sptad": sptad, "actionformer": actionformer}[arguments.network]()
    times = [time.perf_counter()]
    for _ in range(STEPS):
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(arguments.device, torch.bfloat16, enabled=arguments.precision == "bfloat16"):
            value = loss()
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimiser.step()
        if not value.isfinite().item():  # which waits for the device too
            sys.exit("the loss is not finite")
        times.append(time.perf_counter())
    steps = [b - a for a, b in zip(times, times[1:])]
    print(json.dumps({"what": f"PyTorch {torch.__version__}, {what}", "milliseconds": statistics.median(steps[len(steps) // 2:]) * 1e3}))


main()
