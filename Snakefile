# The graph of runs: data notebooks -> trainings -> study reports -> report.html, of every study in imdlib.study.STUDIES.
#   snakemake --cores all --config profile=quick data=/folder/of/real/sets
# Which of them have to be executed is found by imdlib.planner from contents alone; Snakemake brings them into order and runs
# them side by side. Its own memory of times and parameters plays no part: what is done leaves the graph before it begins.
# On a cluster: docs/cluster.md.
import json
import shlex
import sys
from pathlib import Path

import yaml

from imdlib.planner import PAPERMILL, Planner

NAME = config.get("profile", "quick")
DATA, PAGES, TRIALS = str(config.get("data") or ""), bool(config.get("pages")), bool(config.get("trials"))
RUNS = str(config.get("runs") or "").split()  # patterns of <study>/<run>: these alone, and what they need
PLANNER = Planner(NAME, data=str(Path(DATA).expanduser().resolve()) if DATA else "", pages=PAGES)
TODO = [job for job in PLANNER.jobs.values() if not job.done and (job.page or not PAGES)]
TODO = PLANNER.needed_by([job for job in TODO if job.parameters.get("trial", -1) >= 0]) if TRIALS else TODO
TODO = PLANNER.needed_by(PLANNER.named(RUNS)) if RUNS else TODO
SAYS = {"absent": "", "begun": " (goes on)", "outdated": " (again, changed: {why})", "damaged": " (again, damaged: {why})"}
for warning in PLANNER.warnings:
    print(f"-- {warning}", file=sys.stderr)


def marker(job):
    """A file that says for this session that a job is done; never one that an earlier session left."""
    place = Path(f".snakemake/made/{NAME}/{job.rule}/{job.name}.{job.key}")
    return str(next(one for k in range(1000) if not (one := place.with_name(f"{place.name}.{k}")).exists()))


def written(job, ending, text):
    """A file beside its marker that holds what is too long for a command, which Snakemake prints where a job fails."""
    path = Path(f"{MARKERS[id(job)]}.{ending}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


MARKERS = {id(job): marker(job) for job in TODO}
JOBS = {Path(made).name: job for job in TODO for made in [MARKERS[id(job)]]}
RUN = (
    f"mkdir -p '{{params.folder}}' && OMP_NUM_THREADS={{threads}} {{sys.executable:q}} {PAPERMILL}"
    " {params.notebook} '{params.executed}' -f '{params.values}' > '{params.folder}/log.txt' 2>&1"
    " || (tail -n 25 '{params.folder}/log.txt' && false){params.page} && touch {output}"
)


def page(job):
    """The rest of the command of a job that draws a page."""
    if not job.page:
        return ""
    needs = written(job, "json", json.dumps(job.needs))
    return f" && {shlex.quote(sys.executable)} -m imdlib.pages.report '{executed(job)}' '{job.folder}/report.html' '{needs}'"


def executed(job):
    """The executed copy of its notebook."""
    return job.folder / ("report.ipynb" if job.page else "run.ipynb")


onstart:  # not where a plan alone is asked for
    real = [job.name for job in TODO if job.rule == "data" and not job.name.startswith("sim-")]
    if real and not DATA:
        raise WorkflowError(f"profile {NAME} needs {', '.join(real)}: make study PROFILE={NAME} DATA=<folder that holds them>")


onerror:
    now = Planner(NAME, data=PLANNER.data, pages=PAGES).jobs
    failed = [job for job in TODO if not now[job.rule, job.name].done and (job.folder / "log.txt").exists()]
    for job in failed:
        print(f"-- not finished: {job.notebook}: {job.name}; why: {job.folder / 'log.txt'}", file=sys.stderr)
    print("-- the same call goes on with them; `make pages` draws what is there without them", file=sys.stderr)


rule all:
    input: [MARKERS[id(job)] for job in TODO]


for RULE in dict.fromkeys(job.rule for job in PLANNER.jobs.values()):

    rule:
        name: RULE
        message: "{params.says}"
        input: lambda w: [MARKERS[id(job)] for job in JOBS[w.made].after if id(job) in MARKERS]
        output: temp(f".snakemake/made/{NAME}/{RULE}/{{made}}")
        params:
            says=lambda w: f"{JOBS[w.made].notebook}: {JOBS[w.made].name}" + SAYS[JOBS[w.made].state.word].format(why=JOBS[w.made].state.why),
            notebook=lambda w: f"notebooks/{JOBS[w.made].notebook}.ipynb",
            folder=lambda w: JOBS[w.made].folder,
            executed=lambda w: executed(JOBS[w.made]),
            values=lambda w: written(JOBS[w.made], "yaml", yaml.safe_dump(JOBS[w.made].parameters)),
            page=lambda w: page(JOBS[w.made]),
        threads: PLANNER.values.get("threads", 1)
        shell: RUN  # is put together when a job runs: nothing of this loop may stand in it
