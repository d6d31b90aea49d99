"""Planner: every notebook that a profile asks for, and whether what it makes is there already, whole and of today's causes.

What there is to do follows from contents alone: parameters, syntax trees, package versions, bytes of data, keys of other
results. Times of files and the memory of the scheduler play no part, so a fresh clone, a copied folder and an edited profile are
all judged alike. The Snakefile executes the jobs that are not done.
"""

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imdlib import archive, parameters, runs, store
from imdlib import data as datasets
from imdlib.freshness import sources
from imdlib.places import CLAIMS, judging, results_folder, run_folder, sides
from imdlib.protocol import search, tuned
from imdlib.study import Cell, ProfileError, Study, asked, grid, profile, settings

# how a notebook is executed: saved once, at its end or where it fails, since after every cell takes a tenth of a short run; where many
# kernels read PyTorch from a cold disk at once, they take more than the usual minute to start
PAPERMILL = "-m papermill --no-progress-bar --log-level ERROR --no-request-save-on-cell-execute --start-timeout 300"
KEPT = "kept"  # why a run counts as finished of which rows alone are there
TOP = "page"  # name of the job that joins all studies in one page


@dataclass
class Job:
    """One notebook to be executed.

    rule: of the Snakefile; name: of the run, data set or study; notebook, parameters: what Papermill is given; folder: where its
    executed copy goes; needs: what the result depends on; state: of what lies there; after: jobs whose results it reads.
    """

    rule: str
    name: str
    notebook: str
    parameters: dict
    folder: Path
    needs: dict
    state: runs.State
    after: list = field(default_factory=list)

    @property
    def key(self) -> str:
        """Of its result."""
        return runs.key_of(self.needs)

    @property
    def done(self) -> bool:
        """Whether its result is there, whole and of what it depends on now."""
        return self.state.word == "finished"

    @property
    def page(self) -> bool:
        """Whether it draws a page from what others made."""
        return self.rule.endswith("report")


