"""WSCL: three streams that see colour, SRM residuals and Bayar residuals, and are made to agree; learned from image labels.

Zhai, Luan, Doermann and Yuan, "Towards Generic Image Manipulation Detection with Weakly-Supervised Self-Consistency Learning" (ICCV
2023), and the code released with it; a row of INR's Tables 2 and 3. The image score is a pooled map; multi-source consistency pulls
each stream's map to the binarised mean of all (weights 1:2:2), inter-patch consistency asks pairs of patches to differ where that
pseudo mask does. Both grow as 0.1 exp(-5 (1 - e/E)^2). A pseudo mask of an authentic image is empty, of a tampered one never.

Differs from the released code: streams start at random and are of `backbone` and `width`; patches are at most 16 a side; the pool is
the caller's. Its two leaks are not here but in the run notebook, as parameters: labels computed from cropped masks (`labels`), and
the epoch chosen on test images (`chosen_on`).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.generated import check_image, image_label
from imdlib.baselines.mvss import Bayar
from imdlib.networks.pixels import Pixels
from imdlib.networks.resnet import Encoder
from imdlib.networks.srm import filters

SHARES = (0.2, 0.4, 0.4)  # of colour, SRM and Bayar in the mean map
STRENGTH, PATCHES = 0.1, 16  # of either consistency once it has grown; patches a side


class WSCL(nn.Module):
    """Takes images in [0,1]; arguments: see `resnet.Encoder`. The buffer `seen` counts the batches that it was trained on."""

    def __init__(
        self,
        *,
        backbone: str = "resnet50",
        stem_stride: int = 4,
        width: float = 1.0,
        blocks: Sequence[int] | None = None,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        shape = dict(stem_stride=stem_stride, width=width, blocks=blocks, pretrained=pretrained)
        self.pixels, self.bayar = Pixels("rgb"), Bayar()
        self.register_buffer("srm", filters(), persistent=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))
        self.streams = nn.ModuleList([Encoder(backbone, in_channels=channels, **shape) for channels in (3, 9, 3)])
        planes = self.streams[0].channels
        self.heads = nn.ModuleList([nn.Conv2d(planes["layer3"] + planes["layer4"], 1, 1) for _ in self.streams])
        size = planes["layer2"]
        self.pairs = nn.ModuleList([nn.ModuleList([nn.Conv2d(size, size, 1) for _ in "ab"]) for _ in self.streams])

    def forward(self, image: Tensor) -> dict[str, Any]:
        """image (B,3,H,W) float in [0,1], sides of at least 32 -> dict of logits (B,1,h,w) of the mean map, streams: three maps
        (B,1,h,w) in [0,1], apart: three matrices (B,N,N), logits of two patches being unlike, seen.
        """
        check_image(image)
        if self.training:
            self.seen += 1
        x = F.pad(image, (2, 2, 2, 2), mode="replicate").flatten(0, 1)[:, None]
        srm = (255 * F.conv2d(x, self.srm.to(x.dtype))).clamp(-5, 5).unflatten(0, (len(image), 3)).flatten(1, 2)
        maps, apart = [], []
        for seen, stream, head, pair in zip(
            (self.pixels(image), srm, 10 * self.bayar(image)), self.streams, self.heads, self.pairs
        ):
            stages = stream(seen)
            third = stages["layer3"]
            last = F.interpolate(stages["layer4"], third.shape[-2:], mode="bilinear", align_corners=False)
            maps.append(head(torch.cat([third, last], dim=1)).float().sigmoid())
            apart.append(unlike(stages["layer2"], *pair))
        mean = sum(share * one for share, one in zip(SHARES, maps)).clamp(1e-6, 1 - 1e-6)
        return {"logits": mean.logit(), "streams": maps, "apart": apart, "seen": self.seen.clone()}


def unlike(features: Tensor, one: nn.Module, other: nn.Module) -> Tensor:
    """Logits of two patches being unlike, (B,N,N), from features (B,C,h,w) brought to at most PATCHES a side."""
    side = [min(PATCHES, length) for length in features.shape[-2:]]
    x = F.adaptive_avg_pool2d(features, side)
    a, b = one(x).flatten(2), other(x).flatten(2)  # (B,C,N)
    return -(a.transpose(1, 2) @ b).float() / math.sqrt(a.shape[1])


def wscl_loss(
    outputs: dict[str, Any], mask: Tensor, *, pool: Callable[[Tensor], Tensor], steps: int
) -> dict[str, Tensor]:
    """Classification of every stream and of the mean, and the two consistencies, in the form of `imdlib.train.fit`.

    mask: the image's label at every pixel; pool(map (B,N) in [0,1]) -> image score (B,); steps: of the whole training.
    """
    label = image_label(mask)
    maps = [*outputs["streams"], outputs["logits"].float().sigmoid()]
    with torch.autocast(mask.device.type, enabled=False):
        scores = [pool(one.float().flatten(1)).clamp(0, 1) for one in maps]
        cls = sum(F.binary_cross_entropy(score, label) for score in scores) / len(scores)
        pseudo = pseudo_mask(maps[-1].detach(), label)
        source = sum(F.mse_loss(one.float(), pseudo) for one in outputs["streams"])
        patch = sum(patch_loss(one, pseudo) for one in outputs["apart"])
    grown = STRENGTH * torch.exp(-5 * (1 - (outputs["seen"] / max(steps, 1)).clamp(max=1)) ** 2)
    return {"loss": cls + grown * (source + patch), "cls": cls, "source": source, "patch": patch}


def pseudo_mask(mean: Tensor, label: Tensor) -> Tensor:
    """The mean map (B,1,h,w) at 0.5, empty for authentic images, with its largest cell for tampered ones."""
    flat = mean.flatten(1)
    largest = torch.zeros_like(flat).scatter(1, flat.argmax(1, keepdim=True), 1.0)
    chosen = torch.maximum((flat > 0.5).float(), largest) * label[:, None]
    return chosen.view_as(mean)


def patch_loss(apart: Tensor, pseudo: Tensor) -> Tensor:
    """Cross-entropy of pairs of patches: unlike where one is tampered by the pseudo mask and the other is not. apart (B,N,N)."""
    side = math.isqrt(apart.shape[1])
    tampered = (F.adaptive_max_pool2d(pseudo, (side, apart.shape[1] // side)).flatten(1) > 0.5).float()  # (B,N)
    target = (tampered[:, :, None] - tampered[:, None]).abs()
    return F.binary_cross_entropy_with_logits(apart, target)
