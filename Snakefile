# The graph of runs: data notebooks -> training runs -> study reports -> report.html.
#   snakemake --cores all --config profile=quick data=/folder/of/real/sets
# A run is repeated when its parameters or the code it depends on change; everything else is used again.
# On a cluster: --executor slurm --jobs 50 (with snakemake-executor-plugin-slurm installed).
import base64
import inspect
import sys
from pathlib import Path

import yaml

from imdlib import ncl, runs
from imdlib.ncl import grid

NAME = config.get("profile", "quick")
PROFILE = yaml.safe_load(Path(f"profiles/{NAME}.yaml").read_text())
RESULTS = f"results/{NAME}"
DATA = str(Path(config["data"]).resolve()) if config.get("data") else ""
NOTEBOOKS = ["data", "ncl/run", "ncl/report", "report"]
GRAPH = {f"ncl.{name}" for name in inspect.signature(grid.configurations).parameters}  # keys that this file itself reads


def settings(notebook, **more):
    """The profile's values for the parameters that a notebook has; `ncl.epochs` counts for notebooks in ncl/ alone."""
    study = notebook.split("/")[0]
    own = {key.removeprefix(f"{study}."): value for key, value in PROFILE.items()}
    values = {"results": RESULTS, "data": DATA, **PROFILE, **own, **more}
    return {name: values[name] for name in runs.declared(notebook) if name in values}


def papermill(notebook, **more):
    """Shell words that hand a notebook its parameters, whatever characters they hold."""
    return base64.b64encode(yaml.safe_dump(settings(notebook, **more)).encode()).decode()


declared = {name for book in NOTEBOOKS for name in runs.declared(book)}
unknown = {key for key in PROFILE if key not in GRAPH and key.split(".")[-1] not in declared}
if unknown:
    raise ValueError(f"profiles/{NAME}.yaml: no notebook has the parameter(s) {', '.join(sorted(unknown))}")

NCL = grid.configurations(**{key.removeprefix("ncl."): PROFILE[key] for key in GRAPH & PROFILE.keys()})
TRAINED = [name for cell in NCL.values() for name in cell["train_set"].split("+")]
SETS = list(dict.fromkeys([*TRAINED, *PROFILE["ncl.test_sets"]]))
CHECKS = [f"imdlib.data.{name}" for name in ("facts", "resemblance", "shortcuts", "checks", "gallery")]
CODE = {
    "data": runs.code_fingerprint(*ncl.DATA_CODE, *CHECKS, "imdlib.metrics", "imdlib.baselines"),
    "ncl": runs.code_fingerprint(*ncl.CODE),
}
RUN = (
    "OMP_NUM_THREADS={threads} {sys.executable} -m papermill --no-progress-bar --log-level ERROR {input.notebook} {log.notebook}"
    " -b {params.values} > {log.text} 2>&1 || (tail -n 25 {log.text} && false)"
)
PAGE = " && {sys.executable} -m imdlib.report {log.notebook} {output}"


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
        data=ancient(expand(f"{RESULTS}/data/{{dataset}}/scores.csv.gz", dataset=SETS)),
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


rule report:
    message: "the report"
    input: notebook="notebooks/report.ipynb", studies=[f"{RESULTS}/ncl/report.html"]
    output: f"{RESULTS}/report.html"
    log: notebook=f"{RESULTS}/report.ipynb", text=f"{RESULTS}/log.txt"
    params: values=papermill("report")
    shell: RUN + PAGE
