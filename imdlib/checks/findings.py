"""Checks of a data set: what was found and expected, everything that is wrong with it, and a verdict.

A check's state is "ok", "partial" (fewer images than the whole set has, which is no fault), "repaired" (a known defect
that the reader mended or left out), "reservation" (usable, but results have to be read with it), "fails", or "not
checked" where the set does not allow it.
"""

from collections.abc import Iterable
from pathlib import PurePath

import numpy as np
import pandas as pd

from imdlib import data as datasets
from imdlib.checks import polarity, resemblance, shortcuts
from imdlib.data import catalog
from imdlib.data.catalog import MOSTLY, CatalogError
from imdlib.data.readers.joins import unknown_images

DEFECTS = ["file", "problem", "expected", "action"]
# images of the whole set: (authentic, tampered); None where no exact number is published
EXPECTED = {
    "casia1": (800, 920),
    "casia2": (7491, 5123),
    "columbia": (183, 180),
    "coverage": (100, 100),
    "nist16": (0, 564),
    "imd2020": (414, 2010),
    "gier": (None, 6179),
    "magicbrush": (None, 10388),
    "artifact": (964989, 1531749),
    "cifake": (60000, 60000),
}
SHORTCUT = 0.6  # image AUC from the files' form alone; above it an image-level result may be of the form


def load(dataset: str, data: str = "", *, count: int = 1000, size: int = 128) -> pd.DataFrame:
    """The manifest of a data set, sound or not: what is wrong is in `catalog.problems`, and no row may be left.

    Arguments as of `imdlib.data.manifest_of`. Not `load`, which hides who read it: what readers say is what is looked at here.
    """
    try:
        return datasets.manifest_of(dataset, data, count=count, size=size, on_error="skip")
    except CatalogError as error:
        manifest = pd.DataFrame(columns=catalog.COLUMNS).astype({"label": int})
        said = [vars(problem) for problem in error.problems]
        manifest.attrs["problems"] = said or [dict(zip(DEFECTS, (data or dataset, str(error), "the data set", "")))]
        return manifest


def held(manifest: pd.DataFrame) -> pd.DataFrame:
    """What a data set holds: `split, label, kind, images, masks`, a row per split and kind of image."""
    groups = manifest.groupby(["split", "label", "kind"])
    return groups.agg(images=("image", "size"), masks=("mask", lambda paths: int((paths != "").sum()))).reset_index()


