"""Score rows of all INR runs, labelled and cut: everything that the report's tables, figures and statements look at.

Rows of detectors carry `run, row, method, mode, variant, train_set, seed`, TURNED, and the image columns of `scoring.rows.judged`.
Rows of an NRR's error map, and of fixed filters in the same forms, carry `run, method, train_set, seed` and SWEPT.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from imdlib import archive
from imdlib.baselines.names import WEAK
from imdlib.inr.grid import SWEPT, TURNED
from imdlib.inr.image_level import always_tampered
from imdlib.inr.premise import INSIDE, OUTSIDE
from imdlib.inr.space import MAIN
from imdlib.inr.trained import Trained
from imdlib.scoring.rows import judged, varied, within

ALWAYS = "always tampered, all-ones map"
REDRAWN, BLURRED = "redrawn by NRR", "blurred as much"  # attacks
VARIED = ("m_rule", "labels", "scl_all", "chosen_on")  # of TURNED: each shown alone, beside the usual


@dataclass(eq=False, repr=False)
class Rows(Trained):
    """Finished runs and their rows; every cut is made when it is first asked for.

    raw: score rows of all runs; history: a row per run and epoch; blind: score rows of predictors that look at no image, for
    every data set; trials: settings of the runs that only tried settings, of which no table holds a row; gathered: a row per run of
    any kind and per data set, for what is older; data: tables of the data sets' checks, by name.
    """

    raw: pd.DataFrame
    history: pd.DataFrame
    blind: pd.DataFrame
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    gathered: pd.DataFrame = field(default_factory=pd.DataFrame)
    data: dict[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def gather(cls, results: Path | str, runs: dict | None = None, sets: dict | None = None) -> "Rows":
        """The runs and data sets that count, {name: key}; empty or None = all that are finished. RunError where one is missing."""
        settings, tables = archive.gather(results, "inr", runs)
        checks, data = archive.gather(results, "data", sets)
        tried = settings.get("trial", pd.Series(-1, settings.index)) >= 0  # False where a run is no detector of ours
        blind = data["scores"].drop(columns="run")
        every = pd.concat({"runs": settings, "checks of data": checks})
        return cls(results, settings[~tried], tables["scores"], tables["history"], blind, settings[tried], every, data)

    def trial(self, number: int) -> "Rows":
        """The runs of one draw of settings as if they were the final ones, beside all NRRs, whose own scores no setting changes: they
        are left out, so that nothing that is said of reconstructions alone counts as an effect in a setting.
        """
        nrr = self.settings[self.settings["run"].str.startswith("nrr_")]
        tried = self.trials[self.trials["trial"] == number] if len(self.trials) else self.trials
        raw = self.raw[~self.raw["run"].isin(nrr["run"])]
        return replace(self, settings=pd.concat([nrr, tried], ignore_index=True), raw=raw, trials=pd.DataFrame())

    @cached_property
    def every(self) -> pd.DataFrame:
        """All rows of detectors, after every attack."""
        about = ["run", "row", "method", "mode", "variant", "train_set", "seed", *TURNED]
        return judged(self.detectors[about].merge(self.raw.drop(columns="predictor", errors="ignore"), on="run"))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Those of images as they are."""
        return self.every[self.every["attack"] == "none"]

    @cached_property
    def masked(self) -> list[str]:
        """Test sets that have masks."""
        return [name for name, f1 in self.scores.groupby("dataset", sort=False)["f1"] if f1.notna().any()]

    def tampered(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of tampered images of sets that have masks: those whose maps can be judged."""
        return rows[(rows["label"] == 1) & rows["dataset"].isin(self.masked)]

    @cached_property
    def main(self) -> pd.DataFrame:
        """Rows of usual runs, all training sets."""
        return self.usual(self.scores)

    @cached_property
    def weak(self) -> pd.DataFrame:
        """Usual runs that learned from image labels."""
        return self.own(self.main, "weak")

    @cached_property
    def unsupervised(self) -> pd.DataFrame:
        """Self-distillation in its forms."""
        return self.own(self.main, "unsupervised")

    @cached_property
    def two(self) -> pd.DataFrame:
        """Of `weak`: the baseline and the whole method."""
        return self.weak[self.weak["row"].isin(["base", MAIN])]

    @cached_property
    def rivals(self) -> pd.DataFrame:
        """Of `weak`: other papers' methods that learn from image labels."""
        return self.weak[self.weak["row"].isin(WEAK)]

    @cached_property
    def supervised(self) -> pd.DataFrame:
        """Usual runs of other papers' networks that learned from masks."""
        return self.own(self.main, "supervised")

    @cached_property
    def pooled(self) -> pd.DataFrame:
        """NRR without the contrast and with every pooling, `method` named for it."""
        return self.pools("nrr+agap", {"max": "nrr", "otsu": "nrr+otsu"})

    @cached_property
    def contrast_pooled(self) -> pd.DataFrame:
        """The whole method with every pooling, `method` named for it."""
        return self.pools(MAIN, {"otsu": "nrr+scl"})

    def pools(self, row: str, others: dict[str, str]) -> pd.DataFrame:
        """Runs of one row with every pooling; others: {pooling: row of its own}."""
        found = self.own(self.usual(self.scores, "pooling"), "weak")
        found = found[found["row"] == row]
        parts = [self.weak[self.weak["row"] == other].assign(method=pooling) for pooling, other in others.items()]
        return pd.concat([found.assign(method=found["pooling"].replace("", "adaptive")), *parts])

    @cached_property
    def changed(self) -> pd.DataFrame:
        """Weak runs in which one of VARIED alone is turned, `method` named for it."""
        weak = self.own(self.scores, "weak")
        parts = {key: varied(weak, TURNED, key, among=self.among) for key in VARIED}
        return pd.concat(
            [one.assign(method=one["method"] + f", {key} " + one[key].astype(str)) for key, one in parts.items()]
        )

    @cached_property
    def redrawn(self) -> pd.DataFrame:
        """Rows of images that were also scored as the NRR redraws them and as a blur does, before and after."""
        after = self.every.loc[self.every["attack"] == REDRAWN, ["run", "dataset", "image"]]
        both = self.every[self.every["attack"].isin(["none", REDRAWN, BLURRED])]
        return both.merge(after, on=["run", "dataset", "image"])

    @cached_property
    def redrawn_supervised(self) -> pd.DataFrame:
        """Those of networks that learned from masks, as Figure 1 has them, trained on the target."""
        return self.own(self.redrawn, "supervised")

    # ---- what stands beside them

    @cached_property
    def predicted(self) -> pd.DataFrame:
        """Rows of all runs of inr/nrr; `method` is the predictor."""
        about = self.nrr.reindex(columns=["run", "train_set", "seed", *SWEPT])
        return about.merge(self.raw.assign(method=self.raw.get("predictor")), on="run")

    @cached_property
    def errors(self) -> pd.DataFrame:
        """Rows of all NRRs' error maps and of fixed filters."""
        return self.predicted[~self.predicted["method"].isin([OUTSIDE, INSIDE])]

    @cached_property
    def decibels(self) -> pd.DataFrame:
        """PSNR of tampered test images outside and inside their masks, of the NRRs that detectors use, trained on the target."""
        used = self.predicted["run"].isin(self.plain_nrr["run"]) & (self.predicted["train_set"] == self.target)
        return self.predicted[used & self.predicted["method"].isin([OUTSIDE, INSIDE])]

    @cached_property
    def error(self) -> pd.DataFrame:
        """Those of the NRRs that detectors use, trained on the target, of images that detectors were scored on."""
        used = self.errors["run"].isin(self.plain_nrr["run"]) & (self.errors["train_set"] == self.target)
        return within(self.errors[used], self.scores)

    @cached_property
    def free(self) -> pd.DataFrame:
        """Of `error`: what needs no training at all, maps cut at Otsu's threshold, and the random minority."""
        return self.error[self.error["method"].str.endswith("Otsu") | (self.error["method"] == "random minority")]

    @cached_property
    def classic(self) -> pd.DataFrame:
        """Rows of detectors that nobody trains, of images that detectors were scored on."""
        about = self.untrained[["run", "method", "seed"]]
        found = about.merge(self.raw.drop(columns="predictor", errors="ignore"), on="run")
        return within(found, self.scores).assign(train_set="none")

    @cached_property
    def trivial(self) -> pd.DataFrame:
        """Rows of predictors that look at no image, of the same images, set by set as in `masked`."""
        some = self.blind[self.blind["dataset"].isin(self.masked)]
        some = some.sort_values("dataset", key=lambda c: c.map(self.masked.index), kind="stable")
        return within(some, self.scores).assign(train_set="none")

    @cached_property
    def always(self) -> pd.DataFrame:
        """Rows of calling every image tampered and all of its pixels."""
        ones = self.trivial.loc[self.trivial["method"] == "all-ones map", ["dataset", "image", "f1"]]
        found = always_tampered(self.scores).drop(columns="f1")
        return found.merge(ones, on=["dataset", "image"], how="left").assign(method=ALWAYS)
