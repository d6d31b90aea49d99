# The graph of runs: data notebooks -> training runs -> study reports -> report.html.
#   snakemake --cores all --config profile=quick data=/folder/of/real/sets
# A run is repeated when its parameters or the code it depends on change; everything else is used again.
# On a cluster: --executor slurm --jobs 50 (with snakemake-executor-plugin-slurm installed).
import base64
import inspect
import sys
from pathlib import Path

import yaml

from imdlib import bridge, inr, ncl, runs
from imdlib.bridge import grid as bridge_grid
from imdlib.inr import grid as inr_grid
from imdlib.ncl import grid as ncl_grid

NAME = config.get("profile", "quick")
PROFILE = yaml.safe_load(Path(f"profiles/{NAME}.yaml").read_text())
RESULTS = f"results/{NAME}"
DATA = str(Path(config["data"]).resolve()) if config.get("data") else ""
STUDY_NOTEBOOKS = ["ncl/run", "ncl/report", "inr/nrr", "inr/run", "inr/report", "bridge/run", "bridge/report"]
NOTEBOOKS = ["data", *STUDY_NOTEBOOKS, "report"]
GRIDS = {"ncl": ncl_grid, "inr": inr_grid, "bridge": bridge_grid}


def settings(notebook, **more):
    """The profile's values for the parameters that a notebook has; `inr.steps` counts for notebooks in inr/ alone, and
    `inr/nrr.steps` for that one alone."""
    values = {"results": RESULTS, "data": DATA, **PROFILE}
    for place in (notebook.split("/")[0], notebook):
        values |= {key.removeprefix(f"{place}."): value for key, value in PROFILE.items()}
    values |= more
    return {name: values[name] for name in runs.declared(notebook) if name in values}


def papermill(notebook, **more):
    """Shell words that hand a notebook its parameters, whatever characters they hold."""
    return base64.b64encode(yaml.safe_dump(settings(notebook, **more)).encode()).decode()


def graph(study):
    """The profile's values for the keys that say which runs a study has."""
    known = inspect.signature(GRIDS[study].configurations).parameters
    return {name: PROFILE[f"{study}.{name}"] for name in known if f"{study}.{name}" in PROFILE}


def sets(study, cells):
    """Data sets that a study's runs learn from or are scored on."""
    trained = [name for cell in cells.values() for name in cell["train_set"].split("+")]
    return list(dict.fromkeys([*trained, *PROFILE[f"{study}.test_sets"]]))


declared = {name for book in NOTEBOOKS for name in runs.declared(book)}
chosen = {f"{study}.{name}" for study in GRIDS for name in graph(study)}
unknown = {key for key in PROFILE if key not in chosen and key.split(".")[-1] not in declared}
if unknown:
    raise ValueError(f"profiles/{NAME}.yaml: no notebook has the parameter(s) {', '.join(sorted(unknown))}")

NCL = ncl_grid.configurations(**graph("ncl"))
NRR, INR = inr_grid.configurations(**graph("inr"))
BRIDGE = bridge_grid.configurations(**graph("bridge"))
CHECKS = [f"imdlib.data.{name}" for name in ("facts", "resemblance", "shortcuts", "checks", "gallery", "sheets")]
CODE = {
    "data": runs.code_fingerprint(*bridge.DATA_CODE, *CHECKS, "imdlib.scoring.metrics", "imdlib.baselines"),
    "ncl": runs.code_fingerprint(*ncl.CODE),
    "inr": runs.code_fingerprint(*inr.CODE),
    "bridge": runs.code_fingerprint(*bridge.CODE),
}
RUN = (
    "OMP_NUM_THREADS={threads} {sys.executable} -m papermill --no-progress-bar --log-level ERROR {input.notebook} {log.notebook}"
    " -b {params.values} > {log.text} 2>&1 || (tail -n 25 {log.text} && false)"
)
PAGE = " && {sys.executable} -m imdlib.pages.report {log.notebook} {output}"


rule all:
    input: f"{RESULTS}/report.html"


rule data:
    message: "data set {wildcards.dataset}: what is in it, its checks, and what predictors score that look at no image"
    input: notebook=ancient("notebooks/data.ipynb")
    output: f"{RESULTS}/data/{{dataset}}/scores.csv.gz"
    log: notebook=f"{RESULTS}/data/{{dataset}}/data.ipynb", text=f"{RESULTS}/data/{{dataset}}/log.txt"
    params: values=lambda w: papermill("data", dataset=w.dataset), code=CODE["data"]
    shell: RUN


