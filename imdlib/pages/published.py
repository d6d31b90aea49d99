"""The papers' own numbers, transcribed with notes in `imdlib/published/<study>_table<N>.csv`."""

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent / "published"
SETS = {
    **dict.fromkeys(["casia", "casia1", "casia2"], "CASIA"),
    "coverage": "Coverage",
    "columbia": "Columbia",
    "nist16": "NIST16",
    "defacto": "Defacto",
    "imd2020": "IMD2020",
    "magicbrush": "MagicBrush",
    **dict.fromkeys(["gier", "iedit"], "IEdit"),
}  # our name of a data set -> the papers'
INR_SETS = {
    "CASIAv1": "CASIA",
    "CASIAv2": "CASIA",
    "CASIAv2 (unlabelled)": "CASIA",
    "none (training-free / own)": "none",
}
INR_METRICS = {
    "P-F1": "pixel F1",
    "IoU": "pixel IoU",
    "I-F1": "image F1",
    "C-F1": "combined F1",
    "ACC": "image accuracy",
}  # INR's words -> ours


def table(study, number):
    """Published table as a DataFrame `method, train_set, test_set, metric, value, note`; values are fractions, never percent."""
    path = FOLDER / f"{study}_table{number}.csv"
    if not path.exists():
        known = sorted(p.stem for p in FOLDER.glob("*.csv"))
        raise ValueError(f"no published numbers for {study} table {number}; there are: {', '.join(known)}")
    rows = pd.read_csv(path, keep_default_na=False)
    rows["value"] = rows["value"].astype(float) / rows["unit"].map({"percent": 100, "fraction": 1, "count": 1})
    return rows.drop(columns="unit")


def paper_name(dataset):
    """The papers' name of a data set or of its embedded twin: 'sim-casia', 'casia1', 'casia2' -> 'CASIA'."""
    return SETS.get(dataset.removeprefix("sim-"), dataset)


def ncl_ablation():
    """NCL Tables 1, 2 and 5 under the ablation's names: rows of Base and its additions, trained on one set or on all."""
    whole = table("ncl", 1).query("method == 'ours (NCL)'").assign(note="paper's value from Table 1")
    whole["train_set"] = whole["test_set"]
    cross = table("ncl", 2).query("method.str.startswith('ours')")
    cross = cross.assign(train_set=cross["train_set"].replace({"CASIAv2": "CASIA", r"All .*": "all"}, regex=True))
    found = [table("ncl", 5), whole.assign(method="Base+Pivot+PC"), cross.assign(method="Base+Pivot+PC")]
    return pd.concat(found, ignore_index=True).drop_duplicates(["method", "train_set", "test_set", "metric"])


def ncl_robustness():
    """NCL Table 3, the whole method, with a column `attack` in the names of `imdlib.data.attacks`.

    The two JPEG rows are exchanged: the other methods' values of the row printed as 50 are those of quality 100.
    """
    words = {"Resize": "resize", "GaussianBlur": "blur", "GaussianNoise": "noise", "JPEGCompress": "jpeg"}
    rows = table("ncl", 3).query("method == 'Ours'").assign(method="Base+Pivot+PC", train_set="NIST16")
    found = rows["note"].str.extract(r"attack=(\w+)(?:\((?:\w+=)?([\d.]+)x?\))?")
    strength = found[1].where(found[0] != "JPEGCompress", found[1].map({"50": "100", "100": "50"}))
    return rows.assign(attack=(found[0].replace(words) + " " + strength).where(found[0] != "None", "none"))


def ncl_backbones():
    """NCL Table 4: ObjectFormer without and with NCL as 'ViT' and 'ViT+NCL', trained and tested on one set."""
    names = {"ObjectFormer": "ViT", "ObjectFormer(with NCL appended)": "ViT+NCL"}
    rows = table("ncl", 4).query("method in @names")
    return rows.assign(
        method=rows["method"].map(names), train_set=rows["test_set"], note="paper: ObjectFormer, pre-trained"
    )


def ncl_hooks():
    """NCL Table 6: the method column holds our feature names; blocks 1, 2 and 5 are read as stem, layer1 and layer4."""
    names = {"1": "stem", "2": "layer1", "5": "layer4"}
    rows = table("ncl", 6)
    return rows.assign(method=rows["method"].str[-1].map(names), train_set="CASIA", test_set="CASIA", note="")


def inr_unsupervised():
    """INR Table 1: 'self-distillation', trained on CASIA without labels, and the training-free methods (train_set 'none')."""
    return inr_table(1, {"Ours": "self-distillation"})


def inr_weak():
    """INR Table 2: Baseline, WSCL and the whole method, trained on the image labels of CASIA v2."""
    return inr_table(2, {"FCN": "Baseline", "Ours": "Baseline+NRR+SCL+AGAP"})


