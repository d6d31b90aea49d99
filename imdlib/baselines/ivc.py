"""IVC: whether a block's interpolated values lie between their neighbours where the image's colour filter array says so.

Choi, Choi and Lee, "Estimation of color filter array pattern from color images using intermediate value counting" (Digital
Investigation 8, 2011): demosaicking puts an interpolated value between the measured ones beside it; of the four Bayer patterns the
camera's is the one for which most values do. INR's Table 1 lists it as a localizer and does not say how a map is made of it. Here:
the pattern is found for the image, counts are made in each block, and a block is the more suspicious the more another pattern
has in it than the image's own.

It sees uncompressed splices whose mosaic lies on another lattice or was scaled away; JPEG and flat regions blind it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.baselines.cells import eight_bit, filled, spread, stretched

PATTERNS = (
    (0, 0),
    (0, 1),
    (1, 0),
    (1, 1),
)  # row and column of the red pixel in a 2x2 cell; the blue one lies diagonally
BESIDE = {
    "row": ((0, -1), (0, 1)),
    "column": ((-1, 0), (1, 0)),
    "corners": ((-1, -1), (-1, 1), (1, -1), (1, 1)),
    "cross": ((0, -1), (0, 1), (-1, 0), (1, 0)),
}  # neighbours: (down, right)


class IVC(nn.Module):
    """Suspicion of another mosaic, for a batch of images; side: of a block in pixels, even."""

    def __init__(self, side: int = 16) -> None:
        super().__init__()
        self.side = side

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """image (B,3,H,W) float in [0,1] -> dict of map (B,1,H,W) in [0,1], each image's most suspicious block at 1; counts
        (B,4,h,w): share of intermediate values of each block under each of PATTERNS; pattern (B,): the image's own.
        """
        counts = F.avg_pool2d(filled(intermediate(eight_bit(image)), self.side), self.side)
        pattern = counts.mean((2, 3)).argmax(1)  # (B,)
        own = counts.gather(1, pattern.view(-1, 1, 1, 1).expand(-1, 1, *counts.shape[2:]))
        others = counts.scatter(1, pattern.view(-1, 1, 1, 1).expand_as(own), -1.0).amax(1, keepdim=True)
        suspicion = spread(others - own, self.side, image.shape[-2:])
        return {"map": stretched(suspicion), "counts": counts, "pattern": pattern}


def intermediate(image: Tensor) -> Tensor:
    """Share of the two interpolated values of every pixel that lie between their neighbours, (B,4,H,W), for each of PATTERNS."""
    between = {name: within(image, places) for name, places in BESIDE.items()}  # (B,3,H,W) each
    rows, columns = (torch.arange(side, device=image.device) % 2 for side in image.shape[2:])
    found = []
    for down, right in PATTERNS:
        in_row, in_column = (rows == down)[:, None], (columns == right)[None]
        red, blue = in_row & in_column, ~in_row & ~in_column
        green_in_red_row = in_row & ~in_column
        greens = torch.where(green_in_red_row, between["row"][:, 0], between["column"][:, 0])
        greens = greens + torch.where(green_in_red_row, between["column"][:, 2], between["row"][:, 2])
        reds = between["cross"][:, 1] + between["corners"][:, 2]
        blues = between["cross"][:, 1] + between["corners"][:, 0]
        found.append(torch.where(red, reds, torch.where(blue, blues, greens)) / 2)
    return torch.stack(found, dim=1)


def within(image: Tensor, places: tuple[tuple[int, int], ...]) -> Tensor:
    """1 where a value lies between the least and the largest of its neighbours at `places`, else 0; border mirrored."""
    padded = F.pad(image, (1, 1, 1, 1), mode="reflect")
    height, width = image.shape[2:]
    low = high = None
    for down, right in places:
        one = padded[..., 1 + down : 1 + down + height, 1 + right : 1 + right + width]
        low, high = (one, one) if low is None else (torch.minimum(low, one), torch.maximum(high, one))
    return ((low <= image) & (image <= high)).float()
