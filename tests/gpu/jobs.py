"""Jobs of the planner made by hand, for tests of what orders and executes them."""

from pathlib import Path

from imdlib.planner import Job
from imdlib.runs import State


def job(study, name, seed=0, *, notebook="run", after=(), done=False, data="d", folder=Path("nowhere"), **parameters):
    """A training that is not done, or any other job."""
    place = f"{study}/{notebook}" if study != "data" else "data"
    given = {"results": "results/toy", "seed": seed} | parameters
    state = State("finished" if done else "absent")
    needs = {"notebook": place, "data": {"sim-toy": data}}
    return Job(place.replace("/", "_"), name, place, given, Path(folder), needs, state, list(after))
