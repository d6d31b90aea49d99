"""A second stand-in for CLIP: EfficientNet-lite0's features of photographs, from ImageNet weights that ship inside a package.

Bridging section 3.2 needs a frozen feature extractor.

Differs from the paper: this is not CLIP and is never called so. It was trained to name what is on a million photographs, and has
seen neither the embedded benchmark nor its cameras, from whose labels the other stand-in learned: what holds with both does not
hang on that. It looks at native pixels, since resizing wipes out traces.
"""

import torch
from torch import Tensor, nn

from imdlib.bridge.towers.clip import freeze, weights_digest
from imdlib.bridge.towers.standin import mirrored
from imdlib.networks.lite0 import NAME, Lite0

STAGE = 3  # of lite0's five: a cell of 16 pixels a side, as a token of the other stand-in


class ImageNetGrid(nn.Module):
    """Prepared images (B,3,size,size) float in [0,1] -> tokens (B,N,112), one per 16 x 16 pixels, row by row."""

    def __init__(self, size: int = 128) -> None:
        super().__init__()
        self.network = Lite0(pretrained=True, out=(STAGE,))
        self.side, self.shape = size, ((-(-size // self.network.strides[0])) ** 2, self.network.channels[0])
        freeze(self)

    @property
    def identity(self) -> str:
        """What the features depend on besides the image."""
        return f"{NAME} stage {STAGE} centre {self.side} {weights_digest(self.network)}"

    def prepare(self, image: Tensor) -> Tensor:
        """image (3,H,W) uint8 -> its central size x size pixels, float in [0,1]; a smaller image is mirrored at its edges."""
        rows, columns = (mirrored(length, self.side) for length in image.shape[1:])
        return image[:, rows][:, :, columns].float() / 255

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """images (B,3,size,size) float in [0,1] -> tokens (B,N,112)."""
        with torch.autocast(images.device.type, enabled=False):
            return self.network(images.float())[0].flatten(2).transpose(1, 2)
