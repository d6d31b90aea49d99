"""Evaluation: a probability map for every image at its own size, and the row of scores that all tables are made from."""

import itertools
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm.auto import tqdm

from imdlib.data.batches import ImageSet, evaluation_batches
from imdlib.networks.pixels import padded
from imdlib.progress import interactive
from imdlib.scoring import metrics


@torch.inference_mode()
def predict(
    model: nn.Module,
    images: ImageSet,
    *,
    probability: Callable[[Any], Tensor],
    image_score: Callable[[Any], Tensor] | None = None,
    batch_size: int = 16,
    attack: Callable[[Tensor], Tensor] | None = None,
    device: torch.device | str | None = None,
) -> Iterator[tuple[int, np.ndarray, float]]:
    """Yield (index, probability map (H,W) float32 in [0,1], image score) for every image of an ImageSet, at the image's own size.

    probability(outputs) -> (B,1,h,w) in [0,1], resized to the image where it is not of its size; image_score(outputs) -> (B,), None = the
    map's largest value; attack(image (3,H,W) uint8) -> image of any size: the image is degraded, the mask and the size of the map are not.
    Images smaller than the `smallest` that a model says it takes are `padded`, and their maps cut again.
    The model is put into evaluation mode.
    """
    model.eval()
    device = device or next(itertools.chain(model.parameters(), model.buffers()), torch.empty(0)).device
    batches = evaluation_batches(images, batch_size=batch_size)
    for image, mask, index in tqdm(batches, desc="scoring", unit="batch", leave=False, disable=not interactive()):
        if attack is not None:
            image = torch.stack([attack(one) for one in image])
        view = padded(image.to(device).float() / 255, getattr(model, "smallest", 0))
        outputs = model(view)
        prob = probability(outputs).float()
        if view.shape != image.shape:
            prob = F.interpolate(prob, view.shape[-2:], mode="bilinear", align_corners=False)
            prob = prob[..., : image.shape[-2], : image.shape[-1]]
        if prob.shape[-2:] != mask.shape[-2:]:
            prob = F.interpolate(prob, mask.shape[-2:], mode="bilinear", align_corners=False)
        score = prob.amax((1, 2, 3)) if image_score is None else image_score(outputs)
        yield from zip(index.tolist(), prob[:, 0].cpu().numpy(), score.tolist())


def score(
    model: nn.Module,
    images: ImageSet,
    *,
    probability: Callable[[Any], Tensor],
    locations: np.ndarray | None = None,
    examples: int = 0,
    **options: Any,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Score every image; returns (scores DataFrame in the order of the manifest, pictures of a few examples).

    Columns: image, dataset, kind, visibility, label, score (of `image_score`, or the map's largest value), those of `metrics.per_image`;
    NaN in all of the latter for a tampered image without a mask.
    locations: pooled masks of the set (`metrics.mask_locations`) for the shuffled AUC. The pictures are
    {'<dataset>/<file>/<map|image|mask>': array}, of the same `examples` tampered images for every model.
    """
    rows, pictures, wanted = {}, {}, set(chosen(images.manifest, examples))
    names = short_names(images.manifest)
    for index, prob, image_score in predict(model, images, probability=probability, **options):
        image, mask = images.decoded[index] if images.decoded is not None else images.decode(index)
        try:
            row = metrics.per_image(prob.clip(0, 1), mask[0].numpy(), locations=locations)
        except ValueError as error:
            raise ValueError(f"{images.files[index]}: its map cannot be scored: {error}") from error
        rows[index] = {"score": image_score, **{name: row[name].iloc[0] for name in row}}
        if index in wanted:
            key = f"{images.manifest['dataset'][index]}/{names[index]}"
            pictures |= {
                f"{key}/map": prob,
                f"{key}/image": image.permute(1, 2, 0).numpy(),
                f"{key}/mask": mask[0].numpy(),
            }
    known = images.manifest[["dataset", "kind", "visibility", "label"]].copy()
    known.insert(0, "image", names)
    scores = known.join(pd.DataFrame.from_dict(rows, orient="index").sort_index())
    unknown = (known["label"] == 1) & (images.manifest["mask"] == "")  # tampered, nobody says where
    scores[metrics.COUNTS] = scores[metrics.COUNTS].mask(unknown)
    return scores, pictures


def validation(
    model: nn.Module, images: ImageSet, *, probability: Callable[[Any], Tensor], locations: np.ndarray | None = None
) -> dict[str, float]:
    """Mean per-image AUC and F1 at 0.5 over the tampered images of a validation set: what chooses an epoch, when one is chosen.

    locations: pooled masks of these images (`metrics.mask_locations`), for their mean shuffled AUC `val_auc_shuffled`, too.
    """
    scores, _ = score(model, images, probability=probability, locations=locations)
    return {f"val_{name}": scores[name].mean() for name in ("auc", "f1", "auc_shuffled") if name in scores}


def chosen(manifest: pd.DataFrame, count: int) -> list[int]:
    """Positions of `count` tampered images, picked by the hash of their file name: the same for every model, none picked by hand."""
    tampered = manifest.index[manifest["label"] == 1]
    return sorted(tampered, key=lambda i: zlib.crc32(manifest["image"][i].rsplit("/", 1)[-1].encode()))[:count]


def short_names(manifest: pd.DataFrame) -> list[str]:
    """File names without their folders; one that occurs twice keeps its folder's name ('FAKE/1881.jpg')."""
    paths = [Path(name.replace("\\", "/")) for name in manifest["image"]]
    count = Counter(path.name for path in paths)
    return [path.name if count[path.name] == 1 else f"{path.parent.name}/{path.name}" for path in paths]
