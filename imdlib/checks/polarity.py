"""Polarity of a whole set: are its masks the wrong way round, all of them, so that no single one stands out?

A region rarely holds most of its image's frame (on CASIA v1 1 mask of 582, on NIST16 4 of 383); turned round, most do.
"""

import numpy as np
import pandas as pd

FRAME = 0.5  # share of the frame, the image's outermost pixels, above which a mask holds most of it
MANY = 0.05  # share of the masks above which they are suspected


def frame_share(mask: np.ndarray) -> float:
    """Share of the outermost pixels of a mask (H, W) in {0, 1} that are tampered."""
    return float(np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]]).mean())


def polarity(facts: pd.DataFrame, masks: pd.DataFrame) -> tuple[str, str]:
    """(state, what was found). facts: of `facts.measure`; masks: of `resemblance.changed_masks`, which knows originals."""
    frames = facts["frame"].dropna()
    if frames.empty:
        return "not checked", "no masks"
    wide, inverted = int((frames > FRAME).sum()), int((masks["reading"] == "inverted").sum())
    found = f"{wide} of {len(frames)} masks hold most of their image's frame"
    found += f", {inverted} of {len(masks)} are inverted against their originals" * bool(len(masks))
    suspected = wide > MANY * len(frames) or inverted > MANY * len(masks)
    return "reservation" if suspected else "ok", found + ": their polarity may be inverted" * suspected
