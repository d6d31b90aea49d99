"""Rows of scores: class, discrepancies and map of every test image, and what figures need of a few.

Bridging sections 3.6 and 4.2. The paper prints no localization score; the map is judged twice here: as inference gives it,
the class first and nothing or everything where that is not partly fake, and as it is drawn whatever the class is.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL, three_classes
from imdlib.bridge.localize import fake_map
from imdlib.bridge.networks import Whole
from imdlib.bridge.towers.cache import Features
from imdlib.data.batches import ImageSet, evaluation_batches
from imdlib.scoring import embedding, evaluate, metrics

KNOWN = [
    "dataset",
    "kind",
    "label",
    "scene",
    "generator",
]  # what a manifest says of an image; the last where its set says it
PROBABILITIES = ["p_real", "p_partly", "p_fully"]
FAKE = "fake"  # what a detector of real against fake calls an image
MAPS = {
    "": {},
    "drawn_": dict(refine="attention"),
    "plain_": dict(refine="none"),
}  # prefix of columns -> how it is drawn


@torch.no_grad()
def distances(model: Whole, features: Tensor | Features, batch_size: int = 256) -> np.ndarray:
    """d1 and d2 of every image of `features`, (N,2) float32; NaN for a model without students."""
    model.eval()
    device = next(model.parameters()).device
    parts = [
        features_of(features, range(i, min(i + batch_size, len(features)))) for i in range(0, len(features), batch_size)
    ]
    return torch.cat([model.distances(some.to(device)).cpu() for some in parts]).numpy()


def features_of(features: Tensor | Features, indices: Iterable[int] | Tensor) -> Tensor:
    """Tokens of some images, (B,T,D) float32."""
    return torch.stack([features[int(i)] for i in indices]).float()


@torch.no_grad()
def score(
    model: Whole,
    images: ImageSet,
    features: Tensor | Features,
    *,
    start: np.ndarray | None = None,
    fresh: np.ndarray | None = None,
    locations: np.ndarray | None = None,
    examples: int = 0,
    **drawing: Sequence[float] | bool,
) -> tuple[pd.DataFrame, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Score every image of an ImageSet with a `Whole`: (rows, pictures, points).

    features: of the same images; start: d1, d2 before training (N,2); fresh: with the trained teacher and
    students that have not begun (N,2); locations: of `metrics.mask_locations`; drawing:
    `scales` and `flip` of `fake_map`. rows: image, KNOWN, score (1 - p_real), PROBABILITIES, predicted
    (name of a class), d1, d2, d1_start, d2_start, d1_fresh, d2_fresh, and where there is a mask, for each prefix of MAPS, the columns of
    `metrics.per_image`: '' as inference gives the map, 'drawn_' whatever the class, 'plain_' likewise without attention.
    pictures: as of `evaluate.score`, maps drawn whatever the class. points: dict of features (N,D): extractor, the mean
    over an image's tokens, and final.
    """
    model.eval()
    device = next(model.parameters()).device
    masked = (images.manifest["mask"] != "").to_numpy()
    wanted = set(evaluate.chosen(images.manifest[masked], examples))
    names, rows, pictures, points = evaluate.short_names(images.manifest), {}, {}, {}
    for image, _, index in evaluation_batches(images):
        tokens = features_of(features, index).to(device)
        view, disc = image.to(device).float() / 255, model.discrepancies(tokens)
        outputs = model(view, tokens, disc=disc)
        probability, d = outputs["logits"].softmax(1).cpu().numpy(), model.distances(tokens).cpu().numpy()
        label = outputs["logits"].argmax(1).cpu()
        summaries = tokens.mean(1).cpu().numpy(), outputs["features"].float().cpu().numpy()
        for k, i in enumerate(index.tolist()):
            rows[i] = dict(score=1 - probability[k, REAL], **dict(zip(PROBABILITIES, probability[k])))
            rows[i] |= dict(predicted=CLASSES[label[k]], d1=d[k, 0], d2=d[k, 1])
            points[i] = [one[k] for one in summaries]
        some = torch.from_numpy(masked[index.numpy()])
        if model.localizes and some.any():
            drawn = maps(model, view[some], None if disc is None else disc[some], label[some], **drawing)
            for k, i in enumerate(index[some].tolist()):
                picture, truth = decoded(images, i)
                for prefix, one in drawn.items():
                    found = metrics.per_image(one[k], truth[0].numpy(), locations=locations).iloc[0]
                    rows[i] |= {prefix + name: value for name, value in found.items()}
                if i in wanted:
                    key = f"{images.manifest['dataset'][i]}/{names[i]}"
                    pictures[f"{key}/map"] = drawn["drawn_"][k].numpy()
                    pictures[f"{key}/image"] = picture.permute(1, 2, 0).numpy()
                    pictures[f"{key}/mask"] = truth[0].numpy()
    table = described(images.manifest, rows)
    if start is not None:
        table[["d1_start", "d2_start"]] = start
    if fresh is not None:
        table[["d1_fresh", "d2_fresh"]] = fresh
    summaries = [np.stack(some) for some in zip(*(points[i] for i in range(len(images))))]
    return table, pictures, dict(zip(("extractor", "final"), summaries))


