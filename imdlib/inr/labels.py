"""Training batches that know the label of the whole image and nothing else about where the tampering is.

INR section 3.5: weak supervision by image labels. `imdlib.train.fit` hands a loss the outputs and the mask; here the
mask is filled with the image's label.

WSCL (Zhai et al. 2023), the method INR compares with, computes the label from the *cropped mask* by default: an image
whose crop misses the tampering counts as authentic, which is pixel supervision in a weak method. `labels="crop"`
reproduces that.
"""

from typing import Any

import pandas as pd
import torch
from torch import Tensor

from imdlib.data.batches import IGNORE, ImageSet, augment, generator_for
from imdlib.networks.waiting import may_look


class LabelledImages(ImageSet):
    """An ImageSet for training whose mask (1,h,w) holds the image's label, 0 or 1, at every pixel.

    Sides shorter than the crop are continued by reflection, not padded: pooling and clustering would take black bars
    for a region of their own. labels: 'image' = the manifest's, 'crop' = whether a tampered pixel is in the crop.
    """

    def __init__(self, manifest: pd.DataFrame, *, labels: str = "image", **options: Any) -> None:
        if labels not in ("image", "crop"):
            raise ValueError(f"labels={labels!r}: expected 'image' or 'crop'")
        if not manifest["label"].isin([0, 1]).all():
            raise ValueError(f"labels must be 0 or 1, found {sorted(manifest['label'].unique())[:5]}")
        super().__init__(manifest, **options)
        self.labels = labels

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor, int]:
        epoch, index = key
        image, mask = self.decoded[index] if self.decoded is not None else self.decode(index)
        if self.crop is not None:
            image, mask = reflected(image, self.crop), reflected(mask, self.crop)
        if self.crop is not None or self.flips:
            generator = generator_for(self.seed, epoch, index)
            image, mask = augment(image, mask, crop=self.crop, flips=self.flips, generator=generator)
        label = int(self.manifest["label"].iloc[index]) if self.labels == "image" else int(mask.any())
        return image, torch.full_like(mask, label), index


def reflected(x: Tensor, side: int) -> Tensor:
    """x (C,H,W) -> (C, max(H,side), max(W,side)): short sides go on as in a mirror, as often as it takes."""
    for dim in (1, 2):
        n = x.shape[dim]
        if n < side:
            place = torch.arange(side) % (2 * n)
            x = x.index_select(dim, torch.where(place < n, place, 2 * n - 1 - place))
    return x


def image_label(mask: Tensor) -> Tensor:
    """Label of each image, (B,1,H,W) filled with it -> (B,) float32 in {0,1}."""
    flat = mask.flatten(1)
    label = flat[:, 0]
    if may_look(mask) and not (((flat == 0) | (flat == 1)).all() and (flat == label[:, None]).all()):
        padding = " (255 is padding)" if (flat == IGNORE).any() else ""
        raise ValueError(
            f"mask: expected one image label, 0 or 1, at every pixel of an image, found values {mask.unique()[:8].tolist()}"
            f"{padding} mixed in one image. A weak loss must not see pixel masks: train on imdlib.inr.labels.LabelledImages"
        )
    return label.float()
