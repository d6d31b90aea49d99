"""Course: effects at every look, runs of unequal length, and runs that used up their budget."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from imdlib.protocol.course import effects, moving

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


def test_each_run_of_a_side_stands_where_it_was_last_seen():
    """Two training sets of unequal size: their looks fall at different counts, and the mean is of both runs at each."""
    base, ours = run("Base", 0, [0, 0.5, 0, 0.6]), run("Ours", 0, [0, 0.6, 0, 0.9])
    other = [(about | dict(run=f"{about['run']}b", train_images=750), rows) for about, rows in (base, ours)]
    other = [(about, [row | dict(run=about["run"]) for row in rows]) for about, rows in other]
    found = effects([SAYS], both(base, ours, *other))
    assert found["images"].tolist() == [1.5, 2.0, 3.0]
    assert found["effect"].tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_another_validation_number_may_be_compared_than_the_one_that_chose():
    rows = both(run("Base", 0, [0, 0.5], val_auc=0.7), run("Ours", 0, [0, 0.6], val_auc=0.9))
    found = effects([SAYS], rows, "val_auc")
    assert set(found["metric"]) == {"val_auc"} and found["effect"].to_numpy() == pytest.approx(0.2)


def test_the_runs_of_a_claim_are_those_that_its_cut_holds():
    rows = both(run("Base", 0, [0, 0.5]), run("Ours", 0, [0, 0.6]), run("Base", 1, [0, 0.1]), run("Ours", 1, [0, 0.9]))
    first = SimpleNamespace(**vars(SAYS) | {"cut": lambda rows: SAYS.cut(rows)[rows.settings["run"].str.endswith("1")]})
    assert effects([first], rows)["effect"].tolist() == pytest.approx([0.8])


def test_what_is_no_headline_or_has_no_trained_side_has_no_course():
    two = both(run("Base", 0, [0, 0.5]), run("Ours", 0, [0, 0.6]))
    assert len(effects([SAYS], two)) == 1
    assert effects([SimpleNamespace(**vars(SAYS) | {"headline": False})], two).empty
    rows = both(run("Base", 0, [0, 0.5]))
    assert effects([SAYS], rows).empty
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
    assert moving(settings, pd.DataFrame(level + rising)) == {"a": False, "b": True}
    assert moving(settings, pd.DataFrame(level).drop(columns="cooling")) == {}
    assert moving(settings, pd.DataFrame(rising[2:])) == {"b": True}  # six looks
    assert moving(settings, pd.DataFrame(rising[3:])) == {}  # five looks: nobody can tell
