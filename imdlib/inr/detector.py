"""The detector: two branches with shared weights, one for the image and its error map, one for its reconstruction.

INR section 3.1, 3.3, 3.5 and Figure 3: ResNet-50, mask by a sigmoid on the upsampled final feature map, projection head
of two convolutions, shallow heads by the channel mean.

Differs from the paper:
- The branches share weights but not input channels (4 and 3): the second branch gets the error of I_R against itself,
  zero. A stem of its own would never be trained, for the next reason.
- The second branch runs without gradient and with the main branch's running statistics in batch norm. It only serves M,
  M only a clustering, and that has no gradient; the main branch is the same network with and without the other.
  `counter=True` lets the gradient through, with the same statistics, for a contrast whose keys are its features (section
  2.3, see `contrast`).
- At stride 32 a 224-pixel crop has 49 cells, too few to cluster. The default feature is the third stage beside the
  upsampled fourth, stride 16 (as in WSCL, Zhai et al. 2023); `feat="stage4"` is the literal one.
- The paper names no layer that makes one channel out of the final features: a 1x1 convolution, or `head="mean"`.
- The channel mean of features after ReLU is never negative, so its sigmoid cannot fall below 0.5. A normalisation with
  scale and shift stands in between; `shallow="literal"` leaves it out.
- `inputs="rgb+residual"` adds a high-pass residual; `stem_stride`, `width`, `blocks` and `proj` are free.
"""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.inr.contrast import matching_scores
from imdlib.inr.pretrained import Lite0Encoder
from imdlib.networks.lite0 import NAME as LITE0
from imdlib.networks.pixels import SMALLEST, Pixels
from imdlib.networks.resnet import Encoder

SHALLOW = ("layer1", "layer2", "layer3")


