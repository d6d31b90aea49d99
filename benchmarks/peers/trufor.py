"""Best-threshold F1 of TruFor (github.com/grip-unina/TruFor, TruFor_train_test/metrics.py), from its formula.

All values of a map are tried as thresholds: counts add up along the sorted values and are read where a value ends. Without the band along
the border that TruFor leaves out, and without the inverted map.
"""

import numpy as np


def best_f1(prob: np.ndarray, mask: np.ndarray) -> float:
    """Largest F1 over thresholds of one map (H,W)."""
    values, truth = prob.ravel(), mask.ravel().astype(np.float64)
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], truth[order]
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)
    tp, called = np.cumsum(truth)[ends], ends + 1.0
    return float((2 * tp / (called + truth.sum())).max())