class Planner:
    """The jobs of one profile. results, data: folders of the results and of the real data sets; pages: pages alone will be drawn,
    from older results where today's are not there.
    """

    def __init__(self, name: str, results: str = "", data: str = "", pages: bool = False) -> None:
        self.pages = pages
        self.name, self.values, self.results, self.data = name, profile(name), results or f"results/{name}", data
        self.jobs, self.warnings, self._identities, self._kept = {}, [], {}, {}
        studies = asked(name, self.values)
        grids = {study: cells_of(name, self.values, one) for study, one in studies.items()}
        sets = {study: named_sets(self.values, study, cells) for study, cells in grids.items()}
        for study in (one for one in studies if self.values.get(f"{one}.tuned")):
            if rows := untuned(studies[study], grids[study]):
                self.warnings.append(
                    f"{study}: profiles/tuned/{study}.yaml has no settings of {', '.join(rows)}: their runs take the notebook's own, "
                    "and are outdated as soon as `make tune PROFILE=night` has found some"
                )
        for dataset in dict.fromkeys(one for some in sets.values() for one in some):
            self.add_data(dataset)
        found = {}
        for study, cells in grids.items():
            trained = [
                self.add_run(study, run, cell)
                for book in studies[study].notebooks
                for run, cell in cells.items()
                if cell.notebook == book
            ]
            found[study] = trained
        drawn = self.drawable(found)
        for study in drawn:
            self.add_report(study, found[study], [self.jobs["data", one] for one in sets[study]])
        if drawn:
            self.add_top([*studies], [self.jobs[f"{study}_report", study] for study in drawn])
        else:
            self.warnings.append("no final run of any study is there yet: there is nothing to draw")

    def needed_by(self, wanted: list[Job]) -> list[Job]:
        """Jobs that are wanted or that these wait for, and that are not done."""
        names = {id(job) for job in wanted}
        for job in reversed(self.jobs.values()):  # those that others wait for stand first
            names |= {id(other) for other in job.after} if id(job) in names else set()
        return [job for job in self.jobs.values() if id(job) in names and not job.done]

    def named(self, patterns: Sequence[str]) -> list[Job]:
        """Runs whose `<study>/<run>` is like one of the patterns, such as 'ncl/base_*'; ProfileError for one that fits none."""
        known = {
            f"{job.rule.split('_')[0]}/{job.name}": job
            for job in self.jobs.values()
            if job.rule != "data" and not job.page
        }
        found = {}
        for pattern in patterns:
            fits = {name: known[name] for name in fnmatch.filter(known, pattern)}
            if not fits:
                raise ProfileError(
                    f"RUNS={pattern}: no run of profile {self.name} is called so; runs are such as {', '.join([*known][:3])}"
                )
            found |= fits
        return [*found.values()]

    def add(self, job: Job) -> Job:
        """Enter a job."""
        self.jobs[job.rule, job.name] = job
        return job

    def given(self, notebook: str, **more: Any) -> dict:
        """What a notebook is given: the profile's values and `more`; ProfileError for a value that it cannot take."""
        try:
            return settings(self.values, notebook, **more)
        except parameters.ParameterError as error:
            raise ProfileError(f"profiles/{self.name}.yaml: {error}") from None

    def add_data(self, dataset: str) -> Job:
        """The checks of one data set, and the rows of predictors that look at no image."""
        given = self.given("data", results=self.results, data=self.data, dataset=dataset)
        return self.add(self.made("data", "data", dataset, given, [dataset], {}, []))

    def add_run(self, study: str, run: str, cell: Cell) -> Job:
        """One training."""
        notebook = f"{study}/{cell.notebook}"
        places = dict(results=self.results, data=self.data, run=run) | cell.uses
        given = self.given(notebook, **places, **cell.parameters)
        full = parameters.declared(notebook) | given
        sets = list(dict.fromkeys([*full["train_set"].split("+"), *full["test_sets"]]))
        used = {name: self.run_named(study, other) for name, other in cell.uses.items()}
        after = [*(self.jobs["data", one] for one in sets), *used.values()]
        keys = {name: job.key for name, job in used.items()}
        found = self.add(self.made(study, notebook, run, given, sets, keys, after))
        if not self.pages:
            bring_weights(found, used.values())
        return found

    def run_named(self, study: str, run: str) -> Job:
        """The training of that name."""
        return next(job for (rule, name), job in self.jobs.items() if name == run and rule.startswith(f"{study}_"))

    def made(
        self, study: str, notebook: str, run: str, given: dict, sets: list[str], uses: dict[str, str], after: list[Job]
    ) -> Job:
        """The job of a run or a data set, judged by what lies in its folder or was kept of it."""
        full, folder = parameters.declared(notebook) | given, run_folder(self.results, study, run)
        kept = self.kept(study).get(run, {})
        found = {name: self.identity(name, full) for name in sets}
        if not all(found.values()):  # without the data nobody can say otherwise than the finished run
            recorded = (runs.state(folder).stamp or kept).get("needs", {}).get("data", {})
            found = {name: here or recorded.get(name, "not at hand") for name, here in found.items()}
        needed = runs.needs(notebook, full, data=found, uses=uses)
        state = runs.state(folder, needed)
        if state.word != "finished" and kept.get("key") == runs.key_of(needed):
            state = runs.State("finished", KEPT, kept)
        elif state.word == "absent" and kept:
            state = runs.State("outdated", "; ".join(runs.differences(kept["needs"], needed)), kept)
        return Job(notebook.replace("/", "_"), run, notebook, given, folder, needed, state, after)

    def identity(self, dataset: str, parameters: dict) -> str:
        """What a data set is known by, looked at once; '' for a real one that is not at hand."""
        shape = {name: parameters[name] for name in ("count", "size") if name in parameters}
        known = (dataset, *shape.values())
        if known not in self._identities:
            self._identities[known] = datasets.identity(dataset, self.data, **shape)
        return self._identities[known]

    def kept(self, study: str) -> dict:
        """{run: stamp} of a study's columnar files, which count for nothing where they are damaged."""
        if study not in self._kept:
            try:
                self._kept[study] = archive.stamps(self.results, study)
            except store.DamagedFile as error:
                self.warnings.append(str(error))
                self._kept[study] = {}
        return self._kept[study]

    def add_report(self, study: str, trained: list, sets: list) -> Job:
        """The page of one study."""
        shown, sets = self.shown(f"{study}: runs", trained), self.shown(f"{study}: data sets", sets)
        absent = {"absent": len(trained) - len(shown)} if len(shown) < len(trained) else {}
        given = self.given(f"{study}/report", results=self.results, data=self.data, **absent)
        given |= {"runs": {job.name: job.key for job in shown}, "sets": {job.name: job.key for job in sets}}
        settled = [path for path in [tuned.place(study)] if path.exists()]
        return self.add(self.drawn(study, f"{study}/report", given, [*shown, *sets], settled))

    def add_top(self, studies: list[str], reports: list) -> Job:
        """The page that joins the reports; studies: all of the profile."""
        named = [job for (rule, _), job in self.jobs.items() if rule == "data"]
        sets = {job.name: job.key for job in self.shown("the page: data sets", named)}
        given = self.given("report", results=self.results, studies=studies) | {"sets": sets}
        beside = [place for folder in sides(self.results).values() for place in judging(folder)]
        claims = [folder / CLAIMS for folder in beside if folder != results_folder(self.results)]
        return self.add(self.drawn("", "report", given, reports, claims))

    def drawn(self, study: str, notebook: str, given: dict, after: list[Job], texts: Sequence[Path] = ()) -> Job:
        """The job of a page, which depends on everything that it shows and is drawn whenever one of these is made.

        texts: files that it shows and no job makes: tuned settings, claims of another profile.
        """
        folder = results_folder(self.results, study)
        notes = [place / "notes.md" for place in dict.fromkeys((results_folder(self.results), folder))]
        plain = {name: value for name, value in given.items() if name not in (*parameters.PLACES, "runs", "sets")}
        needed = {"notebook": notebook, "parameters": plain, **sources.of_notebook(notebook)}
        needed["uses"] = {f"{job.rule} {job.name}": self.shown_key(job) for job in after}
        needed["data"] = {
            "notes": sources.digest("".join(path.read_text(encoding="utf-8") for path in notes if path.exists()))
        }
        needed["data"] |= {path.parent.name: sources.digest(path.read_text(encoding="utf-8")) for path in texts}
        state = runs.state(folder, needed)
        waiting = [job for job in after if not job.done and (job.page or not self.pages)]
        if state.word == "finished" and waiting:
            state = runs.State("outdated", f"waits for {waiting[0].name}", state.stamp)
        return Job(notebook.replace("/", "_"), study or TOP, notebook, given, folder, needed, state, after)

    def drawable(self, trained: dict[str, list]) -> list[str]:
        """Studies whose page is drawn: all, or, where pages alone are, those of which a final training is there; all again where
        there is no run at all, which the first page then says.
        """
        if not self.pages or not any(job.state.stamp for jobs in trained.values() for job in jobs):
            return [*trained]
        final = {
            study: [job for job in jobs if job.notebook == f"{study}/run" and job.parameters.get("trial", -1) < 0]
            for study, jobs in trained.items()
        }
        return [study for study, jobs in final.items() if any(job.state.stamp for job in jobs)]

    def shown(self, what: str, jobs: list) -> list:
        """Jobs that a page shows: all that the profile has, or, where pages alone are drawn, those of which there is something.

        So what a card had time for is a page. Where there is nothing at all the page asks for everything, as ever.
        """
        there = [job for job in jobs if job.state.stamp] if self.pages else jobs
        if 0 < len(there) < len(jobs):
            self.warnings.append(
                f"{what}: {len(jobs) - len(there)} of {len(jobs)} were never made, the page is without them"
            )
        return there or jobs

    def shown_key(self, job: Job) -> str:
        """What a page shows of a job: today's result, which is made first, or, of runs that are not made, the older one."""
        older = self.pages and not (job.page or job.done)
        return f"older: {job.state.stamp.get('key', 'none')}" if older else job.key


