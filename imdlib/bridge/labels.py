"""Three classes: real, partly fake (a region is made by a generator), fully fake (the whole image is).

Bridging section 3.1. The order is that of every logit and of every label here.
"""

import numpy as np
import pandas as pd
from torch import Tensor

REAL, PARTLY, FULLY = 0, 1, 2
CLASSES = ("real", "partly fake", "fully fake")


def three_classes(manifest: pd.DataFrame) -> np.ndarray:
    """Labels (N,) int64 of a manifest: kind `authentic` is real, `generated` is fully fake, all others partly fake."""
    kind = manifest["kind"].to_numpy()
    return np.select([kind == "authentic", kind == "generated"], [REAL, FULLY], PARTLY).astype(np.int64)


def rows_of(label: Tensor) -> list[Tensor]:
    """Positions (n,) of the images of each class, in the order of CLASSES; label (B,). On an accelerator this makes it wait."""
    return [(label == one).nonzero()[:, 0] for one in range(len(CLASSES))]
