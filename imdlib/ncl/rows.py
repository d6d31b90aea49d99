"""Rows of NCL's runs, gathered once, and the cuts of them that tables, figures and statements look at.

A score row is one test image of one run, before or after an attack. Labels: `run, method, variant, train_set, seed` and the
parameters of `grid.KIND` and `grid.TURNED`; a run trained on several sets has the train_set 'all', a predictor that looks at no
image 'none'. Runs of the search (`trial` of 0 or more) stand apart and are in none of the cuts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from imdlib import archive
from imdlib.baselines.names import LOCALIZERS
from imdlib.ncl.grid import BOTH, KIND, STEPS, TURNED
from imdlib.ncl.labelled import attacked, filled, named, of_detectors, on_other_sets, on_own_set, ordered
from imdlib.networks.named import LITE0
from imdlib.places import results_folder
from imdlib.scoring.rows import as_usual, usual_value, whole_numbers, within

LABELS = ["run", "method", "variant", "train_set", "seed", *KIND, *TURNED]
NONE = pd.DataFrame({"run": [], "trial": []})


@dataclass(eq=False)  # two of them are never compared, and what is computed from one can be cached
class Rows:
    """All that the report looks at.

    results: folder of the profile; settings: a row of parameters and stamp per run; history: a row per run and epoch, of trials,
    too; every: score rows of all runs, of untouched and of attacked images; trivial: those of predictors that look at no image,
    on the test images of the runs, where the data has them; classic: those of detectors that nobody trains, likewise; trials,
    tried: settings and score rows of the runs of the search; gathered: a row per run of any kind and per data set, for what is older.
    """

    results: str
    settings: pd.DataFrame
    history: pd.DataFrame
    every: pd.DataFrame
    trivial: pd.DataFrame
    classic: pd.DataFrame = field(default_factory=pd.DataFrame)
    trials: pd.DataFrame = field(default_factory=lambda: NONE)
    tried: pd.DataFrame = field(default_factory=lambda: NONE)
    gathered: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def gather(cls, results: str, runs: dict | None = None, sets: dict | None = None) -> "Rows":
        """Rows of finished runs under `results`. runs, sets: {name: key} of the runs and data sets that count, empty = all.

        Raises RunError where one of them is missing or damaged.
        """
        settings, tables = archive.gather(results, "ncl", runs)
        checks, data = archive.gather(results, "data", sets)
        return replace(
            cls.of(results, settings, tables, data), gathered=pd.concat({"runs": settings, "checks of data": checks})
        )

    @classmethod
    def of(cls, results: str, settings: pd.DataFrame, tables: dict, data: dict) -> "Rows":
        """Rows from a row per run and {name: table}, of the runs (scores, history) and of the data sets (scores or none)."""
        apart = settings["detector"].notna() if "detector" in settings else settings["run"].isna()
        classic, settings = settings[apart], named(whole_numbers(settings[~apart]))
        every = settings[LABELS].merge(filled(tables["scores"]), on="run")
        detected = of_detectors(classic, tables["scores"], every)
        trivial = filled(data.get("scores", every.head(0)))
        trivial = ordered(within(trivial, every), "dataset", every["dataset"].unique()).assign(train_set="none")
        history = ordered(tables["history"], "run", settings["run"])
        trials = settings[settings["trial"] >= 0].reset_index(drop=True)
        final = settings[settings["trial"] < 0].reset_index(drop=True)
        search = every["run"].isin(trials["run"])
        return cls(results, final, history, every[~search], trivial, detected, trials, every[search])

    def trial(self, number: int) -> "Rows":
        """Rows that hold the runs of one draw of settings alone, as if they were the final ones: every cut can be applied to them."""
        settings = self.trials[self.trials["trial"] == number].reset_index(drop=True)
        every = self.tried[self.tried["run"].isin(settings["run"])]
        return replace(self, settings=settings, every=every, trials=NONE, tried=NONE)

    @cached_property
    def folder(self) -> Path:
        """Where the study's tables and figures are written."""
        return results_folder(self.results, "ncl")

    def usual_of(self, key: str) -> Any:
        """The value of a parameter that most runs share."""
        return usual_value(self.settings, key)

    @cached_property
    def alike(self) -> pd.DataFrame:
        """Which parameters of each run have the usual value of its row: bool, a line per run of `settings`."""
        return as_usual(self.settings, TURNED, ["variant", *KIND])

    @cached_property
    def ordinary(self) -> pd.Series:
        """Which runs are of the kind of network that most are of: bool, one per run of `settings`."""
        kinds = self.settings.groupby([*KIND], sort=False)["run"].transform("size")
        first = kinds.idxmax() if len(kinds) else None
        return (self.settings[[*KIND]] == self.settings.loc[first, [*KIND]]).all(axis=1) if len(kinds) else kinds > 0

    @cached_property
    def usual_runs(self) -> pd.DataFrame:
        """Rows of `settings` of the usual network in which no parameter is turned."""
        return self.settings[self.ordinary & self.alike.all(axis=1)]

    def of_kind(self, **kind: Any) -> pd.DataFrame:
        """Score rows of runs on another network, such as backbone='vit', in which nothing else is turned, on their own set."""
        runs = self.settings[self.alike.all(axis=1)]
        for key in KIND:
            runs = (
                runs[runs[key] == kind.get(key, self.settings.loc[self.ordinary, key].iloc[0])] if len(runs) else runs
            )
        return on_own_set(self.of_runs(runs))

    def of_runs(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Score rows of untouched images of some runs."""
        return self.scores[self.scores["run"].isin(runs["run"])]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Score rows of untouched images."""
        return self.every[self.every["attack"] == "none"]

    @cached_property
    def main(self) -> pd.DataFrame:
        """Score rows of runs with the usual network, weights, images and steps: Tables 1, 2 and 5, and their controls."""
        return self.of_runs(self.usual_runs)

    @cached_property
    def own(self) -> pd.DataFrame:
        """The part of `main` that was tested on the set it was trained on."""
        return on_own_set(self.main)

    @cached_property
    def both(self) -> pd.DataFrame:
        """The part of `own` that is of Base and of the whole method."""
        return self.own[self.own["variant"].isin(BOTH)]

    @cached_property
    def rivals(self) -> pd.DataFrame:
        """The part of `main` that is of other papers' networks, learned from the same masks: Tables 1 and 2."""
        return self.main[self.main["variant"].isin(LOCALIZERS)]

    @cached_property
    def ablation(self) -> pd.DataFrame:
        """The steps of `main` trained on sets on which most of them were trained, tested on every set: Table 5."""
        steps = self.main[self.main["variant"].isin(STEPS)]
        variants = steps.groupby("train_set")["variant"].nunique()
        return steps[steps["train_set"].isin(variants[variants == variants.max()].index)]

    @cached_property
    def target(self) -> str:
        """The training set of Figure 3 and of the learning curves: the first of the ablation; '' where there is none."""
        return self.ablation["train_set"].iloc[0] if len(self.ablation) else ""

    @cached_property
    def unseen(self) -> pd.DataFrame:
        """The part of `main` that was trained on one set and tested on another."""
        return on_other_sets(self.main)

    @cached_property
    def under_attack(self) -> pd.DataFrame:
        """Usual runs on those of their own set's images that were attacked, before and after each attack: Table 3."""
        return on_own_set(attacked(self.every[self.every["run"].isin(self.usual_runs["run"])]))

    @cached_property
    def vit(self) -> pd.DataFrame:
        """Vision transformers on the set they were trained on, methods named 'ViT' and 'ViT+NCL': Table 4."""
        rows = self.of_kind(backbone="vit")
        return rows.assign(method=rows["variant"].map({"base": "ViT", "pivot+pc": "ViT+NCL"}))

    @cached_property
    def started(self) -> pd.DataFrame:
        """EfficientNet-lite0 on the set it was trained on, methods named 'Base, from scratch' ... 'NCL, pre-trained'."""
        kinds = [self.of_kind(backbone=LITE0, inputs="rgb", pretrained=start) for start in (False, True)]
        rows = pd.concat(kinds)
        name = rows["variant"].map({"base": "Base", "pivot+pc": "NCL"})
        return rows.assign(method=name + rows["pretrained"].map({False: ", from scratch", True: ", pre-trained"}))

    def turned(self, *keys: str, variants: Sequence[str] = BOTH) -> pd.DataFrame:
        """Runs that differ from the usual of their row in these parameters alone, and the usual ones of the same training sets
        beside them.

        Of the given variants, tested on the set they were trained on; empty where no run differs.
        """
        others = self.alike.drop(columns=list(keys)).all(axis=1)
        found = self.settings[self.ordinary & others & self.settings["variant"].isin(variants)]
        away = found[~found["run"].isin(self.usual_runs["run"])]
        rows = on_own_set(self.of_runs(found))
        return rows[rows["train_set"].isin(away["train_set"])]

    def beside(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of predictors that look at no image on the data sets of `rows`."""
        return self.trivial[self.trivial["dataset"].isin(rows["dataset"])]

    def untrained(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows of detectors that nobody trains on the data sets of `rows`."""
        return self.classic[self.classic["dataset"].isin(rows["dataset"])] if len(self.classic) else self.classic
