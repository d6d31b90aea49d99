"""Readings: what is measured for so many seconds, written after every row, so that a cut keeps what was read."""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.gpu import pieces


def parser(about: str) -> argparse.ArgumentParser:
    """Of a command line with seconds, device and out."""
    found = argparse.ArgumentParser(description=about.splitlines()[0])
    found.add_argument("--seconds", type=float, default=120.0)
    found.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    found.add_argument("--out", default="", help="csv that the rows are written to")
    return found


def collected(
    rows: Iterable[dict[str, Any]], columns: Sequence[str], told: argparse.Namespace, digits: str
) -> list[dict[str, Any]]:
    """Rows until the seconds of `options` are over, each of them written at once; the one that is being read is waited for."""
    pieces.quiet()
    until, found = time.monotonic() + told.seconds, []
    for row in rows:
        found.append(row)
        if told.out:
            pd.DataFrame(found, columns=columns).to_csv(Path(told.out), index=False, float_format=digits)
        if time.monotonic() > until:
            print(f"time is over: {len(found)} rows, the rest is left out")
            break
    return found
