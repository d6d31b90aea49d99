"""The hypothesis that INR builds on, as numbers: is a network of authentic images worse at tampered pixels?

INR sections 1 and 3.2, Figures 1 and 2: "unfaithfulness in tampered pixels". Measured in two ways, before any detector
is trained: PSNR inside and outside the masks, and the error map alone as a detector of tampered pixels.
"""

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imdlib.data.batches import ImageSet, evaluation_batches
from imdlib.inr.reconstruction import NRR, psnr
from imdlib.networks.cluster import otsu_threshold
from imdlib.scoring import evaluate

OUTSIDE, INSIDE = "NRR, outside the mask", "NRR, inside the mask"  # predictors of rows that hold a PSNR


@torch.inference_mode()
def psnr_split(nrr: NRR, images: ImageSet) -> dict[str, float]:
    """Mean PSNR in dB of an NRR: dict of psnr_authentic (authentic images), psnr_outside and psnr_tampered (the two parts
    of tampered images), psnr_gap = outside - tampered, positive where the hypothesis holds, and fidelity = psnr_authentic in
    units of 100 dB, by which training is called flat; NaN without such images.

    images: ImageSet of authentic and tampered images with their masks.
    """
    found = psnr_images(nrr, images)
    forged = found["psnr_tampered"].notna()
    means = found.loc[forged, ["psnr_outside", "psnr_tampered"]].mean().to_dict()
    means |= {"psnr_authentic": found.loc[~forged, "psnr_outside"].mean()}
    gap = means["psnr_outside"] - means["psnr_tampered"]
    return means | {"psnr_gap": gap, "fidelity": means["psnr_authentic"] / 100}


@torch.inference_mode()
def psnr_images(nrr: NRR, images: ImageSet) -> pd.DataFrame:
    """PSNR in dB of each image of `psnr_split`, in the order of its manifest: psnr_outside and psnr_tampered, of the pixels
    outside and inside its mask; an authentic image is all outside, and NaN inside.
    """
    device, rows = next(nrr.parameters()).device, {}
    for image, mask, index in evaluation_batches(images):
        image, tampered = image.to(device).float() / 255, mask.to(device) == 1
        output = nrr(image)["reconstruction"].float()
        parts = [psnr(image, output, ~tampered), psnr(image, output, tampered)]
        rows |= dict(zip(index.tolist(), torch.stack(parts, dim=1).tolist()))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["psnr_outside", "psnr_tampered"]).sort_index()


def psnr_rows(nrr: NRR, images: ImageSet) -> pd.DataFrame:
    """The same of tampered images as score rows: column psnr, `predictor` OUTSIDE or INSIDE the mask."""
    known = images.manifest[["dataset", "kind", "visibility", "label"]].copy()
    known.insert(0, "image", evaluate.short_names(images.manifest))
    found = psnr_images(nrr, images)
    parts = {OUTSIDE: found["psnr_outside"], INSIDE: found["psnr_tampered"]}
    return pd.concat([known.assign(predictor=name, psnr=value) for name, value in parts.items()], ignore_index=True)


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