def maps(
    model: Whole, image: Tensor, disc: Tensor | None, label: Tensor, **drawing: Sequence[float] | bool
) -> dict[str, Tensor]:
    """The three maps of MAPS of some images, {prefix: (B,H,W) in [0,1]} on the CPU."""
    drawn = {p: fake_map(model.classifier, image, disc, **how, **drawing)[:, 0].cpu() for p, how in MAPS.items() if p}
    label = label[:, None, None]
    whole = (label == FULLY).float()
    return {"": torch.where(label == PARTLY, drawn["drawn_"], whole)} | drawn


@torch.no_grad()
def score_binary(model: nn.Module, images: ImageSet) -> pd.DataFrame:
    """Rows of a detector of real against fake, whose probability(outputs) is (B,): the columns of `score` that it has."""
    model.eval()
    device, rows = next(model.parameters()).device, {}
    for image, _, index in evaluation_batches(images):
        fake = model.probability(model(image.to(device).float() / 255)).cpu().tolist()
        for i, value in zip(index.tolist(), fake):
            called = FAKE if value > 0.5 else CLASSES[REAL]
            rows[i] = dict(score=value, p_real=1 - value, p_partly=np.nan, p_fully=np.nan, predicted=called)
    return described(images.manifest, rows)


def described(manifest: pd.DataFrame, rows: dict[int, dict[str, Any]]) -> pd.DataFrame:
    """Rows {index: dict} beside what the manifest says of each image."""
    known = manifest[[name for name in KNOWN if name in manifest]].copy()
    known.insert(0, "image", evaluate.short_names(manifest))
    return known.join(pd.DataFrame.from_dict(rows, orient="index").sort_index())


def decoded(images: ImageSet, index: int) -> tuple[Tensor, Tensor]:
    """Image and mask number `index` of an ImageSet."""
    return images.decode(index) if images.decoded is None else images.decoded[index]


def neighbours(rows: pd.DataFrame, points: Iterable[dict[str, np.ndarray]], k: int = 10) -> pd.DataFrame:
    """Rows of all sets with two columns, knn_extractor and knn_final: 1.0 where most of the k nearest images of other scenes have
    the image's class, among the images of all sets, in the features of the tower and in those of the network; else 0.0. NaN for
    too few images.

    points: of `score`, one dict of (N,D) features for each set, in the order of rows. Whatever shows the same scene is left out
    of an image's neighbours: it is near for what it shows.
    """
    classes, points = three_classes(rows), list(points)
    found = {}
    for which in points[0]:
        features = embedding.prepared(np.concatenate([some[which] for some in points]))
        found[f"knn_{which}"] = embedding.agree(features, classes, k, groups=rows["scene"].to_numpy())
    return rows.assign(**found)
