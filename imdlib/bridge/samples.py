"""Samples of the five stages: an image's cached features, its class and, where the classifier needs it, the image.

Bridging section 3.2. Order and augmentation depend on nothing but the seed, as in `imdlib.data.batches`.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import Dataset

from imdlib.bridge.labels import CLASSES, rows_of
from imdlib.bridge.towers.cache import Features
from imdlib.data.batches import ImageSet


class Samples(Dataset):
    """features: N items (T,D), a tensor or `towers.cache.Features`; labels (N,) in {0, 1, 2}; images: an `ImageSet` of the
    same N images in the same order, or None; disc: vectors (N,width) of Eq. 8 where they are known beforehand, or None.

    An item is asked for as (epoch, index): dict of tokens (T,D), label, index and, with images, image (3,h,w) uint8, with disc
    its own (width,). The features are always those of the whole image, also where the ImageSet crops or mirrors.
    """

    def __init__(
        self,
        features: Tensor | Features,
        labels: Tensor | np.ndarray,
        images: ImageSet | None = None,
        *,
        disc: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        labels = torch.as_tensor(labels)
        if len(features) != len(labels) or (images is not None and len(images) != len(labels)) or len(labels) == 0:
            counts = f"{len(features)} features, {len(labels)} labels" + (f", {len(images)} images" if images else "")
            raise ValueError(
                f"Samples: expected as many features as labels and images, and at least one, found {counts}"
            )
        if labels.is_floating_point() or labels.min() < 0 or labels.max() >= len(CLASSES):
            raise ValueError(f"labels: expected integers 0 to {len(CLASSES) - 1}, found {labels.unique().tolist()}")
        self.features, self.labels, self.images, self.disc, self.seed = features, labels.long(), images, disc, seed
        self.files = [f"sample {i}" for i in range(len(labels))] if images is None else images.files

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Tensor | int]:
        index = key[1]
        item = {"tokens": self.features[index], "label": self.labels[index], "index": index}
        item |= {} if self.disc is None else {"disc": self.disc[index]}
        return item if self.images is None else item | {"image": self.images[key][0]}


def batches_on(fabric: Fabric, loader: Iterable[dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """Batches of `Samples` on the device: tokens as float32, image as float in [0,1], and `rows_of` their labels, found before."""
    for batch in loader:
        batch = fabric.to_device(batch | {"rows": rows_of(batch["label"])})
        batch["tokens"] = batch["tokens"].float()
        if "image" in batch:
            batch["image"] = batch["image"].float() / 255
        yield batch
