"""Runs of both of INR's notebooks, apart again: which of them detectors use, and in which nothing is turned."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from imdlib.baselines.names import DETECTORS
from imdlib.inr.grid import TURNED, nrr_name
from imdlib.inr.methods import ORDER, method, row_of
from imdlib.places import results_folder
from imdlib.scoring.rows import usual, whole_numbers


@dataclass(eq=False, repr=False)  # known by identity, so that exhibits can keep what they computed from it
class Trained:
    """Finished runs in one results folder. settings: a row of parameters and stamp per run, none of them a trial's."""

    results: str | Path
    settings: pd.DataFrame

    @cached_property
    def folder(self) -> Path:
        """Where tables, figures and claims are written."""
        return results_folder(self.results, "inr")

    @cached_property
    def nrr(self) -> pd.DataFrame:
        """A row per NRR, by name."""
        return whole_numbers(self.settings[self.settings["run"].str.startswith("nrr_")]).sort_values("run")

    @cached_property
    def detectors(self) -> pd.DataFrame:
        """A row per detector, `row` and `method` named, by training set, method, seed and name."""
        apart = self.settings["run"].str.startswith("nrr_") | self.settings["run"].isin(self.untrained["run"])
        found = whole_numbers(self.settings[~apart])
        found["row"] = [row_of(run) for run in found.to_dict("records")]
        found["method"] = [method(run) for run in found.to_dict("records")]
        place = {name: k for k, name in enumerate(ORDER)}
        by = ["train_set", "method", "seed", "run"]
        return found.sort_values(by, key=lambda c: c.map(place) if c.name == "method" else c, ignore_index=True)

    @cached_property
    def untrained(self) -> pd.DataFrame:
        """A row per detector that nobody trains."""
        detector = self.settings.get("detector", pd.Series(None, self.settings.index))
        return self.settings[detector.notna()].assign(method=detector.map(DETECTORS))

    @cached_property
    def target(self) -> str:
        """The training set of all tables: that of most detectors."""
        return self.detectors["train_set"].mode()[0]

    @cached_property
    def plain_nrr(self) -> pd.DataFrame:
        """A row per NRR in which none of SWEPT is turned: those that detectors use."""
        used = self.detectors[["train_set", "seed"]].drop_duplicates().to_dict("records")
        return self.nrr[self.nrr["run"].isin([nrr_name(one) for one in used])]

    def usual(self, rows: pd.DataFrame, *but: str) -> pd.DataFrame:
        """Rows of runs in which none of TURNED but those named in `but` differs from what most weak runs have.

        What makes a row, and the settings that it was tuned to, is none of TURNED. Self-distillation stays whatever was turned:
        its methods are told apart by name.
        """
        weak = rows["mode"] == "weak"
        return rows[~weak | rows["run"].isin(usual(rows[weak], TURNED, *but, among=self.among)["run"])]

    @cached_property
    def among(self) -> pd.DataFrame:
        """The weak runs: what most of them have is the usual."""
        return self.detectors[self.detectors["mode"] == "weak"]

    def own(self, rows: pd.DataFrame, mode: str) -> pd.DataFrame:
        """Rows of runs of one mode, 'weak' or 'unsupervised', trained on the target."""
        return rows[(rows["mode"] == mode) & (rows["train_set"] == self.target)]
