"""Profiles beside each other: laptop is a part of night, run by run, so that whoever makes it again can compare number by number."""

from imdlib.planner import Planner


def runs_of(name):
    """{(rule, run): key} of a profile's runs and data sets."""
    return {(job.rule, job.name): job.key for job in Planner(name).jobs.values() if not job.page}


def test_every_run_of_laptop_is_one_of_night_but_for_what_the_search_has_not_found_yet():
    laptop, night = runs_of("laptop"), runs_of("night")
    assert set(laptop) < set(night) and len(laptop) > 100
    assert {name for name in laptop if laptop[name] != night[name]} == set()