rule ncl_run:
    message: "training {wildcards.run}"
    input:
        notebook=ancient("notebooks/ncl/run.ipynb"),
        data=ancient(expand(f"{RESULTS}/data/{{dataset}}/scores.csv.gz", dataset=sets("ncl", NCL))),
    output: update(f"{RESULTS}/ncl/runs/{{run}}/stamp.json")
    log: notebook=f"{RESULTS}/ncl/runs/{{run}}/run.ipynb", text=f"{RESULTS}/ncl/runs/{{run}}/log.txt"
    params: values=lambda w: papermill("ncl/run", run=w.run, **NCL[w.run]), code=CODE["ncl"]
    threads: PROFILE.get("threads", 1)
    shell: RUN + " && touch {output}"


rule ncl_report:
    message: "NCL: tables, figures and claims"
    input: notebook="notebooks/ncl/report.ipynb", runs=expand(f"{RESULTS}/ncl/runs/{{run}}/stamp.json", run=NCL)
    output: f"{RESULTS}/ncl/report.html"
    log: notebook=f"{RESULTS}/ncl/report.ipynb", text=f"{RESULTS}/ncl/log.txt"
    params: values=papermill("ncl/report")
    shell: RUN + PAGE


rule inr_nrr:
    message: "training {wildcards.run}"
    wildcard_constraints: run="nrr_.*"
    input:
        notebook=ancient("notebooks/inr/nrr.ipynb"),
        data=ancient(expand(f"{RESULTS}/data/{{dataset}}/scores.csv.gz", dataset=sets("inr", NRR))),
    output: update(f"{RESULTS}/inr/runs/{{run}}/stamp.json")
    log: notebook=f"{RESULTS}/inr/runs/{{run}}/run.ipynb", text=f"{RESULTS}/inr/runs/{{run}}/log.txt"
    params: values=lambda w: papermill("inr/nrr", run=w.run, **NRR[w.run]), code=CODE["inr"]
    threads: PROFILE.get("threads", 1)
    shell: RUN + " && touch {output}"


rule inr_run:
    message: "training {wildcards.run}"
    wildcard_constraints: run="(weak|unsupervised)_.*"
    input:
        notebook=ancient("notebooks/inr/run.ipynb"),
        data=ancient(expand(f"{RESULTS}/data/{{dataset}}/scores.csv.gz", dataset=sets("inr", INR))),
        nrr=lambda w: f"{RESULTS}/inr/runs/{INR[w.run]['nrr']}/stamp.json" if "nrr" in INR[w.run] else [],
    output: update(f"{RESULTS}/inr/runs/{{run}}/stamp.json")
    log: notebook=f"{RESULTS}/inr/runs/{{run}}/run.ipynb", text=f"{RESULTS}/inr/runs/{{run}}/log.txt"
    params: values=lambda w: papermill("inr/run", run=w.run, **INR[w.run]), code=CODE["inr"]
    threads: PROFILE.get("threads", 1)
    shell: RUN + " && touch {output}"


rule inr_report:
    message: "INR: tables, figures and claims"
    input: notebook="notebooks/inr/report.ipynb", runs=expand(f"{RESULTS}/inr/runs/{{run}}/stamp.json", run=[*NRR, *INR])
    output: f"{RESULTS}/inr/report.html"
    log: notebook=f"{RESULTS}/inr/report.ipynb", text=f"{RESULTS}/inr/log.txt"
    params: values=papermill("inr/report")
    shell: RUN + PAGE


rule bridge_run:
    message: "training {wildcards.run}"
    input:
        notebook=ancient("notebooks/bridge/run.ipynb"),
        data=ancient(expand(f"{RESULTS}/data/{{dataset}}/scores.csv.gz", dataset=sets("bridge", BRIDGE))),
    output: update(f"{RESULTS}/bridge/runs/{{run}}/stamp.json")
    log: notebook=f"{RESULTS}/bridge/runs/{{run}}/run.ipynb", text=f"{RESULTS}/bridge/runs/{{run}}/log.txt"
    params: values=lambda w: papermill("bridge/run", run=w.run, **BRIDGE[w.run]), code=CODE["bridge"]
    threads: PROFILE.get("threads", 1)
    shell: RUN + " && touch {output}"


rule bridge_report:
    message: "Bridging: tables, figures and claims"
    input: notebook="notebooks/bridge/report.ipynb", runs=expand(f"{RESULTS}/bridge/runs/{{run}}/stamp.json", run=BRIDGE)
    output: f"{RESULTS}/bridge/report.html"
    log: notebook=f"{RESULTS}/bridge/report.ipynb", text=f"{RESULTS}/bridge/log.txt"
    params: values=papermill("bridge/report")
    shell: RUN + PAGE


rule report:
    message: "the report"
    input: notebook="notebooks/report.ipynb", studies=expand(f"{RESULTS}/{{study}}/report.html", study=GRIDS)
    output: f"{RESULTS}/report.html"
    log: notebook=f"{RESULTS}/report.ipynb", text=f"{RESULTS}/log.txt"
    params: values=papermill("report")
    shell: RUN + PAGE
