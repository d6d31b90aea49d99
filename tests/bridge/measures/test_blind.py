"""Predictors that look at no image: their scores follow from what they are."""

import pytest

from imdlib.bridge.measures.blind import blind
from tests.bridge.made_up import images


def test_always_fake_always_real_and_a_random_class():
    table = images(n=3000).assign(seen=True, **{"class": "real"})
    each = dict(list(blind(table).groupby("method")))
    assert {name: len(rows) for name, rows in each.items()} == dict.fromkeys(
        ["always fake", "always real", "random class"], 3000
    )
    assert each["always fake"]["correct"].mean() == 0.5 and (each["always fake"]["image_auc"] == 0.5).all()
    assert each["always fake"]["p_partly"].isna().all() and (each["always real"]["score"] == 0).all()
    lucky = each["random class"]
    assert ((lucky["score"] >= 0.5) == (lucky["predicted"] != "real")).all() and lucky["score"].between(0, 1).all()
    assert lucky["predicted"].value_counts(normalize=True).tolist() == pytest.approx([1 / 3] * 3, abs=0.04)
