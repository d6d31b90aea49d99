"""Batches: decoded images and masks, cropped and flipped together, in an order that depends on nothing but the seed.

Every sample draws its crop and flips from a generator seeded by (seed, epoch, index). The same epoch therefore gives the
same batches with any number of workers, on any number of devices, and after a run was killed and resumed.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as F
from tqdm.auto import tqdm

from imdlib.data.images import image_size, load_image, load_mask
from imdlib.progress import interactive

IGNORE = 255  # mask value of padded pixels: no loss and no patch looks at them


class ImageSet(Dataset):
    """Images and masks of a manifest, kept decoded in memory when they fit.

    manifest: DataFrame of `imdlib.data.catalog.read`; crop: side of the training crop in pixels, None = whole images;
    flips: mirror at random along both axes; memory: bytes that decoded images may take, above it files are decoded when asked for.
    An item is asked for as (epoch, index) and is `(image (3,h,w) uint8, mask (1,h,w) uint8 in {0, 1, 255 = ignore}, index)`.
    A tampered image without a mask file (a wholly generated one) is ignored everywhere, so that none of it is learned as authentic.
    """

    def __init__(
        self,
        manifest: pd.DataFrame,
        *,
        crop: int | None = None,
        flips: bool = False,
        seed: int = 0,
        memory: int = 4 * 2**30,
    ) -> None:
        if len(manifest) == 0:
            raise ValueError("the manifest holds no image: choose another split, or a data set that has one")
        self.manifest = manifest.reset_index(drop=True)
        self.crop, self.flips, self.seed = crop, flips, seed
        self.files = self.manifest["image"].tolist()
        self.sizes = [image_size(file) for file in self.files]  # (height, width)
        self.unknown = ((self.manifest["mask"] == "") & (self.manifest["label"] == 1)).to_numpy()
        self.decoded = None
        if sum(4 * h * w for h, w in self.sizes) <= memory:
            rows = tqdm(range(len(self)), desc="decoding", unit="image", disable=not interactive(), leave=False)
            self.decoded = [self.decode(i) for i in rows]

    def __len__(self) -> int:
        return len(self.files)

    def decode(self, index: int) -> tuple[Tensor, Tensor]:
        """Image (3,H,W) uint8 and mask (1,H,W) uint8 in {0,1}, all zero without a mask file: then F1, IoU and AUC are undefined."""
        row = self.manifest.iloc[index]
        image = torch.from_numpy(np.ascontiguousarray(load_image(row["image"]))).permute(2, 0, 1).contiguous()
        if row["mask"]:
            mask = torch.from_numpy(np.ascontiguousarray(load_mask(row["mask"]))).to(torch.uint8)[None]
        else:
            mask = torch.zeros(1, *image.shape[1:], dtype=torch.uint8)
        if mask.shape[1:] != image.shape[1:]:
            raise ValueError(
                f"{row['mask']}: expected a mask of {tuple(image.shape[1:])} pixels like its image {row['image']}, "
                f"found {tuple(mask.shape[1:])}. Read the data set through imdlib.data.catalog, which repairs or refuses it."
            )
        return image, mask

    def samples(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image (3,H,W) uint8 with its mask (1,H,W) uint8 in {0,1}, in the order of the manifest."""
        return iter(self.decoded) if self.decoded is not None else (self.decode(i) for i in range(len(self)))

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, Tensor, int]:
        epoch, index = key
        image, mask = self.decoded[index] if self.decoded is not None else self.decode(index)
        mask = torch.full_like(mask, IGNORE) if self.unknown[index] else mask
        if self.crop is not None or self.flips:
            generator = generator_for(self.seed, epoch, index)
            image, mask = augment(image, mask, crop=self.crop, flips=self.flips, generator=generator)
        return image, mask, index


def augment(
    image: Tensor, mask: Tensor, *, crop: int | None, flips: bool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """The same random crop and flips for an image and its mask.

    image (3,H,W), mask (1,H,W) -> (3,crop,crop), (1,crop,crop). A side shorter than `crop` is padded right and bottom, the image with 0
    and the mask with 255 = ignore, so that padding is never learned as authentic.
    """
    if crop is not None:
        height, width = image.shape[1:]
        down, right = max(crop - height, 0), max(crop - width, 0)
        if down or right:
            image = F.pad(image, [0, 0, right, down], fill=0)
            mask = F.pad(mask, [0, 0, right, down], fill=IGNORE)
        top = draw(max(height - crop, 0) + 1, generator)
        left = draw(max(width - crop, 0) + 1, generator)
        image, mask = F.crop(image, top, left, crop, crop), F.crop(mask, top, left, crop, crop)
    if flips and draw(2, generator):
        image, mask = F.horizontal_flip(image), F.horizontal_flip(mask)
    if flips and draw(2, generator):
        image, mask = F.vertical_flip(image), F.vertical_flip(mask)
    return image, mask


def generator_for(*numbers: int) -> torch.Generator:
    """A torch generator whose stream is a function of these non-negative integers alone."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1))


def draw(count: int, generator: torch.Generator) -> int:
    """One random integer in [0, count)."""
    return int(torch.randint(count, (), generator=generator))


def training_batches(
    images: Dataset, *, epoch: int, batch_size: int, rank: int = 0, world: int = 1, workers: int = 0
) -> DataLoader:
    """Loader over one shuffled epoch; batches of `batch_size` over all devices together, the incomplete last one left out.

    Yields (image (b,3,h,w) uint8, mask (b,1,h,w) uint8, index (b,)), with b = batch_size / world for the device `rank` of `world`.
    """
    if len(images) < batch_size:
        raise ValueError(f"batch_size={batch_size} but the training set holds {len(images)} images: lower batch_size")
    if batch_size % world:
        raise ValueError(f"batch_size={batch_size} must be a multiple of the number of devices ({world})")
    order = torch.randperm(len(images), generator=generator_for(images.seed, epoch)).tolist()
    steps = [order[i : i + batch_size] for i in range(0, len(order) - batch_size + 1, batch_size)]
    mine = [[(epoch, index) for index in step[rank::world]] for step in steps]
    return DataLoader(images, batch_sampler=mine, num_workers=workers, pin_memory=torch.cuda.is_available())


def evaluation_batches(images: ImageSet, *, batch_size: int = 16, pixels: int = 2**21, workers: int = 0) -> DataLoader:
    """Loader over whole images, each once; only images of one size share a batch, and a batch holds at most about `pixels` pixels."""
    groups = {}
    for index, size in enumerate(images.sizes):
        groups.setdefault(size, []).append((0, index))
    batches = []
    for (height, width), group in groups.items():
        count = max(1, min(batch_size, pixels // (height * width)))
        batches += [group[i : i + count] for i in range(0, len(group), count)]
    return DataLoader(images, batch_sampler=batches, num_workers=workers)
