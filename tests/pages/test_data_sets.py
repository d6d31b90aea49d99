"""Data sets on the page: how many images of each split and label there are, and what the form of their files says."""

import pandas as pd

from imdlib.checks import findings
from imdlib.pages import data_sets

MANIFEST = pd.DataFrame(
    [
        ("train", 0, "authentic", ""),
        ("train", 1, "splicing", "m.png"),
        ("train", 1, "splicing", "n.png"),
        ("test", 1, "removal", "o.png"),
        ("test", 1, "removal", ""),
    ],
    columns=["split", "label", "kind", "mask"],
).assign(image="i.png")


def test_what_a_set_holds_is_counted_by_split_and_label():
    held = findings.held(MANIFEST)
    assert held.groupby(["split", "label"])["images"].sum().to_dict() == {
        ("test", 1): 2,
        ("train", 0): 1,
        ("train", 1): 2,
    }
    shown = data_sets.held({"held": held.assign(run="<set>")}).data
    cells = ["&lt;set&gt;", "1 + 2", "0 + 0", "0 + 2", "3", "removal, splicing"]
    assert [cell for cell in cells if f"<td>{cell}</td>" in shown] == cells
    assert data_sets.held({}) is None


def test_the_form_of_files_is_shown_of_the_sets_that_are_asked_of():
    known = {"form": pd.DataFrame({"run": ["a", "b"], "predictor": "size", "auc": [0.9, 0.5]})}
    assert "0.900" in data_sets.form(known).data and "0.900" not in data_sets.form(known, ["b", "b"]).data
    assert data_sets.form(known, ["c"]) is None and data_sets.form({}) is None
