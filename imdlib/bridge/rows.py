"""Rows: everything that Bridging's report looks at, from the results of finished runs.

A row is one image scored by one run. `variant` is the key of its method or variant in `methods.NAMES`, `method` the name in tables,
`class` one of CLASSES, `seen` whether its data set was trained on; `correct` and `image_auc` are those of
`imdlib.scoring.rows.judged`, `recall` that of `measures.detection.balanced`. Runs of the search are kept apart: no table has them.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from imdlib import archive, parameters
from imdlib.bridge.grid import MAIN, TURNED
from imdlib.bridge.measures import blind, detection, maps, ordering
from imdlib.bridge.measures.labelled import labelled, named
from imdlib.places import results_folder
from imdlib.scoring.rows import within

STUDY = "bridge"


def split(settings: pd.DataFrame, scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`labelled` settings and score rows of some of the runs; both empty where there are none."""
    return labelled(settings, scores) if len(settings) else (settings, scores.head(0))


@dataclass(eq=False)
class Rows:
    """results: folder; settings: a row per run; every: score rows of all runs; history: a row per run and epoch; data: {table:
    rows of the data sets}, among them `scores` of predictors that look at no image; probed: rows of the linear probe, or None;
    trials: settings of the runs of the search as they were given; searched, tried: the same `labelled`, and their score rows. None of
    them are among the others, but for history. gathered: a row per run of any kind and per data set, for what is older.
    """

    results: str
    settings: pd.DataFrame
    every: pd.DataFrame
    history: pd.DataFrame
    data: dict[str, pd.DataFrame]
    probed: pd.DataFrame | None = None
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    searched: pd.DataFrame = field(default_factory=pd.DataFrame)
    tried: pd.DataFrame = field(default_factory=pd.DataFrame)
    gathered: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def gather(cls, results: Path | str, runs: dict | None = None, sets: dict | None = None) -> "Rows":
        """Of the runs {name: key} under `results`, and of the data sets {name: key}; empty or None = all that are there.

        Raises RunError for what is asked for and missing.
        """
        settings, tables = archive.gather(results, STUDY, runs)
        searching = settings.get("trial", pd.Series(-1, settings.index)).fillna(-1) >= 0
        (final, every), (searched, tried) = (
            split(settings[which], tables["scores"]) for which in (~searching, searching)
        )
        there = sets or list(
            results_folder(results, "data").glob("runs*")
        )  # a folder of runs, or what was kept of them
        checks, data = archive.gather(results, "data", sets) if there else (settings.head(0), {})
        gathered = pd.concat({"runs": settings, "checks of data": checks})
        trials = settings[searching]
        return cls(str(results), final, every, tables["history"], data, None, trials, searched, tried, gathered)

    def trial(self, number: int) -> "Rows":
        """The runs of one draw of settings in place of the final ones."""
        settings = self.searched[self.searched["trial"] == number].reset_index(drop=True)
        every = self.tried[self.tried["run"].isin(settings["run"])].reset_index(drop=True)
        none = dict.fromkeys(("trials", "searched", "tried"), pd.DataFrame())
        return replace(self, settings=settings, every=every, probed=None, **none)

    def beside(self, probed: pd.DataFrame | None) -> "Rows":
        """The same with the rows of a linear probe."""
        return replace(self, probed=probed)

    @cached_property
    def folder(self) -> Path:
        """Where tables and figures are written."""
        return results_folder(self.results, STUDY)

    @cached_property
    def target(self) -> str:
        """The training set of all tables."""
        return self.settings["train_set"].mode()[0]

    @cached_property
    def usual_runs(self) -> pd.DataFrame:
        """Settings of the runs on the target in which nothing is turned."""
        here = self.settings["turned"].eq("") & self.settings["train_set"].eq(self.target)
        return self.settings[here]

    @cached_property
    def first(self) -> dict:
        """Parameters and stamp of one of them, of the whole method where it was run; what its record lacks has its default."""
        run = self.usual_runs.sort_values("variant", key=lambda one: one != MAIN, kind="stable").iloc[0]
        return parameters.declared("bridge/run") | run.dropna().to_dict()

    def run_of(self, variant: str) -> str | None:
        """Name of the usual run of a method with the lowest seed of all runs, None where there is none."""
        one = self.usual_runs[self.usual_runs["seed"] == self.settings["seed"].min()].set_index("variant")["run"]
        return one.get(variant)

    @property
    def pictured(self) -> dict[str, str]:
        """{variant: run} of TransCAM and the whole method, whose maps and features are shown; those of them that are there."""
        return {variant: run for variant in ("transcam", MAIN) if (run := self.run_of(variant))}

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Rows of runs in which nothing is turned, on any training set."""
        return self.every[self.every["turned"] == ""]

    @cached_property
    def main(self) -> pd.DataFrame:
        """Those of runs on the target: what all tables are about."""
        return self.scores[self.scores["train_set"] == self.target]

    @cached_property
    def seen(self) -> pd.DataFrame:
        """Of these, the test images of the training set."""
        return self.main[self.main["seen"]]

    @cached_property
    def turned(self) -> dict[str, pd.DataFrame]:
        """{parameter: rows of runs on the target in which it alone is turned, their method named for it}."""
        own = self.every[self.every["train_set"] == self.target]
        return {key: named(own[own["turned"] == key], key) for key in TURNED}

    @cached_property
    def blind(self) -> pd.DataFrame:
        """Predictors that look at no image, on the images of `main`."""
        return blind.blind(self.main)

    @cached_property
    def scopes(self) -> dict:
        """`detection.scopes` of `main`, for the kinds of fakes that its sets hold."""
        return detection.scopes(self.main, self.groups)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Keys of `detection.GROUPS` for which there are images."""
        kinds = {"both", *self.main["class"]}
        return tuple(group for group in detection.GROUPS if group in kinds)

    @cached_property
    def generators(self) -> dict:
        """Of the scopes, both kinds of fakes of the trained generator, and of the unseen ones as a mean."""
        both = {name.removeprefix("both: "): scope for name, scope in self.scopes.items() if name.startswith("both: ")}
        return {name: scope for name, scope in both.items() if name in (detection.SEEN, detection.UNSEEN)}

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Rows of `main` with discrepancies."""
        return ordering.measured(self.main)

    @cached_property
    def masked(self) -> list[str]:
        """Data sets in which some image has a mask."""
        sets = self.every.groupby("dataset", sort=False)
        return [name for name, rows in sets if "f1" in rows and rows["f1"].notna().any()]

    @cached_property
    def maps(self) -> pd.DataFrame:
        """Rows of the maps of `main`, once for each way in which they are drawn."""
        return maps.maps(self.main[self.main["dataset"].isin(self.masked)])

    @cached_property
    def trivial(self) -> pd.DataFrame:
        """Maps that look at no image, on the images of `maps`; none where there are no maps, or no such rows."""
        found = self.data.get("scores", pd.DataFrame(columns=["dataset", "image", "method"], dtype=object))
        found = found[found["attack"] == "none"] if "attack" in found else found
        found = pd.concat([found.head(0), *(found[found["dataset"] == name] for name in self.masked)])
        return within(found, self.maps).assign(train_set="none")
