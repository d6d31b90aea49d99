"""The images behind the rows of a report: what its data sets hold, what was learned from, and features of the frozen tower."""

from functools import cached_property

import numpy as np
import pandas as pd
import torch

from imdlib import data as datasets
from imdlib.bridge import networks
from imdlib.bridge.labels import three_classes
from imdlib.bridge.measures import detection, probe
from imdlib.bridge.rows import Rows
from imdlib.bridge.towers import cache
from imdlib.data.batches import ImageSet
from imdlib.scoring.rows import judged


class Images:
    """rows: of the report; data: folder of the real data sets. Manifests, tower and features are made when they are asked for."""

    def __init__(self, rows: Rows, data: str = "") -> None:
        self.rows, self.data = rows, data

    @cached_property
    def manifests(self) -> dict[str, pd.DataFrame]:
        """{data set: manifest} of the sets that were trained on, then of the others."""
        names = dict.fromkeys([*self.rows.seen["dataset"], *self.rows.main["dataset"]])
        shape = {name: self.rows.first[name] for name in ("count", "size")}
        return {name: datasets.load(name, self.data, **shape) for name in names}

    @cached_property
    def learned_from(self) -> pd.DataFrame:
        """Manifest of the training images."""
        sets = [self.manifests[name] for name in self.rows.seen["dataset"].unique()]
        return networks.training_rows(pd.concat(sets, ignore_index=True), self.rows.first)

    @cached_property
    def tested(self) -> dict[str, pd.DataFrame]:
        """{data set: manifest of its test images}."""
        count = self.rows.first["test_count"]
        return {name: networks.some_rows(manifest, "test", count) for name, manifest in self.manifests.items()}

    @cached_property
    def tower(self) -> torch.nn.Module:
        """The frozen extractor of the runs."""
        return networks.tower_of(self.rows.first)

    @cached_property
    def towers(self) -> dict[str, torch.nn.Module]:
        """{name of a probe: the tower that it stands on}: of the whole method, and of its variant with other features."""
        others = self.rows.usual_runs[self.rows.usual_runs["variant"] == "late-features"].to_dict("records")[:1]
        return {probe.METHOD: self.tower} | {
            f"{probe.METHOD}, ImageNet features": networks.tower_of(self.rows.first | {"extractor": one["extractor"]})
            for one in others
        }

    def probed(self) -> pd.DataFrame:
        """Score rows of linear probes on these features, learned from the training images, on every test image; their one setting is
        chosen on validation images.
        """
        labels, parts = three_classes(self.learned_from), []
        watched = networks.some_rows(
            self.manifests[self.rows.seen["dataset"].iloc[0]], "val", self.rows.first["test_count"]
        )
        for name, tower in self.towers.items():
            train, val = pooled(tower, self.learned_from), pooled(tower, watched)
            strength = probe.tuned(train, labels, val, three_classes(watched))
            for manifest in self.tested.values():
                found = probe.probabilities(train, labels, pooled(tower, manifest), strength)
                parts.append(probe.rows(manifest, found, train_set=self.rows.target, method=name))
        seen = self.rows.main[["dataset", "image", "seen"]].drop_duplicates()
        return detection.balanced(judged(pd.concat(parts).merge(seen, on=["dataset", "image"])))

    def batch(self, device: str) -> tuple[list[str], dict[str, torch.Tensor]]:
        """(files, batch) of training images on a device, classes in turns, as `samples.batches_on` leaves it."""
        drawn = self.learned_from.sample(frac=1, random_state=0)
        turn = drawn.groupby(three_classes(drawn)).cumcount().sort_values(kind="stable")
        some = drawn.loc[turn.index[: self.rows.first["batch_size"]]].sort_values("image")
        files, images = some["image"].tolist(), ImageSet(some)
        tokens = torch.stack(list(cache.extract(self.tower, files, device=device, progress=False))).float()
        pixels = torch.stack([images[0, i][0] for i in range(len(images))])
        batch = {"tokens": tokens, "label": torch.from_numpy(three_classes(some)), "image": pixels}
        batch = {name: one.to(device) for name, one in batch.items()}
        return files, batch | {"image": batch["image"].float() / 255}


def pooled(tower: torch.nn.Module, manifest: pd.DataFrame) -> np.ndarray:
    """Features of images, the mean over tokens: (N,D) float32, computed where the cache has none."""
    files = manifest["image"].tolist()
    return probe.pooled(cache.extract(tower, files, progress=False)) if files else np.zeros((0, tower.shape[1]))
