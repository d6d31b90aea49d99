"""Published numbers: every file loads, in fractions, and can be set beside ours."""

import pandas as pd
import pytest

from imdlib.bridge import published as bridge_published
from imdlib.inr import pooling
from imdlib.inr import published as inr_published
from imdlib.inr.methods import METHODS as INR_METHODS
from imdlib.ncl import published as ncl_published
from imdlib.pages import published, tables

STUDIES = {"ncl": ncl_published, "inr": inr_published, "bridge": bridge_published}
FILES = [
    (study, int(path.name.removeprefix("table").removesuffix(".csv")))
    for study, one in STUDIES.items()
    for path in one.FOLDER.iterdir()
    if path.name.endswith(".csv")
]


def test_the_tables_of_three_studies_are_there():
    assert {study: sum(one == study for one, _ in FILES) for study in STUDIES} == {"ncl": 6, "inr": 6, "bridge": 2}


@pytest.mark.parametrize("study, number", FILES)
def test_every_value_is_a_fraction(study, number):
    folder = STUDIES[study].FOLDER
    raw = pd.read_csv(folder / f"table{number}.csv", keep_default_na=False)
    assert set(raw["unit"]) <= {"percent", "fraction", "count"}
    rows = published.read(folder, number)
    assert rows.columns.tolist() == ["method", "train_set", "test_set", "metric", "value", "note"]
    assert len(rows) == len(raw) and rows["value"].notna().all()
    fractions = rows.loc[raw["unit"] != "count", "value"]
    assert fractions.between(0, 1).all()
    counts = rows.loc[raw["unit"] == "count"]
    assert counts["metric"].str.contains("count").all() and (counts["value"] >= 0).all()
    assert (rows[["method", "train_set", "test_set", "metric"]] != "").all(axis=None)


def test_percent_and_fraction_meet():
    ncl, inr = published.read(ncl_published.FOLDER, 5), published.read(inr_published.FOLDER, 1)
    base = ncl.query("method == 'Base' and train_set == 'NIST16' and test_set == 'NIST16' and metric == 'pixel AUC'")
    assert base["value"].tolist() == pytest.approx([0.756])  # printed as 75.6
    assert inr.query("method == 'NOI' and test_set == 'CASIAv1' and metric == 'IoU'")["value"].tolist() == [0.075]


def test_an_unknown_table_lists_the_known_ones():
    with pytest.raises(ValueError, match="no published table 99.*table5"):
        published.read(ncl_published.FOLDER, 99)


@pytest.mark.parametrize(
    "ours, theirs",
    [("casia1", "CASIA"), ("casia2", "CASIA"), ("sim-casia", "CASIA"), ("nist16", "NIST16"), ("sim-nist16", "NIST16"),
     ("sim-coverage", "Coverage"), ("columbia", "Columbia"), ("sim-defacto", "Defacto"), ("elsewhere", "elsewhere"),
     ("sim-imd2020", "IMD2020"), ("magicbrush", "MagicBrush"), ("sim-iedit", "IEdit"), ("gier", "IEdit")],
)  # fmt: skip
def test_paper_name(ours, theirs):
    assert published.paper_name(ours) == theirs


def test_beside_expands_to_every_pair_of_sets():
    paper = pd.DataFrame(
        [("Base", "CASIA", "CASIA", "pixel F1", 0.5, ""), ("Base", "CASIA", "NIST16", "pixel F1", 0.2, "x"),
         ("Base", "NIST16", "CASIA", "pixel F1", 0.1, "")],
        columns=["method", "train_set", "test_set", "metric", "value", "note"],
    )  # fmt: skip
    scores = pd.DataFrame(
        [
            ("sim-casia", "sim-casia"),
            ("sim-casia", "sim-casia"),
            ("casia2", "casia1"),
            ("sim-casia", "nist16"),
            ("sim-casia", "mine"),
        ],
        columns=["train_set", "dataset"],
    )
    found = published.beside(paper, scores)
    assert found[["train_set", "test_set", "value"]].values.tolist() == [
        ["sim-casia", "sim-casia", 0.5],
        ["casia2", "casia1", 0.5],
        ["sim-casia", "nist16", 0.2],
    ]
    assert len(published.beside(paper, scores.tail(1))) == 0


