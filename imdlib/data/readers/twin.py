"""The embedded twins of the real sets, as `imdlib.twins.build.build` leaves them."""

from pathlib import Path

import pandas as pd

from imdlib.data.readers.build import COLUMNS
from imdlib.data.readers.common import CatalogError, Problem, refuse

FILE = "manifest.csv"


def twin(root: Path, dataset: str) -> pd.DataFrame:
    """The manifest of a built twin, its paths made absolute:

    <dataset>-<count>x<size>-seed<seed>/
        manifest.csv    the columns of the manifest, paths relative to the folder
        images/ masks/  one file each
    """
    if not (root / FILE).is_file():
        raise refuse(root, dataset, f"a folder made by imdlib.twins.build.build('{dataset}'), with {FILE}")
    manifest = pd.read_csv(root / FILE, keep_default_na=False, dtype={"label": int, "scene": str})
    lacking = [name for name in COLUMNS if name not in manifest]
    if lacking or not manifest["dataset"].eq(dataset).all():
        came = f"lacks the columns {', '.join(lacking)}" if lacking else f"is of '{manifest['dataset'].iloc[0]}'"
        raise CatalogError([Problem(str(root / FILE), came, f"the manifest of '{dataset}'", "build it again")], dataset)
    for column in ("image", "mask"):
        manifest[column] = [str(root / name) if name else "" for name in manifest[column]]
    names = {str(path) for folder in (root / "images", root / "masks") for path in folder.glob("*")}
    missing = [name for name in [*manifest["image"], *manifest["mask"]] if name and name not in names]
    if missing:
        action = "delete the folder and build it again"
        raise CatalogError([Problem(m, "is missing", f"a file named in {FILE}", action) for m in missing], dataset)
    return manifest
