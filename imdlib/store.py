"""Store: tables on disk. One columnar file for what would be a thousand small ones, written in one step and known by its sum.

Fractions are kept with 20 bits (six digits); those that are only ever averaged (MEANS) with 14 (four digits); whole numbers as they are,
and what images are ranked by (`score`, `p_...`), too: near 1 a sigmoid leaves few digits to tell them apart.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

from imdlib.files import replacing, sha256, write_text

MEANS = ("f1", "f1_best", "iou", "auc", "auc_shuffled")  # of the maps of single images
SUMS = "SHA256SUMS"  # read by `sha256sum --check`, too


class DamagedFile(ValueError):
    """A file whose bytes are not those that were written; the message names it and says what to do."""


def write(frame: pd.DataFrame, path: Path | str) -> Path:
    """Write a table as Parquet, the same bytes for the same rows; an older file is replaced in one step."""
    if not frame.columns.is_unique:
        raise ValueError(f"{path}: expected columns of different names, found {list(frame.columns)}")
    numbers = [name for name in frame.select_dtypes("floating") if not counts(frame[name])]
    whole = [name for name in frame if frame[name].dtype == np.int64 and frame[name].abs().max() < 2**31]
    small = {name: rounded(frame[name], bits(name)) for name in numbers} | {
        name: frame[name].astype("int32") for name in whole
    }
    table = pyarrow.Table.from_pandas(frame.assign(**small), preserve_index=False)
    table = table.replace_schema_metadata({b"pandas": table.schema.metadata[b"pandas"]})
    split = [*numbers, *whole]  # byte by byte: the first bytes of neighbours are alike
    options = dict(compression="zstd", compression_level=19, use_byte_stream_split=split)
    options |= dict(use_dictionary=[name for name in frame if name not in split], write_page_checksum=True)
    with replacing(path) as draft:
        pyarrow.parquet.write_table(table, draft, **options)
    return Path(path)


def bits(name: str) -> int:
    """How many of float32's 24 bits a column of fractions keeps."""
    return 14 if name in MEANS else 24 if name == "score" or name.startswith("p_") else 20


def rounded(column: pd.Series, bits: int) -> np.ndarray:
    """A column as float32, its fractions rounded to so many of 24 bits: those that are left at 0 cost nothing on disk."""
    values = column.to_numpy("float32", copy=True)
    part = np.isfinite(values) & (values % 1 != 0)
    rest = 2 ** (24 - bits)  # of the last place
    values[part] = ((values[part].view("int32") + rest // 2) & ~(rest - 1)).view("float32")
    return values


def counts(column: pd.Series) -> bool:
    """Whole numbers that 24 bits do not hold, such as the pixels of a large photo; and what is too large for 32 bits altogether."""
    values = column.dropna().to_numpy("float64")
    values = np.abs(values[np.isfinite(values)])
    largest = values.max(initial=0)
    return bool(largest > np.finfo("float32").max or (largest > 2**24 and (values % 1 == 0).all()))


def read(path: Path | str) -> pd.DataFrame:
    """The table that `write` left; its floating-point columns as float64. Damage to its numbers is noticed here, too."""
    try:
        frame = pyarrow.parquet.read_table(path, page_checksum_verification=True).to_pandas()
    except Exception as error:  # whatever a reader makes of wrong bytes
        if not Path(path).exists():
            raise
        raise DamagedFile(f"{path}: no table can be read from it ({error}); {REMEDY}") from error
    wide = dict.fromkeys(frame.select_dtypes("floating").columns, "float64")
    return frame.astype(wide | dict.fromkeys(frame.select_dtypes("int32").columns, "int64"))


REMEDY = "it is damaged: delete it and run `make study` again, or take it from git"


# ---- sums ----------------------------------------------------------------------------------------------------------


def write_sums(folder: Path | str, names: Iterable[str]) -> Path:
    """Write `<folder>/SHA256SUMS` for the named files in it."""
    lines = [f"{sha256(Path(folder) / name)}  {name}\n" for name in sorted(names)]
    return write_text(Path(folder) / SUMS, "".join(lines))


def sums(folder: Path | str) -> dict:
    """{name: sum} of `<folder>/SHA256SUMS`; DamagedFile where it lists nothing, or cannot be read."""
    listing = Path(folder) / SUMS
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
        found = {name: known for known, name in (line.split("  ", 1) for line in lines if line)}
    except (OSError, ValueError) as error:
        raise DamagedFile(f"{listing}: cannot be read ({error}); {REMEDY}") from error
    if not found:
        raise DamagedFile(f"{listing}: is empty; {REMEDY}")
    return found


def check_sums(folder: Path | str, names: Iterable[str] | None = None) -> None:
    """Raise DamagedFile for the first file in `<folder>/SHA256SUMS` (of `names`, where given) that is not as written."""
    listing, known = Path(folder) / SUMS, sums(folder)
    for name in known if names is None else names:
        if name not in known:
            raise DamagedFile(f"{listing}: has no sum of {name}; {REMEDY}")
        path = Path(folder) / name
        if not path.is_file():
            raise DamagedFile(
                f"{path}: is missing, though {listing} lists it; take it from git, or delete {SUMS} and run `make study`"
            )
        if sha256(path) != known[name]:
            raise DamagedFile(f"{path}: its sum is not that of {listing}; {REMEDY}")