def test_the_ablation_ends_with_the_full_method_and_repeats_nothing():
    rows = ncl_published.ablation()
    assert not rows.duplicated(["method", "train_set", "test_set", "metric"]).any()
    assert {"Base", "Base+Pivot", "Base+Pivot+PC"} <= set(rows["method"])
    full = rows[(rows["method"] == "Base+Pivot+PC") & (rows["train_set"] == "CASIA") & (rows["test_set"] == "CASIA")]
    assert {"pixel F1", "pixel AUC"} <= set(full["metric"])


def test_ncl_ablation_knows_the_whole_method_on_every_pair_of_table_2():
    rows = ncl_published.ablation()
    assert not rows.duplicated(["method", "train_set", "test_set", "metric"]).any()
    whole = rows.query("method == 'Base+Pivot+PC' and metric == 'pixel AUC'")
    value = whole.set_index(["train_set", "test_set"])["value"]
    assert value["CASIA", "Coverage"] == 0.816 and value["all", "NIST16"] == 0.95
    assert value["Columbia", "Columbia"] == 0.943  # Table 1; Table 2 prints 0.953 for the same thing
    assert set(whole["train_set"]) == {"CASIA", "Coverage", "Columbia", "NIST16", "Defacto", "all"}


def test_ncl_robustness_exchanges_the_jpeg_labels_and_nothing_else():
    from imdlib.data.attacks import ATTACKS

    value = ncl_published.robustness().set_index("attack")["value"]
    assert len(value) == 9 and set(value.index) <= set(ATTACKS)
    value = value.round(6)
    assert value["none"] == 0.912 and value["noise 3"] == 0.795 and value["resize 0.25"] == 0.831
    assert value["jpeg 100"] == 0.843 and value["jpeg 50"] == 0.819  # printed as 50 and 100


def test_ncl_tables_4_and_6_carry_our_names():
    backbones = ncl_published.backbones().set_index(["method", "test_set", "metric"])["value"].round(6)
    assert backbones["ViT+NCL", "CASIA", "pixel F1"] == 0.591 and backbones["ViT", "CASIA", "pixel F1"] == 0.579
    hooks = ncl_published.hooks().set_index(["method", "metric"])["value"].round(6)
    assert hooks["stem", "pixel AUC"] == 0.864 and hooks["layer4", "pixel F1"] == 0.438


# ---- INR

INR = {
    name: getattr(inr_published, name)
    for name in ["unsupervised", "weak", "novel", "components", "selection", "pooling"]
}
KEYS = ["method", "train_set", "test_set", "metric"]


@pytest.mark.parametrize("number, name", enumerate(INR, start=1))
def test_inr_tables_lose_no_row_and_speak_our_names(number, name):
    rows, raw = INR[name](), published.read(inr_published.FOLDER, number)
    assert len(rows) == len(raw) + 4 * (name == "pooling")
    assert rows["value"].tolist()[: len(raw)] == raw["value"].tolist()
    assert not rows.duplicated(KEYS).any() and rows[KEYS].notna().all(axis=None)
    assert set(rows["test_set"]) <= set(published.SETS.values())
    assert set(rows["metric"]) <= {"pixel F1", "pixel IoU", "image F1", "combined F1", "image accuracy"}
    assert {"pixel F1", "pixel IoU"} <= set(tables.NAMES.values())  # so that tables.rows finds them


def test_inr_methods_are_those_of_our_tables():
    named = set(INR_METHODS.values()) | {"self-distillation", "self-distillation, without selection"}
    trained = pd.concat([INR["components"](), INR["selection"]()])
    assert set(trained["method"]) <= named
    assert set(INR["pooling"]()["method"]) == set(pooling.POOLINGS)
    assert set(INR["weak"]()["method"]) == {"Baseline", "WSCL", "Baseline+NRR+SCL+AGAP"}
    free = INR["unsupervised"]().query("train_set == 'none'")
    assert set(free["method"]) == {"NOI", "CFA1", "MCA", "NoisePrint", "IVC"}
    assert set(INR["novel"]().query("train_set == 'CASIA'")["method"]) >= {
        "Baseline",
        "Baseline+NRR+SCL+AGAP",
        "CR-CNN",
    }


