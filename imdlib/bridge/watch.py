"""What is watched while the stages learn: how far each student is from the teacher, class by class (d1 and d2, Bridging
section 3.2).
"""

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.samples import Samples, batches_on


@torch.no_grad()
def medians(fabric: Fabric, model: Discrepancy | None, samples: Samples, batch_size: int) -> dict[str, float]:
    """Median squared distances of each class: dict of d1 and d2 with suffix _real, _pf, _ff; NaN where there is none.

    No distances, an empty dict, without students.
    """
    if model is None or not model.students:
        return {}
    model.eval()
    distances, labels = [], []
    for batch in batches_on(fabric, passes_over(samples, batch_size)):
        with fabric.autocast():
            distances.append(model.distances(batch["tokens"]).cpu().numpy())
        labels.append(batch["label"].cpu().numpy())
    distances, labels = np.concatenate(distances), np.concatenate(labels)
    return {
        f"d{i + 1}_{name}": float(np.median(distances[labels == one, i])) if (labels == one).any() else np.nan
        for one, name in enumerate(("real", "pf", "ff"))
        for i in (0, 1)
    }


def passes_over(samples: Samples, batch_size: int) -> DataLoader:
    """Loader over all samples once, in order, without their images."""
    bare = Samples(samples.features, samples.labels)
    order = [[(0, i) for i in range(k, min(k + batch_size, len(bare)))] for k in range(0, len(bare), batch_size)]
    return DataLoader(bare, batch_sampler=order)
