"""Scored: what looks at no image beside the rows of a manifest, its average mask that of other images."""

import numpy as np
import pandas as pd
from PIL import Image

from imdlib.pages import scored


def manifest(folder, columns, authentic=1):
    """Rows of tampered images (16,16) whose masks fill some columns each, and of authentic ones after them."""
    folder.mkdir()
    rows = []
    for number, (first, last) in enumerate(columns):
        mask = np.zeros((16, 16), np.uint8)
        mask[:, first:last] = 255
        Image.fromarray(mask).save(folder / f"{number}.gt.png")
        rows.append((f"{number}.png", str(folder / f"{number}.gt.png"), 1))
    rows += [(f"real{number}.png", "", 0) for number in range(authentic)]
    for name, *_ in rows:
        Image.new("RGB", (16, 16)).save(folder / name)
    found = pd.DataFrame(rows, columns=["image", "mask", "label"])
    return found.assign(image=[str(folder / name) for name in found["image"]], dataset="toy")


def test_the_average_mask_is_that_of_the_training_rows(tmp_path):
    """Scored rows lie on the left, training rows on the right: their average finds nothing of what is scored."""
    rows, train = manifest(tmp_path / "test", [(0, 4), (0, 6)]), manifest(tmp_path / "train", [(8, 16), (10, 16)])
    found = scored.floor(rows, train)
    average = found[found["method"] == "average training mask"]
    assert average["image"].tolist() == ["0.png", "1.png", "real0.png"] and average["label"].tolist() == [1, 1, 0]
    assert (average["auc"][:2] < 0.5).all() and average["auc"][2:].isna().all()
    alone = scored.floor(rows, train.head(0))
    assert set(found["method"]) - set(alone["method"]) == {"average training mask"} and len(alone) == 9