def bring_weights(job: Job, used: Iterable[Job]) -> None:
    """Where a job is not done, those that it uses and of which rows alone were kept count as absent: it needs their weights."""
    for other in used:
        if not job.done and other.state.why == KEPT:
            other.state = runs.State("absent")


def cells_of(name: str, values: dict, study: Study) -> dict[str, Cell]:
    """{run: Cell} of a study in a profile; ProfileError where the profile asks for a row that the study does not have."""
    try:
        return study.configurations(**grid(values, study))
    except ValueError as error:
        raise ProfileError(f"profiles/{name}.yaml: {study.name}.{error}") from error


def untuned(study: Study, cells: dict[str, Cell]) -> list[str]:
    """Rows of final runs for which nothing was searched yet, of those that have something to search."""
    final = [cell for cell in cells.values() if cell.notebook == "run" and "trial" not in cell.parameters]
    asked = {search.row_of(parameters.declared(f"{study.name}/run") | cell.parameters, study.rows) for cell in final}
    known = tuned.of(study.name)
    return [name for name, row in study.rows.items() if name in asked and row.searched and name not in known]


def named_sets(values: dict, study: str, cells: dict) -> list[str]:
    """Data sets that a study's runs learn from or are scored on."""
    trained = [name for cell in cells.values() for name in cell.parameters["train_set"].split("+")]
    tested = [name for cell in cells.values() for name in cell.parameters.get("test_sets", [])]
    return list(dict.fromkeys([*trained, *values[f"{study}.test_sets"], *tested]))
