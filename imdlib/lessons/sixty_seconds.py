"""Sixty seconds of training: images of the embedded benchmark as tensors, and honest rows of what came out.

Every study's last lesson; scores and intervals are those of the reports.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from imdlib.data.batches import ImageSet
from imdlib.pages import plots
from imdlib.scoring import intervals, metrics, trivial


def tensors(manifest: pd.DataFrame) -> tuple[Tensor, Tensor]:
    """Images (n,3,H,W) in [0,1] and masks (n,1,H,W) uint8 of a manifest whose images have one size."""
    image, mask = zip(*ImageSet(manifest).samples())
    return torch.stack(image).float() / 255, torch.stack(mask)


def rows(method: str, prob: Sequence[np.ndarray], mask: Tensor, seed: int) -> pd.DataFrame:
    """Score rows of a method's maps, list of (H,W), on masks (n,1,H,W): image, seed, method, f1, auc, auc_shuffled."""
    masks = [one[0].numpy() for one in mask]
    found = metrics.per_image(prob, masks, locations=metrics.mask_locations(masks))
    return found[["f1", "auc", "auc_shuffled"]].assign(image=range(len(masks)), seed=seed, method=method)


def blind(mask: Tensor, seed: int) -> pd.DataFrame:
    """`rows` of the predictors that look at no image."""
    shape, count = mask.shape[-2:], len(mask)
    maps = {"all-ones map": [trivial.all_ones(*shape)] * count, "centre blob": [trivial.centre_blob(*shape)] * count}
    return pd.concat([rows(name, prob, mask, seed) for name, prob in maps.items()])


def result(table: pd.DataFrame, base: str, method: str, metric: str) -> str:
    """One honest sentence: the effect with its interval, and what it does not say."""
    found = intervals.paired_effect(*(table[table["method"] == name] for name in (base, method)), metric)
    word = "not told from nothing" if found["low"] <= 0 <= found["high"] else "beyond what other images would change"
    return (
        f"{method} less {base}, {metric}: {found['effect']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}] on {found['n']} images, "
        f"{found['seeds']} training a side: {word}. What another training would change is not in the interval."
    )


def maps_figure(image: Tensor, mask: Tensor, maps: dict[str, Tensor], count: int = 6) -> Figure:
    """Images with the outline of their masks, and the map of each method {name: (n,H,W)} below."""
    figure, axes = plt.subplots(1 + len(maps), count, figsize=(plots.PAGE, 1.15 * (1 + len(maps))), squeeze=False)
    for column in range(count):
        plots.picture(axes[0, column], image[column].permute(1, 2, 0))
        plots.outline(axes[0, column], mask[column, 0].numpy() == 1, color="w")
        for axis, prob in zip(axes[1:, column], maps.values()):
            plots.picture(axis, prob[column], cmap=plots.HEAT)
    for axis, name in zip(axes[:, 0], ["picture", *maps]):
        axis.set_ylabel(name, fontsize=7)
    return figure


def losses_figure(losses: dict[str, list[float]]) -> Figure:
    """Loss of every step, {method: values}, each on its own scale: the numbers of two losses do not compare."""
    figure, axes = plt.subplots(1, len(losses), figsize=(plots.PAGE * 0.8, 1.9))
    for axis, (name, values), color in zip(axes, losses.items(), plots.PALETTE):
        axis.plot(values, color=color, lw=1)
        axis.set(title=name, xlabel="step", ylabel="loss")
    return figure