def counts(manifest: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Usable images against those of the whole set: DataFrame `images, found, expected, state`, one row per label."""
    rows = []
    found = manifest["label"].value_counts()
    for label, name, expected in zip((0, 1), ("authentic", "tampered"), EXPECTED.get(dataset, (None, None))):
        here = int(found.get(label, 0))
        state = "ok" if here == expected else "partial" if here < (expected or 0) else "reservation"
        state = "not checked" if expected is None else state
        rows.append((name, here, "no number published" if expected is None else expected, state))
    return pd.DataFrame(rows, columns=["images", "found", "expected", "state"])


def defects(manifest: pd.DataFrame, facts: pd.DataFrame, large_masks: bool = False) -> pd.DataFrame:
    """Everything that keeps a file from being used: DataFrame with the columns DEFECTS, empty if all is well.

    What the reader refused, what cannot be decoded, masks that do not fit or are empty, and masks of more than MOSTLY
    of their image, which look inverted, unless `large_masks` says that they are meant.
    """
    tables = [catalog.problems(manifest), facts.loc[facts["problem"] != "", DEFECTS]]
    masked = manifest.join(facts)[facts["mask_height"] > 0]
    misfit = masked[(masked["mask_height"] != masked["height"]) | (masked["mask_width"] != masked["width"])]
    rows = [
        (r.mask, f"a mask of {r.mask_width}x{r.mask_height} pixels", f"{r.width}x{r.height}", "read the set again")
        for r in misfit.itertuples()
    ]
    rows += [
        (mask, "an empty mask", "tampered pixels in a tampered image", "leave the image out")
        for mask in masked.loc[masked["fraction"] == 0, "mask"]
    ]
    rows += [
        (r.mask, f"{100 * r.fraction:.0f}% of the image is tampered", f"at most {100 * MOSTLY:.0f}%", action)
        for r in masked[masked["fraction"] > MOSTLY].itertuples()
        for action in ["look at it: its polarity may be inverted; large_masks=True accepts it"] * (not large_masks)
    ]
    return pd.concat([*tables, pd.DataFrame(rows, columns=DEFECTS)], ignore_index=True)


def repairs(manifest: pd.DataFrame) -> pd.DataFrame:
    """What the reader mended or noted: DataFrame `file, note`."""
    noted = manifest.loc[manifest["note"] != "", ["image", "note"]].set_axis(["file", "note"], axis=1)
    return noted.reset_index(drop=True)


def accounted(manifest: pd.DataFrame) -> tuple[str, str]:
    """(state, what was found) of the files that were looked at and left out."""
    left = catalog.left_out(manifest)
    odd = unknown_images(left.itertuples(index=False))
    found = f"{len(left)} files or folders left out" + f", {odd} of them images of no known name or place" * bool(odd)
    return "reservation" if odd else "ok", found


def findings(
    dataset: str,
    manifest: pd.DataFrame,
    *,
    facts: pd.DataFrame,
    wrong: pd.DataFrame,
    pairs: pd.DataFrame,
    masks: pd.DataFrame,
    form: pd.DataFrame,
) -> pd.DataFrame:
    """One row per check: DataFrame `check, state, found`.

    facts: of `facts.measure`; wrong: of `defects`; pairs: of `resemblance.leaks`; masks: of
    `resemblance.changed_masks`; form: of `shortcuts.predictors`.
    """
    number = counts(manifest, dataset)
    masked, twice = int((manifest["mask"] != "").sum()), resemblance.leaked(pairs)
    mended, off = repairs(manifest), masks[~masks["reading"].isin(["fits", "no change found"])]
    tests = int((manifest["split"] == "test").sum())
    kinds = ", ".join(f"{r.found} {r.images} of {r.expected}" for r in number.itertuples())
    split_scenes = manifest.groupby("scene")["split"].nunique() if len(manifest) else pd.Series(dtype=int)
    auc = form.loc[form["predictor"] != shortcuts.NAMES["density"], "auc"].max() if len(form) else np.nan
    across = int((pairs["dataset"] != pairs["other_dataset"]).sum())
    between = f", {across} of them between data sets" * (manifest["dataset"].nunique() > 1)
    told = f"best image AUC {auc:.2f} without the picture"
    if np.isnan(auc):
        told = "one class only, or too few images" if form.empty else "formats, tables and sizes are all alike"
    rows = [
        ("images", worst(number["state"]) if dataset in EXPECTED and len(manifest) else "not checked", kinds),
        ("files, pairs, sizes, polarity", "fails" if len(wrong) else "ok", f"{len(wrong)} defects"),
        ("known defects", "repaired" if len(mended) else "ok", f"{len(mended)} files with a note"),
        ("every file accounted for", *accounted(manifest)),
        ("polarity of the whole set", *polarity.polarity(facts, masks)),
        (
            "masks against originals",
            "not checked" if masks.empty else "reservation" if len(off) else "ok",
            f"{len(off)} of {len(masks)} masks lie elsewhere than the change; {masked - len(masks)} masks of images "
            "without an original in the set cannot be checked",
        ),
        (
            "scenes across splits",
            "reservation" if (split_scenes > 1).any() else "ok",
            f"{int((split_scenes > 1).sum())} scenes in more than one split",
        ),
        (
            "near-duplicates across splits and sets",
            "reservation" if len(pairs) else "ok",
            f"{len(pairs)} pairs{between}; {twice} of {tests} test images resemble one of training or validation",
        ),
        (
            "label from the files' form",
            "not checked" if form.empty else "reservation" if auc > SHORTCUT else "ok",
            told,
        ),
    ]
    return pd.DataFrame(rows, columns=["check", "state", "found"])


def worst(states: Iterable[str]) -> str:
    """The state of a check that has several."""
    order = ["fails", "reservation", "repaired", "partial", "not checked", "ok"]
    return min(states, key=order.index)


def verdict(found: pd.DataFrame, manifest: pd.DataFrame, wrong: pd.DataFrame, most: int = 3) -> str:
    """One line of Markdown: ready, ready with repairs, or not usable and why. found: of `findings`."""
    if manifest.empty or len(wrong):
        why = "; ".join(f"{short(r.file)}: {r.problem}" for r in wrong.head(most).itertuples())
        more = f"; and {len(wrong) - most} more, listed below" if len(wrong) > most else ""
        return f"**Not usable** as it lies, {len(wrong)} defect{'s' * (len(wrong) != 1)}: {why}{more}."
    said = {state: found[found["state"] == state] for state in ("repaired", "reservation")}
    mended, kept = ("; ".join(f"{r.check}: {r.found}" for r in part.itertuples()) for part in said.values())
    head = f"**Ready with repairs.** {mended}." if mended else "**Ready.**"
    return head + (f" Read every result with this: {kept}." if kept else "")


def refuse(dataset: str, wrong: pd.DataFrame) -> None:
    """Raise the CatalogError that stops what depends on the set, where anything is wrong with it."""
    if len(wrong):
        raise CatalogError([catalog.Problem(**row) for row in wrong.to_dict("records")], dataset)


def short(file: PurePath | str) -> str:
    """A file's name without its folders."""
    return PurePath(str(file)).name
