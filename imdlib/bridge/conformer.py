"""Conformer with a CAM layer: a convolutional and a transformer branch that exchange features at every stage.

Bridging sections 3.4, 3.5 and 4.1 (12 stages, 384 wide, six heads), after Peng et al., "Conformer" (ICCV 2021), size S,
and Li et al., "TransCAM" (2023), whose classifier is a 3x3 convolution before the pooling, so that a map exists.

Differs from the paper:
- How the discrepancies of Eq. 8 reach the Conformer is not stated. fusion 'late' (default) adds logits made from them,
  which leaves the CAM layer purely spatial; 'token' lets the transformer branch read them; 'none' is TransCAM alone.
  `fusion.DiscClassifier` is Eq. 8 alone, without a Conformer.
- Cross-entropy over three classes takes the place of TransCAM's multi-label loss with a background class.
- The CAM layer starts with weights by fan-in; by fan-out, as in TransCAM, the logits of three classes start ten apart.
- All weights start at random; the paper does not say whether its Conformer was pre-trained. With `imagenet` the stem is the
  front of EfficientNet-lite0 with its ImageNet weights: those of a whole Conformer ship with no package.
- `width`, `dim`, `depth`, `heads`, `stem_stride` and `inputs` are free: a stem of stride 4 averages away what neighbouring
  pixels say about a small image.
"""

import numpy as np
import torch
from timm.layers import trunc_normal_
from timm.models.vision_transformer import Block
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.bridge.blocks import Bottleneck, Coupled, attention_map
from imdlib.bridge.fusion import DiscEmbedding
from imdlib.networks import lite0
from imdlib.networks.pixels import Pixels


