"""Does the adversary of `generalizers` help? Fakes of generators that nobody trained on, on a ring around the real pictures.

Bridging section 3.3, the claim that students taught against generalizers hold on unseen generators.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.labels import CLASSES, FULLY, PARTLY, REAL
from imdlib.bridge.stages import learners
from imdlib.lessons.bridge.discrepancy import only_learn
from imdlib.lessons.bridge.generalizers import CENTRES, NAMES, adversary_loss, cloud, pictures, story

RADIUS = 2.2  # of the ring
ANGLES = tuple(range(0, 360, 15))  # degrees; partly fake lies at 0, fully fake at 90


@torch.no_grad()
def medians(model: Discrepancy, tokens: Tensor, label: Tensor) -> pd.DataFrame:
    """Median d1 and d2 of each class, before any rewriting: DataFrame."""
    table = pd.DataFrame(model.distances(tokens).numpy(), columns=["d1", "d2"])
    return table.groupby(label.numpy()).median().set_axis(list(CLASSES))


@torch.no_grad()
def unseen(model: Discrepancy, angles: Iterable[float] = ANGLES, seed: int = 1000) -> np.ndarray:
    """How well the larger of d1 and d2 tells fakes of an unseen generator from real pictures: AUC for each angle."""
    real = cloud(CENTRES[REAL], 100, seed)
    far = [RADIUS * torch.tensor([math.cos(math.radians(a)), math.sin(math.radians(a))]) for a in angles]
    both = torch.cat([real, *(cloud(centre, 100, seed + 1 + i) for i, centre in enumerate(far))])
    d = model.distances(both).amax(1).view(1 + len(far), 100).numpy()
    return np.array([roc_auc_score([0] * 100 + [1] * 100, np.r_[d[0], other]) for other in d[1:]])


def sweep(
    adversaries: Sequence[int], starts: Iterable[int], **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame, dict[tuple[int, int], dict[str, Any]]]:
    """The game from several starts: DataFrame of the end, DataFrame of `unseen` at every angle, {(start, steps): moment}."""
    rows, rings, lasts = [], [], {}
    for start in starts:
        for count in adversaries:
            model, moments = story(adversary=count, seed=start, every=10**6, **options)
            ring, at = unseen(model), medians(model, *pictures(start)).to_numpy()
            rows.append((start, count, at[REAL].max(), at[PARTLY, 1], at[FULLY, 0], ring.mean(), ring.min()))
            rings.append(pd.DataFrame({"start": start, "adversary": count, "angle": ANGLES, "auc": ring}))
            lasts[start, count] = moments[-1]
    names = [
        "start",
        "adversary",
        "real, larger d",
        "partly fake, d2",
        "fully fake, d1",
        "unseen, mean",
        "unseen, worst",
    ]
    return pd.DataFrame(rows, columns=names), pd.concat(rings, ignore_index=True), lasts


def changed(seed: int = 0) -> set[str]:
    """Names of the networks that a step of Eq. 6 and 7 changes, found by taking one."""
    tokens, label = pictures(seed)
    model, _ = story(seed=seed, steps=0)
    only_learn(model)
    parts = learners(model, None)
    rivals = [weight.requires_grad_() for name in NAMES for module in parts[name] for weight in module.parameters()]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(rivals, 5e-3)
    adversary_loss(model, tokens, label).backward()
    optimizer.step()
    return {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
