"""From discrepancies to training: the classifier of Eq. 8 on planted logits, and who learns when.

Bridging sections 3.3 and 4.1, Eq. 8.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from imdlib.bridge.discrepancy import Discrepancy, Outputs, discrepancy_vector
from imdlib.bridge.fusion import SCALES, DiscClassifier
from imdlib.bridge.stages import STAGES, timetable
from imdlib.pages import plots


def planted(count: int = 60, *, noise: float = 0.6, seed: int = 0) -> tuple[Outputs, Tensor]:
    """Logits of teacher and students, (3 count,3) each, that disagree as Eq. 1 to 5 want it, and labels (3 count,)."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(3).repeat_interleave(count)
    teacher = 2 * torch.eye(3)[label] + torch.randn(3 * count, 3, generator=generator)
    away = torch.randn(2, 3 * count, 3, generator=generator)
    away = 3 * F.normalize(away, dim=2) * torch.stack([label == 2, label == 1])[..., None]
    student1, student2 = teacher + away + noise * torch.randn(away.shape, generator=generator) / 2
    return Outputs(teacher, student1, student2), label


def learn(z: Outputs, label: Tensor, *, scale: str, steps: int = 150, seed: int = 0) -> np.ndarray:
    """Train the library's `DiscClassifier` on half of the pictures: accuracy on the other half, (steps+1,)."""
    torch.manual_seed(seed)
    model, disc = DiscClassifier(dim=16, scale=scale), discrepancy_vector(z)
    half = torch.arange(len(label)) % 2 == 0
    optimizer, found = torch.optim.AdamW(model.parameters(), 5e-3), []
    for _ in range(steps + 1):
        logits = model(None, disc)["logits"]
        found.append(float((logits[~half].argmax(1) == label[~half]).float().mean()))
        optimizer.zero_grad()
        F.cross_entropy(logits[half], label[half]).backward()
        optimizer.step()
    return np.array(found)


def scales(*, seeds: Sequence[int], **options: float) -> pd.DataFrame:
    """`learn` for every scale and seed: DataFrame scale, seed, step, accuracy."""
    tables = []
    for seed in seeds:
        z, label = planted(seed=seed)
        for scale in SCALES:
            found = learn(z, label, scale=scale, seed=seed, **options)
            tables.append(pd.DataFrame({"scale": scale, "seed": seed, "step": range(len(found)), "accuracy": found}))
    return pd.concat(tables, ignore_index=True)


def scales_figure(table: pd.DataFrame) -> Figure:
    """Accuracy against the step, one thin line a seed."""
    figure, axis = plt.subplots(figsize=(plots.PAGE * 0.6, 2.3))
    for scale, color in zip(SCALES, plots.PALETTE):
        for seed, part in table[table["scale"] == scale].groupby("seed"):
            axis.plot(
                part["step"], part["accuracy"], color=color, lw=1, label=scale if seed == table["seed"].min() else None
            )
    axis.axhline(1 / 3, color="0.6", lw=0.8, ls=":")
    axis.set(xlabel="step", ylabel="accuracy, three classes", ylim=(0, 1.03))
    axis.legend(fontsize=8)
    return figure


def turns(order: str, *, epochs: int = 4, teacher_epochs: int = 2) -> pd.DataFrame:
    """Which stage learns in which pass over the data: DataFrame of 0 and 1, a row a stage, a column a pass."""
    passes = [
        one for epoch in timetable(STAGES, order=order, epochs=epochs, teacher_epochs=teacher_epochs) for one in epoch
    ]
    return pd.DataFrame(
        {number: [int(name in one) for name in STAGES] for number, one in enumerate(passes)}, index=STAGES
    )


def turns_figure(orders: Sequence[str], **options: int) -> Figure:
    """`turns` of several orders, dark where a stage learns."""
    figure, axes = plt.subplots(len(orders), 1, figsize=(plots.PAGE, 1.15 * len(orders) + 0.3), sharex=True)
    for axis, order in zip(axes, orders):
        table = turns(order, **options)
        axis.imshow(table, aspect="auto", cmap="Greys", vmin=0, vmax=1.3, interpolation="nearest")
        axis.set(yticks=range(len(STAGES)), yticklabels=STAGES)
        axis.set_title(f"order '{order}'", fontsize=8)
        axis.set_xticks(np.arange(len(table.columns) + 1) - 0.5, minor=True)
        axis.grid(which="minor", axis="x", color="0.9", lw=0.5)
    axes[-1].set_xlabel("pass over the data")
    return figure


@torch.no_grad()
def told(model: Discrepancy, classifier: DiscClassifier, tokens: Tensor) -> dict[str, Tensor]:
    """How fake pictures are by each who can tell, {who: (B,), higher = more so}; tokens (B,T,D)."""
    return {
        "teacher": 1 - model.teacher_logits(tokens).softmax(1)[:, 0],
        "larger of d1, d2": model.distances(tokens).amax(1),
        "classifier of Eq. 8": 1 - classifier(None, model(tokens))["logits"].softmax(1)[:, 0],
    }
