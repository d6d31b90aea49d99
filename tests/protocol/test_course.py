"""Course: effects at every look, runs of unequal length, and runs that used up their budget."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from imdlib.protocol.course import effects, unfinished

SAYS = SimpleNamespace(
    name="ncl",
    says="better",
    headline=True,
    worse="Base",
    better="Ours",
    cut=lambda rows: rows.settings[["run", "method"]],
)


def run(method, seed, values, **more):
    """(settings, history) of a run that looks at every second epoch."""
    name = f"{method}{seed}"
    rows = [dict(run=name, epoch=k + 1, val=np.nan if k % 2 == 0 else value, **more) for k, value in enumerate(values)]
    return dict(run=name, method=method, seed=seed, keep="val", train_images=500), rows


def both(*runs):
    """Rows of a study with the settings and the history of several runs."""
    settings, history = [about for about, _ in runs], [row for _, rows in runs for row in rows]
    return SimpleNamespace(settings=pd.DataFrame(settings), history=pd.DataFrame(history))


def test_effects_stand_at_the_images_seen_and_a_run_that_ended_stays_where_it_ended():
    runs = run("Base", 0, [0, 0.5, 0, 0.6]), run("Ours", 0, [0, 0.6, 0, 0.7, 0, 0.9]), run("Ours", 1, [0, 1])
    found = effects([SAYS], both(*runs))
    assert found["images"].tolist() == [1.0, 2.0, 3.0] and set(found["seed"]) == {0}
    assert found["effect"].tolist() == pytest.approx([0.1, 0.1, 0.3])


def test_the_runs_of_a_claim_are_those_that_its_cut_holds():
    rows = both(run("Base", 0, [0, 0.5]), run("Ours", 0, [0, 0.6]), run("Base", 1, [0, 0.1]), run("Ours", 1, [0, 0.9]))
    first = SimpleNamespace(**vars(SAYS) | {"cut": lambda rows: SAYS.cut(rows)[rows.settings["run"].str.endswith("1")]})
    assert effects([first], rows)["effect"].tolist() == pytest.approx([0.8])


def test_what_is_no_headline_or_has_no_trained_side_has_no_course():
    rows = both(run("Base", 0, [0, 0.5]))
    assert effects([SAYS], rows).empty
    assert effects([SimpleNamespace(**vars(SAYS) | {"headline": False, "better": "Base"})], rows).empty
    blind = SimpleNamespace(**vars(SAYS) | {"cut": lambda rows: SAYS.cut(rows).assign(run="none", method="Ours")})
    assert effects([blind], rows).empty


def test_two_readings_of_one_training_have_no_course():
    rows = both(run("Ours", 0, [0, 0.5]))
    maps = SimpleNamespace(
        **vars(SAYS)
        | {"cut": lambda rows: pd.concat([SAYS.cut(rows).assign(method=name) for name in ("Base", "Ours")])}
    )
    assert effects([maps], rows).empty


def test_a_run_that_still_rose_when_it_was_cooled_is_named():
    level = [dict(run="a", epoch=k, val=0.7, loss=1.0, cooling=float(k > 7)) for k in range(9)]
    rising = [dict(run="b", epoch=k, val=0.5 + k / 50, loss=1.0, cooling=float(k > 7)) for k in range(9)]
    settings = pd.DataFrame([dict(run=name, keep="val") for name in ("a", "b")])
    assert unfinished(settings, pd.DataFrame(level + rising)) == ["b"]
    assert unfinished(settings, pd.DataFrame(level).drop(columns="cooling")) == []
