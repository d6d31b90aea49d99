"""Made-up images on disk, with what a manifest says of them."""

import numpy as np
import pandas as pd
from PIL import Image


def manifest(folder, count=4, size=64, side=20, seed=0):
    """Noise of which every second image is tampered in its top left corner: a brighter square of `side` pixels."""
    rng, rows = np.random.default_rng(seed), []
    for number in range(count):
        path, mask = folder / f"{number}.png", ""
        pixels = rng.integers(0, 120, (size, size, 3)).astype(np.uint8)
        if number % 2:
            mask, inside = str(folder / f"{number}_mask.png"), np.zeros((size, size), np.uint8)
            inside[:side, :side], pixels[:side, :side] = 255, pixels[:side, :side] + 120
            Image.fromarray(inside).save(mask)
        Image.fromarray(pixels).save(path)
        about = dict(label=number % 2, split="train", kind="splicing" if mask else "authentic", scene=str(number))
        rows.append(dict(image=str(path), mask=mask, dataset="d", visibility="", note="") | about)
    return pd.DataFrame(rows)
