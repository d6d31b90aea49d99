"""The hypothesis that INR builds on, as numbers: is a network of authentic images worse at tampered pixels?

INR sections 1 and 3.2, Figures 1 and 2: "unfaithfulness in tampered pixels". Measured in two ways, before any detector
is trained: PSNR inside and outside the masks, and the error map alone as a detector of tampered pixels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.data.batches import ImageSet, evaluation_batches
from imdlib.inr.reconstruction import NRR, psnr
from imdlib.networks.cluster import otsu_threshold


@torch.inference_mode()
def psnr_split(nrr: NRR, images: ImageSet) -> dict[str, float]:
    """Mean PSNR in dB of an NRR: dict of psnr_authentic (authentic images), psnr_outside and psnr_tampered (the two parts
    of tampered images), and psnr_gap = outside - tampered, positive where the hypothesis holds; NaN without such images.

    images: ImageSet of authentic and tampered images with their masks.
    """
    device = next(nrr.parameters()).device
    found = {"psnr_authentic": [], "psnr_outside": [], "psnr_tampered": []}
    for image, mask, _ in evaluation_batches(images):
        image, tampered = image.to(device).float() / 255, mask.to(device) == 1
        output = nrr(image)["reconstruction"].float()
        forged = tampered.flatten(1).any(dim=1)
        found["psnr_authentic"].append(psnr(image, output)[~forged])
        found["psnr_outside"].append(psnr(image, output, ~tampered)[forged])
        found["psnr_tampered"].append(psnr(image, output, tampered)[forged])
    means = {name: torch.cat(values).nanmean().item() for name, values in found.items()}
    return means | {"psnr_gap": means["psnr_outside"] - means["psnr_tampered"]}


class ErrorDetector(nn.Module):
    """A prior's error map as it stands, for `imdlib.scoring.evaluate.score`: image (B,3,H,W) in [0,1] -> (B,1,H,W) in [0,1].

    prior: a module of `priors`, unscaled; scale: the error that becomes 0.5 (error / (error + scale) keeps the order of
    all pixels, which cutting off would not); box: side of the window over which errors are averaged first, odd; binary:
    1 above Otsu's threshold of the image, 0 elsewhere, the unsupervised answer.
    """

    def __init__(self, prior: nn.Module, *, scale: float, box: int = 1, binary: bool = False) -> None:
        super().__init__()
        if box % 2 == 0 or scale <= 0:
            raise ValueError(f"expected an odd box and a scale above 0, found box={box}, scale={scale}")
        self.prior, self.scale, self.box, self.binary = prior, scale, box, binary

    def forward(self, image: Tensor) -> Tensor:
        error = self.prior(image)[1].mean(dim=1, keepdim=True)
        if self.box > 1:
            side = self.box // 2
            error = F.avg_pool2d(F.pad(error, (side,) * 4, mode="reflect"), self.box, stride=1)
        if self.binary:
            return (error > otsu_threshold(error.flatten(1))[:, None, None, None]).float()
        return error / (error + self.scale)


class RandomMinority(nn.Module):
    """What "the smaller of two clusters is tampered" makes of features that mean nothing: image (B,3,H,W) -> (B,1,H,W) in
    {0,1}, a share of the cells of side `cell` pixels called tampered at random, the share uniform below one half.
    """

    def __init__(self, *, cell: int = 16, seed: int = 0) -> None:
        super().__init__()
        self.cell, self.generator = cell, torch.Generator().manual_seed(seed)

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        shape = (len(image), 1, -(-height // self.cell), -(-width // self.cell))
        share = torch.rand(len(image), 1, 1, 1, generator=self.generator) / 2
        cells = (torch.rand(shape, generator=self.generator) < share).float()
        return F.interpolate(cells, scale_factor=self.cell)[..., :height, :width]