class Conformer(nn.Module):
    """Classifies images into three classes, with the maps that `localize` needs; takes images in [0,1].

    width: channels of the stem, a quarter of those of the first stage; dim, heads: of the transformer; depth: stages, a
    multiple of 3, the map's resolution halves after each third. stem_stride: 4 = 7x7 convolution of stride 2 and max
    pooling, 2 = 3x3 and max pooling, 1 = 3x3 alone; a token covers 4 * stem_stride pixels a side. inputs: see
    `pixels.Pixels`. imagenet: see above; then inputs is 'rgb', stem_stride 4, and
    width has no say. fusion: 'late', 'token' or 'none'; disc_width: length of the vector of Eq. 8.
    """

    def __init__(
        self,
        *,
        num_classes: int = 3,
        width: int = 64,
        dim: int = 384,
        depth: int = 12,
        heads: int = 6,
        stem_stride: int = 4,
        inputs: str = "rgb",
        imagenet: bool = False,
        drop_path: float = 0.1,
        fusion: str = "late",
        disc_width: int = 6,
    ) -> None:
        super().__init__()
        check(
            depth=depth, dim=dim, heads=heads, stem_stride=stem_stride, fusion=fusion, imagenet=imagenet, inputs=inputs
        )
        width = Front.channels if imagenet else width
        self.pixels, self.fusion, self.disc_width, self.cell = Pixels(inputs), fusion, disc_width, 4 * stem_stride
        first = dict(kernel_size=7, stride=2, padding=3) if stem_stride == 4 else dict(kernel_size=3, padding=1)
        self.stem = nn.Sequential(
            nn.Conv2d(self.pixels.channels, width, bias=False, **first),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Identity() if stem_stride == 1 else nn.MaxPool2d(3, stride=2, padding=1),
        )
        planes, drops = 4 * width, np.linspace(0, drop_path, depth).tolist()
        self.local = Bottleneck(width, planes, project=True)
        self.patches = nn.Conv2d(width, dim, 4, stride=4)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.block = Block(dim, heads, qkv_bias=True, drop_path=drops[0])
        stages, inplanes = [], planes
        for number in range(1, depth):
            third = 3 * number // depth
            halve = third > 3 * (number - 1) // depth
            shape = dict(stride=2 if halve else 1, token_stride=4 // 2**third, dim=dim, heads=heads)
            stage = Coupled(
                inplanes, planes * 2**third, **shape, drop_path=drops[number], fuse_project=number == depth - 1
            )
            stages.append(stage)
            inplanes = planes * 2**third
        self.stages = nn.ModuleList(stages)
        self.norm = nn.LayerNorm(dim)
        self.trans_head = nn.Linear(dim, num_classes)
        self.cam_head = nn.Conv2d(inplanes, num_classes, 3, padding=1)
        self.disc = DiscEmbedding(disc_width, dim) if fusion != "none" else None
        self.disc_head = nn.Linear(dim, num_classes) if fusion == "late" else None
        self.apply(start)
        nn.init.kaiming_normal_(self.cam_head.weight)
        nn.init.zeros_(self.cam_head.bias)
        trunc_normal_(self.class_token, std=0.02)
        if imagenet:
            self.pixels, self.stem = nn.Identity(), Front()

    def forward(self, image: Tensor, disc: Tensor | None = None, *, attention: bool | None = None) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1], any H and W of at least 32; disc (B,disc_width), of `Discrepancy`, detached.

        Returns a dict: logits (B,classes), the sum of conv_logits, trans_logits and, with late fusion, disc_logits;
        cam (B,classes,h,w), logits of each cell before pooling; features (B,dim or 2 dim), class token and embedded
        discrepancies; attention (depth,B,hw,hw) if asked for, by default outside training. h = ceil(H / cell).
        """
        check_inputs(image, disc, self.disc_width if self.disc is not None else None)
        attention = not self.training if attention is None else attention
        x = self.stem(self.pixels(self.padded(image)))
        grid = (x.shape[2] // 4, x.shape[3] // 4)
        embedded = None if self.disc is None else self.disc(disc)  # (B,dim)
        lead = [self.class_token.expand(len(x), -1, -1)] + ([embedded[:, None]] if self.fusion == "token" else [])
        tokens = torch.cat([*lead, self.patches(x).flatten(2).transpose(1, 2)], dim=1)  # (B,leading+N,dim)
        leading = len(lead)
        maps = [attention_map(self.block, tokens, leading) if attention else None]
        tokens = self.block(tokens)
        x, _ = self.local(x)
        for stage in self.stages:
            x, tokens, weights = stage(x, tokens, grid, leading, attention)
            maps.append(weights)
        outputs = self.heads(x, self.norm(tokens[:, 0]), embedded)
        return outputs | ({"attention": torch.stack(maps)} if attention else {})

    def heads(self, x: Tensor, summary: Tensor, embedded: Tensor | None) -> dict[str, Tensor]:
        """Logits, CAM and features from the last map (B,C,h,w), the class token (B,dim) and the embedded discrepancies."""
        cam = self.cam_head(x)
        outputs = {
            "cam": cam,
            "conv_logits": cam.mean((2, 3)).float(),
            "trans_logits": self.trans_head(summary).float(),
        }
        outputs["logits"] = outputs["conv_logits"] + outputs["trans_logits"]
        if self.disc_head is not None:
            outputs["disc_logits"] = self.disc_head(embedded).float()
            outputs["logits"] = outputs["logits"] + outputs["disc_logits"]
        known = [summary] if embedded is None else [summary, embedded]
        return outputs | {"features": torch.cat([one.float() for one in known], dim=1)}

    def padded(self, image: Tensor) -> Tensor:
        """Edges repeated up to a multiple of the cell."""
        return F.pad(image, (0, -image.shape[3] % self.cell, 0, -image.shape[2] % self.cell), mode="replicate")


class Front(nn.Module):
    """The front of EfficientNet-lite0 as a stem: image (B,3,H,W) in [0,1] -> (B,24,H/4,W/4), from ImageNet weights."""

    channels = lite0.CHANNELS[1]

    def __init__(self) -> None:
        super().__init__()
        self.network = lite0.Lite0(pretrained=True, out=(1,))

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)[0]


def start(module: nn.Module) -> None:
    """Initial weights as in the reference: truncated normal for linear layers, by fan-out for convolutions."""
    if isinstance(module, nn.Linear):
        trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def check(*, depth: int, dim: int, heads: int, stem_stride: int, fusion: str, imagenet: bool, inputs: str) -> None:
    """Refuse combinations that no network exists for."""
    if depth < 3 or depth % 3:
        raise ValueError(f"depth={depth}: expected a multiple of 3, a third of the stages at each resolution")
    if dim % heads:
        raise ValueError(f"dim={dim}, heads={heads}: expected dim to be a multiple of heads")
    if imagenet and (stem_stride, inputs) != (4, "rgb"):
        raise ValueError(f"imagenet=True: expected stem_stride=4 and inputs='rgb', found {stem_stride} and {inputs!r}")
    for name, value, known in (
        ("stem_stride", stem_stride, (1, 2, 4)),
        ("fusion", fusion, ("late", "token", "none")),
    ):
        if value not in known:
            raise ValueError(f"{name}={value!r}: expected one of {known}")


def check_inputs(image: Tensor, disc: Tensor | None, width: int | None) -> None:
    """Refuse what would fail further down, or silently do badly."""
    if image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point() or min(image.shape[-2:]) < 32:
        found = f"{image.dtype} {tuple(image.shape)}"
        raise ValueError(f"image: expected float (B,3,H,W) in [0,1], sides of at least 32, found {found}")
    if width is not None and (disc is None or disc.shape != (len(image), width)):
        found = "None" if disc is None else tuple(disc.shape)
        raise ValueError(f"disc: expected ({len(image)},{width}), the vector of Discrepancy, found {found}")
