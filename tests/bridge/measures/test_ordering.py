"""Ordering of the discrepancies: against counts of pairs, the ideal case, and what is undefined."""

import numpy as np
import pandas as pd
import pytest

from imdlib.bridge.labels import CLASSES
from imdlib.bridge.measures import draws, ordering

NAMED = np.array(CLASSES)


def rows(d1, d2, truth, *, run="a", seed=0):
    table = pd.DataFrame(dict(d1=d1, d2=d2, image=range(len(d1)), run=run, seed=seed, dataset="d", method="m"))
    return table.assign(train_set="t", **{"class": NAMED[np.asarray(truth)]})


def mixed(seed=0, run="a"):
    rng = np.random.default_rng(seed)
    d = rng.integers(0, 6, (2, 24)).astype(float)  # with ties
    return rows(*d, np.arange(24) % 3, run=run, seed=seed)


def once(table):
    return {key[1]: value[0] for key, value in ordering.measure(table, np.ones((1, len(table)))).items()}


def test_as_the_paper_states_it():
    found = once(rows([0.1, 0.2, 5.0], [0.2, 6.0, 0.3], [0, 1, 2]))
    assert all(found[name] == 1 for name in ordering.METRICS) and found["n"] == 3


def test_is_a_count_of_pairs():
    table, found = mixed(), once(mixed())
    d = {name: [table.loc[table["class"] == one, name].to_list() for one in CLASSES] for name in ("d1", "d2")}
    for statement, (name, above, below) in ordering.BETWEEN.items():
        pairs = [(a > b) + 0.5 * (a == b) for a in d[name][above] for b in d[name][below]]
        assert found[statement] == pytest.approx(np.mean(pairs))
    for statement, (one, larger, smaller) in ordering.WITHIN.items():
        same = [(a > b) + 0.5 * (a == b) for a, b in zip(d[larger][one], d[smaller][one])]
        assert found[statement] == pytest.approx(np.mean(same))


def test_per_image_means_are_the_shares():
    table = pd.concat([mixed(), mixed(1, "b")], ignore_index=True)
    shares, each = once(table), ordering.per_image(table)
    for statement in ordering.METRICS:
        part = each[each["statement"] == statement]
        for one in part["class"].unique():
            assert part.loc[part["class"] == one, "ordered"].mean() == pytest.approx(shares[statement])


def test_draws_are_those_of_copied_rows():
    table = mixed()
    times = np.random.default_rng(0).integers(0, 3, (5, 24)).astype(float)
    found = ordering.measure(table, times)
    for r, row in enumerate(times.astype(int)):
        expected = once(table.loc[np.repeat(np.arange(24), row)])
        assert {key[1]: value[r] for key, value in found.items()} == pytest.approx(expected, nan_ok=True)


def test_two_classes_leave_the_rest_undefined():
    table = mixed()
    table = table[table["class"] != "partly fake"].reset_index(drop=True)
    found = once(table)
    defined = {"d1: fully fake above real", "fully fake: d1 above d2", "n"}
    assert {name for name, value in found.items() if not np.isnan(value)} == defined
    assert set(ordering.per_image(table).dropna(subset="ordered")["statement"]) == defined - {"n"}
    assert len(ordering.per_image(table.head(0))) == 0


def test_intervals_and_chance():
    noise = np.random.default_rng(0).random((2, 300))
    scopes = {"x": ("both", {"d": 1})}
    found = draws.table(rows(*noise, np.arange(300) % 3), ordering.measure, scopes, ordering.METRICS, resamples=300)
    assert len(found) == 6 and ((found["low"] < 0.56) & (found["high"] > 0.44)).all() and (found["n"] == 300).all()
    table = mixed().assign(d1_start=1.0, d2_start=2.0)
    assert once(ordering.before(table))["partly fake: d2 above d1"] == 1


def test_nearer_is_a_count_of_distances_class_by_class():
    table = mixed().assign(d1_fresh=3.0, d2_fresh=4.0)
    found = ordering.nearer(table, np.ones((1, len(table))))
    for statement, code in ordering.NEARER.items():
        part = table[table["class"] == CLASSES[code]]
        before = [(3, d) for d in part["d1"]] + [(4, d) for d in part["d2"]]
        assert found["both", statement][0] == pytest.approx(np.mean([(a > d) + 0.5 * (a == d) for a, d in before]))
    one = table[table["class"] == CLASSES[0]]
    assert np.isnan(ordering.nearer(one, np.ones((1, len(one))))["both", list(ordering.NEARER)[1]][0])