class INRNet(nn.Module):
    """Takes images in [0,1] and normalises them itself; the prior is part of it and never trained.

    prior: a module of `imdlib.inr.priors`, None = RGB alone, one branch. matching: own the second branch and P, False =
    the prior's error is an input and nothing else. backbone, stem_stride, width, blocks, pretrained: see `resnet.Encoder`;
    'efficientnet_lite0' is `pretrained.Lite0Encoder`, of one shape. inputs: see `pixels.Pixels`. feat: 'fused' or 'stage4'.
    head: 'conv' or 'mean' (`ChannelMean`). proj: channels of P's two 1x1 convolutions. counter: the second branch's features
    are part of the outputs, with gradient. shallow: None, 'norm' or 'literal', the heads of the unsupervised mode.
    The buffer `seen` counts the batches that it was trained on.
    """

    smallest = SMALLEST  # pixels a side

    def __init__(
        self,
        *,
        prior: nn.Module | None = None,
        matching: bool = True,
        backbone: str = "resnet50",
        stem_stride: int = 4,
        width: float = 1.0,
        blocks: Sequence[int] | None = None,
        pretrained: bool = False,
        inputs: str = "rgb",
        feat: str = "fused",
        head: str = "conv",
        proj: tuple[int, int] = (512, 256),
        counter: bool = False,
        shallow: str | None = None,
    ) -> None:
        super().__init__()
        one_of("feat", feat, ("fused", "stage4"))
        one_of("head", head, ("conv", "mean"))
        one_of("shallow", shallow, (None, "norm", "literal"))
        self.pixels, self.fused = Pixels(inputs), feat == "fused"
        self.prior, self.counter = prior, counter
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))
        channels = self.pixels.channels + (0 if prior is None else prior.channels)
        shape = dict(stem_stride=stem_stride, width=width, blocks=blocks)
        self.encoder = (
            Lite0Encoder(in_channels=channels, pretrained=pretrained)
            if backbone == LITE0
            else Encoder(backbone, in_channels=channels, pretrained=pretrained, **shape)
        )
        planes = self.encoder.channels
        size = planes["layer4"] + (planes["layer3"] if self.fused else 0)
        self.head = nn.Conv2d(size, 1, 1) if head == "conv" else ChannelMean()
        self.project = None
        if prior is not None and matching:
            self.project = nn.Sequential(nn.Conv2d(size, proj[0], 1), nn.ReLU(), nn.Conv2d(proj[0], proj[1], 1))
        self.shallow = None
        if shallow is not None:
            self.shallow = nn.ModuleList([ChannelMean(literal=shallow == "literal") for _ in SHALLOW])

    def train(self, mode: bool = True) -> Self:
        """As usual, but the prior stays in evaluation mode."""
        super().train(mode)
        if self.prior is not None:
            self.prior.eval()
        return self

    def forward(self, image: Tensor) -> dict[str, Tensor | list[Tensor]]:
        """image (B,3,H,W) float in [0,1], at least 32 pixels a side -> dict of logits (B,1,h,w) and feat (B,D,h,w), both
        at the feature's stride, and seen, batches trained on, this one too; with a prior, error (B,E,H,W) and reconstruction
        (B,3,H,W); with matching, proj (B,d,h,w) and matching (B,h,w) in [0,1], with counter also proj_r and feat_r, those of
        the reconstruction; with shallow heads, shallow: a list of logits (B,1,hs,ws).
        """
        check_image(image)
        if self.training:
            self.seen += 1
        outputs, error = {"seen": self.seen.clone()}, None
        if self.prior is not None:
            reconstruction, error = self.prior(image)
            outputs |= {"reconstruction": reconstruction, "error": error}
        stages = self.encoder(self.stack(image, error))
        feat = self.fuse(stages)
        outputs |= {"logits": self.head(feat).float(), "feat": feat}
        if self.project is not None:
            outputs["proj"] = self.project(feat)
            feat_r, proj_r = self.second(reconstruction, error)
            outputs["matching"] = matching_scores(outputs["proj"].detach(), proj_r.detach())
            outputs |= {"feat_r": feat_r, "proj_r": proj_r} if self.counter else {}
        if self.shallow is not None:
            outputs["shallow"] = [head(stages[name]).float() for head, name in zip(self.shallow, SHALLOW)]
        return outputs

    def second(self, reconstruction: Tensor, error: Tensor) -> tuple[Tensor, Tensor]:
        """F_R (B,D,h,w) and P(F_R) (B,d,h,w) of the complementary branch, without gradient but for `counter`."""
        training = self.encoder.training
        self.encoder.eval()
        with torch.set_grad_enabled(self.counter and torch.is_grad_enabled()):
            feat_r = self.fuse(self.encoder(self.stack(reconstruction, torch.zeros_like(error))))
            proj_r = self.project(feat_r)
        self.encoder.train(training)
        return feat_r, proj_r

    def stack(self, image: Tensor, error: Tensor | None) -> Tensor:
        """Input of the encoder: what is seen of the image, and the error map where there is a prior."""
        x = self.pixels(image)
        return x if error is None else torch.cat([x, error], dim=1)

    def fuse(self, stages: dict[str, Tensor]) -> Tensor:
        """F of INR section 3.3: the fourth stage, or the third with the upsampled fourth beside it."""
        third, last = stages["layer3"], stages["layer4"]
        if not self.fused:
            return last
        return torch.cat([third, F.interpolate(last, third.shape[-2:], mode="bilinear", align_corners=False)], dim=1)


class ChannelMean(nn.Module):
    """Logits by the mean over channels: (B,D,h,w) -> (B,1,h,w), normalised over the batch with a learned scale and
    shift, or as it is (literal).
    """

    def __init__(self, *, literal: bool = False) -> None:
        super().__init__()
        self.norm = nn.Identity() if literal else nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.mean(dim=1, keepdim=True))


def tampered_probability(outputs: dict[str, Tensor], size: tuple[int, int] | None = None) -> Tensor:
    """Outputs of `INRNet` -> probability of tampered (B,1,h,w) at the feature's stride, or (B,1,*size), bilinear."""
    prob = outputs["logits"].float().sigmoid()
    return prob if size is None else F.interpolate(prob, size, mode="bilinear", align_corners=False)


def one_of(name: str, value: str | None, expected: Sequence[str | None]) -> None:
    """Refuse a parameter that is none of the expected values."""
    if value not in expected:
        raise ValueError(f"{name}={value!r}: expected one of {', '.join(map(repr, expected))}")


def check_image(image: Tensor) -> None:
    """Refuse what would fail further down, or silently do badly."""
    if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
        found = f"{image.dtype} {tuple(image.shape)}"
        raise ValueError(f"image: expected float (B,3,H,W) in [0,1], found {found}; divide 8-bit images by 255")
    if min(image.shape[-2:]) < 32:
        raise ValueError(f"image: expected at least 32 pixels a side, found {tuple(image.shape[-2:])}; pad it")