def inr_novel():
    """INR Table 3, edits by generative models: the rows of Table 2 and methods with pixel masks and other training sets."""
    return inr_table(3, {"FCN": "Baseline", "Ours": "Baseline+NRR+SCL+AGAP"})


def inr_components():
    """INR Table 4: the ablation under our variants' names."""
    return inr_table(4, {"Baseline (FCN)": "Baseline"}).assign(note="")


def inr_selection():
    """INR Table 5: 'self-distillation' with and without the selection of pseudo-labels."""
    names = {"w/ PLS": "self-distillation", "w/o PLS": "self-distillation, without selection"}
    return inr_table(5, names).assign(note="")


def inr_pooling():
    """INR Table 6: the method column holds names of `imdlib.inr.pooling`. 'otsu', which the table lacks, is the row of
    Table 4 without adaptive pooling: its numbers are those of no pool in Table 6, see `imdlib.inr.variants`.
    """
    names = {
        "Global-Max Pooling": "max",
        "Global-Average Pooling": "average",
        "Generalized Mean Pooling": "gem",
        "Global Smooth Pooling": "smooth",
        "Adaptive Global-Average Pooling (Ours)": "adaptive",
    }
    without = inr_components().query("method == 'Baseline+NRR+SCL'")
    without = without.assign(method="otsu", note="paper's Table 4, the row without AGAP, read as Otsu's pool")
    return pd.concat([inr_table(6, names).assign(note=""), without], ignore_index=True)


def inr_table(number, names):
    """An INR table with methods renamed, data sets as in `SETS` and metrics as in our tables."""
    rows = table("inr", number)
    sets = {name: rows[name].replace(INR_SETS) for name in ("train_set", "test_set")}
    return rows.assign(method=rows["method"].replace(names), metric=rows["metric"].map(INR_METRICS), **sets)


def bridge_sizes():
    """Bridging Table 1: images per data set, metric 'real', 'partly fake' or 'fully fake'; local fakes of both origins are added up."""
    classes = {"authentic": "real", "tampered": "partly fake", "full fake (DMs)": "fully fake"}
    classes |= dict.fromkeys(["local fake (DMs)", "local fake (others)"], "partly fake")
    rows = table("bridge", 1)
    rows = rows.assign(metric=rows["metric"].str.removeprefix("image count: ").map(classes)).dropna(subset="metric")
    return rows.groupby(["test_set", "metric"], sort=False)["value"].sum().reset_index()


def bridge_detection():
    """Bridging Table 2, trained on Dolos-repaint-P2, by what its columns stand for: images of the trained generator and, as a
    mean, of LaMa, LDM and Pluralistic, which were not trained on. P2 made whole images by the model that repaint-P2 is.
    """
    columns = {
        "Dolos-repaint-P2": ("partly fake: trained generator", "paper: Dolos-repaint-P2"),
        "Dolos-P2": ("fully fake: trained generator", "paper: Dolos-P2"),
    }
    unseen = ("partly fake: mean of unseen generators", "paper: mean of Dolos-LaMa, -LDM and -Pluralistic")
    rows = table("bridge", 2)
    known = pd.DataFrame([columns.get(name, unseen) for name in rows["test_set"]], columns=["test_set", "note"])
    rows = rows[["method", "train_set", "metric", "value"]].join(known)
    return rows.groupby(["method", "train_set", "test_set", "metric", "note"], sort=False)["value"].mean().reset_index()


def bridge_drops():
    """What Bridging Table 2 loses from the trained generator to the mean of the unseen ones, partly fake images, F1."""
    value = bridge_detection().pivot(index="method", columns="test_set", values="value")
    lost = value["partly fake: trained generator"] - value["partly fake: mean of unseen generators"]
    named = dict(test_set="partly fake", metric="F1", note="paper: Dolos-repaint-P2 minus the mean of three generators")
    return lost.rename("value").reset_index().assign(**named)


def beside(paper, scores):
    """Published rows renamed to the data sets of `scores` (`train_set, dataset`), so that they can be set beside ours.

    The embedded twins take the numbers of the set that they imitate: to be read as "what the paper reports on the real one".
    """
    found = []
    for train_set, test_set in scores[["train_set", "dataset"]].drop_duplicates().itertuples(index=False):
        same = (paper["train_set"] == paper_name(train_set)) & (paper["test_set"] == paper_name(test_set))
        found.append(paper[same].assign(train_set=train_set, test_set=test_set))
    return pd.concat(found, ignore_index=True)


def on_test_sets(paper, scores):
    """Published rows renamed to the test sets of `scores` (`dataset`) whatever they were trained on: for studies whose one
    training set is not ours. `train_set` is left out, so that `tables.rows` matches method, test set and metric alone.
    """
    found = [paper[paper["test_set"] == paper_name(name)].assign(test_set=name) for name in scores["dataset"].unique()]
    return pd.concat(found, ignore_index=True).drop(columns="train_set")
