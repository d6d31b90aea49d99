"""Fixtures for the embedded benchmark."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def blob_auc():
    """Function: masks (B, H, W) -> AUC (B,) of the centre blob exp(-(dx^2 + dy^2) / (2 * 0.25^2)), from its ranks."""

    def auc(masks):
        height, width = masks.shape[1:]
        y, x = np.mgrid[:height, :width]
        dx, dy = (x + 0.5) / width - 0.5, (y + 0.5) / height - 0.5
        blob = np.exp(-(dx**2 + dy**2) / (2 * 0.25**2)).ravel()
        values, inverse, counts = np.unique(blob.round(12), return_inverse=True, return_counts=True)
        rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # mean rank of ties, from 1
        inside = (masks > 0).reshape(len(masks), -1)
        positive = inside.sum(1)
        negative = inside.shape[1] - positive
        return ((inside * rank).sum(1) - positive * (positive + 1) / 2) / (positive * negative)

    return auc
