"""NCL's own numbers, transcribed with notes in `table<N>.csv`, under the names of our methods and data sets."""

from importlib.resources import files

import pandas as pd

from imdlib.pages.published import read

FOLDER = files(__name__)


def ablation() -> pd.DataFrame:
    """NCL Tables 1, 2 and 5 under the ablation's names: rows of Base and its additions, trained on one set or on all."""
    whole = read(FOLDER, 1).query("method == 'ours (NCL)'").assign(note="paper's value from Table 1")
    whole["train_set"] = whole["test_set"]
    cross = read(FOLDER, 2).query("method.str.startswith('ours')")
    cross = cross.assign(train_set=cross["train_set"].replace({"CASIAv2": "CASIA", r"All .*": "all"}, regex=True))
    found = [read(FOLDER, 5), whole.assign(method="Base+Pivot+PC"), cross.assign(method="Base+Pivot+PC")]
    return pd.concat(found, ignore_index=True).drop_duplicates(["method", "train_set", "test_set", "metric"])


def hand_crafted() -> pd.DataFrame:
    """NCL Table 1: ELA, NOI and CFA (of Ferrara et al.), train_set 'none'.

    Measured on CASIA v1 by independent implementations, its F1 is that of each image's best threshold: it stands there.
    """
    rows = read(FOLDER, 1).query("train_set == 'none (hand-crafted)'")
    named = rows.assign(method=rows["method"].replace({"CFA": "CFA1"}), train_set="none")
    return named.assign(metric=named["metric"].replace({"pixel F1": "best F1"}))


def crossed() -> pd.DataFrame:
    """NCL Table 2: MVSS-Net, trained on CASIA v2 and tested on every set."""
    return read(FOLDER, 2).query("method == 'MVSS-Net'").assign(train_set="CASIA")


def robustness() -> pd.DataFrame:
    """NCL Table 3, the whole method, with a column `attack` in the names of `imdlib.data.attacks`.

    The two JPEG rows are exchanged: the other methods' values of the row printed as 50 are those of quality 100.
    """
    words = {"Resize": "resize", "GaussianBlur": "blur", "GaussianNoise": "noise", "JPEGCompress": "jpeg"}
    rows = read(FOLDER, 3).query("method == 'Ours'").assign(method="Base+Pivot+PC", train_set="NIST16")
    found = rows["note"].str.extract(r"attack=(\w+)(?:\((?:\w+=)?([\d.]+)x?\))?")
    strength = found[1].where(found[0] != "JPEGCompress", found[1].map({"50": "100", "100": "50"}))
    return rows.assign(attack=(found[0].replace(words) + " " + strength).where(found[0] != "None", "none"))


def backbones() -> pd.DataFrame:
    """NCL Table 4: ObjectFormer without and with NCL as 'ViT' and 'ViT+NCL', trained and tested on one set."""
    names = {"ObjectFormer": "ViT", "ObjectFormer(with NCL appended)": "ViT+NCL"}
    rows = read(FOLDER, 4).query("method in @names")
    return rows.assign(
        method=rows["method"].map(names), train_set=rows["test_set"], note="paper: ObjectFormer, pre-trained"
    )


def hooks() -> pd.DataFrame:
    """NCL Table 6: the method column holds our feature names; blocks 1, 2 and 5 are read as stem, layer1 and layer4."""
    names = {"1": "stem", "2": "layer1", "5": "layer4"}
    rows = read(FOLDER, 6)
    return rows.assign(method=rows["method"].str[-1].map(names), train_set="CASIA", test_set="CASIA", note="")
