"""Data: from files on disk to a manifest, one row per image, and from a manifest to batches."""

from pathlib import Path

import pandas as pd


def load(dataset: str, data: str = "", **shape: int) -> pd.DataFrame:
    """`manifest_of` a sound data set, as notebooks that train ask for it: to them it is known by its contents, whoever read it."""
    return manifest_of(dataset, data, **shape)


def manifest_of(
    dataset: str, data: str = "", *, count: int = 1000, size: int = 128, seed: int = 1, on_error: str = "raise"
) -> pd.DataFrame:
    """The manifest of a data set by name.

    An embedded twin ('sim-casia', 'sim-dolos-nearest', ...) is built when it is missing, with `count` images of `size` x `size` pixels;
    a real set is looked for in the folder `data` (its own folder, or one that holds several sets; a relative path counts from the
    repository, wherever the notebook was started, and `~` is the home folder). 'folder:<name>' is the plain folder <name> in it;
    'cameras' is made of photographs when it is first asked for. Of sets made by several generators, one is asked for by name
    ('dolos-lama': its images and the authentic ones), and of 'cameras' one form ('cameras-png', 'cameras-jpeg'). Names joined by
    `+` ('sim-casia+sim-nist16', 'casia1+folder:mine') give the images of all of these sets, each once; the column `generator`, where
    one of them has it, is "" for the others. on_error: as of `imdlib.data.catalog.read`.
    seed: of the twin. The benchmark was designed on seed 0: the strength of its traces and the settings of the networks were chosen
    there. The study runs on another seed, so that no number of a table was chosen on the images that it is computed from.
    """
    from imdlib.data import catalog
    from imdlib.places import REPO
    from imdlib.twins import build

    if "+" in dataset:
        shape = {"count": count, "size": size, "seed": seed}
        return joined([manifest_of(name, data, **shape, on_error=on_error) for name in dataset.split("+")])
    if dataset.startswith("sim-"):
        return catalog.read(dataset, build.build(dataset, count=count, size=size, seed=seed))
    if not data:
        raise catalog.CatalogError(
            f"data set '{dataset}' is not embedded: give its folder, `make study DATA=<folder>` or the parameter `data`. "
            "Without any download, use one of its embedded twins, such as 'sim-casia'."
        )
    return catalog.read(dataset, REPO / Path(data).expanduser(), on_error=on_error)


def joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The images of several manifests, each once, with what their readers noted of files in `attrs`."""
    notes = [part.attrs for part in parts]
    together = pd.concat(parts, ignore_index=True).drop_duplicates("image", ignore_index=True)
    together.attrs = {
        name: [entry for note in notes for entry in note.get(name, [])] for name in ("problems", "excluded", "repaired")
    }
    return together.fillna({"generator": ""}) if "generator" in together else together


def part(manifest: pd.DataFrame, split: str, needs: int | None = None) -> pd.DataFrame:
    """The rows of a split, which must have some; needs: a label of which there must be some among them.

    Raises CatalogError, which says how many images there are of what.
    """
    from imdlib.data.catalog import CatalogError

    rows = manifest[manifest["split"] == split]
    if len(rows if needs is None else rows[rows["label"] == needs]):
        return rows
    what = {None: "", 0: "authentic ", 1: "tampered "}[needs]
    known = manifest.groupby(["split", "label"]).size()
    there = ", ".join(f"{number} {('authentic', 'tampered')[label]} in {one}" for (one, label), number in known.items())
    raise CatalogError(
        f"data set '{'+'.join(manifest['dataset'].unique())}': no {what}image in the split '{split}', which is needed here; it has "
        f"{there or 'no image at all'}. Take another set, or split this one by a column `split` of its images.csv"
    )


def tests(names: list[str], data: str = "", *, needs: int | None = None, **shape: int) -> dict:
    """{data set: rows of its test split} of the named sets, opened one after the other; all but the names: of `load` and `part`."""
    return {name: part(load(name, data, **shape), "test", needs) for name in names}


def identity(dataset: str, data: str = "", *, count: int = 1000, size: int = 128, seed: int = 1) -> str:
    """What a data set is known by, as `load` is asked for it: a run made on one of another identity is outdated.

    Of a twin, which is the same wherever it is built, what it is made by; of a real set its rows and every byte of its files,
    '' where it is not at hand, and what is wrong with it where it cannot be read.
    """
    from imdlib.data import catalog
    from imdlib.freshness import contents
    from imdlib.freshness.sources import digest
    from imdlib.twins.identity import recipe_digest

    if dataset.startswith("sim-"):
        return digest([dataset, count, size, seed, recipe_digest(dataset)])
    try:
        return contents.fingerprint(load(dataset, data)) if data else ""
    except catalog.CatalogError as error:
        return f"cannot be read: {digest(str(error))}"


def identities(names: list[str], data: str = "", **shape: int) -> dict:
    """{data set: identity} of the named sets, each once; names joined by `+` count one by one."""
    single = [one for name in names for one in name.split("+")]
    return {name: identity(name, data, **shape) for name in dict.fromkeys(single)}