def test_inr_tables_agree_where_they_print_the_same_thing():
    def value(name):
        return INR[name]().set_index(KEYS)["value"]

    for a, b, shared in [("weak", "components", 8), ("unsupervised", "selection", 2)]:
        both = pd.concat([value(a), value(b)], axis=1, join="inner").to_numpy()
        assert len(both) == shared and (both[:, 0] == both[:, 1]).all()
    pools = INR["pooling"]().set_index(["method", "test_set", "metric"])["value"]
    assert pools["adaptive", "CASIA", "combined F1"] == 0.310 and pools["otsu", "NIST16", "pixel F1"] == 0.119


def test_inr_beside_our_sets():
    scores = pd.DataFrame(
        {"train_set": ["sim-casia", "sim-casia", "none"], "dataset": ["sim-casia", "sim-iedit", "imd2020"]}
    )
    found = published.beside(INR["unsupervised"](), scores).set_index(["train_set", "method", "test_set", "metric"])[
        "value"
    ]
    assert found["sim-casia", "self-distillation", "sim-casia", "pixel F1"] == 0.166
    assert found["none", "CFA1", "imd2020", "pixel IoU"] == 0.068
    edits = published.beside(INR["novel"](), scores).query("test_set == 'sim-iedit'")
    assert set(edits["metric"]) == {"image accuracy", "image F1"}


def test_on_test_sets_ignores_what_was_trained_on():
    scores = pd.DataFrame({"train_set": "sim-columbia", "dataset": ["sim-casia", "casia1", "sim-iedit"]})
    found = published.on_test_sets(inr_published.weak(), scores)
    assert "train_set" not in found and set(found["test_set"]) == {"sim-casia", "casia1"}
    ours = found[(found["method"] == "Baseline+NRR+SCL+AGAP") & (found["metric"] == "pixel F1")]
    assert ours["value"].tolist() == [0.199, 0.199]


@pytest.mark.parametrize(
    "text", [b"\xff", b"", b"a,b\n1,2,3\n", b"method,value,unit\nx,1,percemt\n", b"method,value,unit\nx,o,count\n"]
)
def test_a_damaged_table_is_named(tmp_path, text):
    (tmp_path / "table1.csv").write_bytes(text)
    with pytest.raises(ValueError, match=f"{tmp_path}/table1.csv: no published table can be read"):
        published.read(tmp_path, 1)


@pytest.mark.parametrize(
    "trained, tested, why",
    [(["sim-casia"], "sim-casia", "twin"), (["casia2"], "casia1", "part"), (["none"], "columbia", "part"),
     (["casia2"], "casia2", "other"), (["casia1"], "nist16", "other"), (["nist16"], "nist16", "split"),
     (["nist16-random"], "nist16-random", "split"), (["casia2", "none"], "nist16", "part"), (["casia2"], "sim-nist16", "twin"),
     (["casia2"], "gier", "part"), (["casia2"], "magicbrush", "")],
)  # fmt: skip
def test_what_keeps_a_published_number_from_standing_beside_ours(trained, tested, why):
    found = published.differs(trained, tested)
    assert found == "" if not why else why in found


def test_twins_and_other_data_have_no_published_number_beside_them():
    scores = pd.DataFrame({"train_set": ["casia2"] * 2, "dataset": ["sim-casia", "casia1"]})
    found = published.on_test_sets(inr_published.weak(), scores).set_index("test_set")["differs"]
    assert set(found["casia1"]) == {published.PART} and set(found["sim-casia"]) == {published.TWIN}
    cifake = pd.DataFrame(
        {"method": ["Wang et al."], "train_set": ["cifake"], "metric": ["F1"], "value": [0.5], "note": [""]}
    )
    own = tables.beside(
        cifake.assign(test_set="partly fake: trained generator"), bridge_published.detection().drop(columns="train_set")
    )
    assert own["published"].isna().all() and "not beside: paper 0.920" in own["note"].iloc[0]
