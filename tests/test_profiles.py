"""Profiles beside each other: laptop is a part of night, run by run, so that whoever makes it again can compare number by number."""

from imdlib.planner import Planner
from imdlib.protocol import tuned


def runs_of(name):
    """{(rule, run): key} of a profile's runs and data sets."""
    return {(job.rule, job.name): job.key for job in Planner(name).jobs.values() if not job.page}


def test_every_run_of_laptop_is_one_of_night():
    laptop, night = runs_of("laptop"), runs_of("night")
    assert laptop.items() < night.items() and len(laptop) > 100


def test_rows_that_nobody_searched_yet_are_named(monkeypatch):
    monkeypatch.setattr(tuned, "of", lambda study: {"base": {"learning_rate": 0.001}})
    said = {words.split(":")[0]: words for words in Planner("laptop").warnings}
    assert set(said) == {"ncl", "inr", "bridge"} and "no settings of base-balanced, contrast," in said["ncl"]
    assert not Planner("quick").warnings
