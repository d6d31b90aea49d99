"""Speed: what a card does at best, what training steps get of it, and how many small runs it takes side by side.

python -m benchmarks.gpu.speed [--seconds 120] [--device cuda] [--out file] [--only step ...]. A row per reading, the most useful
first; `what` is one of matrix, step, together, syncs, data, batch, crop, compiled and graph. share: operations of a step
(multiplications and additions, PyTorch's FlopCounterMode) per second, over those of the best matrix product measured on the same card
a moment before.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu import pieces, readings, side_by_side, syncs
from benchmarks.gpu.steps import Set, timed, training
from imdlib.study import profile, settings

LARGE = ("ncl/run paper", "conformer paper")  # whose share of the card counts
COLUMNS = [
    "what",
    "network",
    "notebook",
    "batch",
    "crop",
    "count",
    "value",
    "unit",
    "seconds",
    "share",
    "speedup",
    "memory_mb",
    "note",
]
SIDES = {"cuda": (8192, 16384), "cpu": (512,)}  # of the matrices
BOOKS = ("ncl/run", "inr/nrr", "inr/run", "bridge/run")
SIZE = {"small": {}, "paper": {"bridge/run": {"size": 224, "method": "late"}}}  # TransCAM's crops
REPEATS = 5
KINDS = ("step", "together", "syncs", "data", "batch", "crop", "compiled", "graph")  # of readings beside the matrix


def rows(
    device: str, sizes: dict[str, pieces.Piece], seconds: Callable[[], float], only: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Dicts of COLUMNS. sizes: {'<notebook> small' or '<name> paper': piece}; seconds(): that are left; only: these kinds of `what`
    beside the matrix, which a share needs; none: all.
    """
    rate = max(matrix_rate(side, device) for side in SIDES[device])
    yield dict(what="matrix", network="bf16 product", value=rate / 1e12, unit="TFLOP/s")
    small = {name: piece for name, piece in sizes.items() if name.endswith("small")}
    paper = {name: piece for name, piece in sizes.items() if name not in small}

    def asked(what: str) -> bool:
        return not only or what in only

    for name, piece in small.items() if asked("step") else ():  # what the plan rests on comes first
        yield guarded(of_step, "step", name, piece, device, rate)
    for found in side_by_side.measure(device, min(20.0, seconds() / 3)) if asked("together") else ():
        yield dict(what="together", network="ncl/run small", notebook="ncl/run", unit="steps/s", **found)
    for name, piece in paper.items() if asked("step") else ():
        yield guarded(of_step, "step", name, piece, device, rate)
    for name, piece in small.items() if asked("syncs") else ():
        yield guarded(of_syncs, "syncs", name, piece, device)
    for name, piece in sizes.items() if asked("data") else ():
        if piece.side_name == "crop":  # others train on images that are whole, or on features
            yield guarded(of_data, "data", name, piece, device)
    for name, piece in paper.items():
        for what, one in grown(piece) if name in LARGE else ():
            if asked(what):
                yield guarded(of_step, what, name, one, device, rate)
    for name, piece in sizes.items() if device == "cuda" else ():
        for what in filter(asked, ("compiled", "graph")):
            yield guarded(faster, what, name, piece, device)


def grown(piece: pieces.Piece) -> Iterator[tuple[str, pieces.Piece]]:
    """(what, piece) of larger batches, and of smaller and larger crops."""
    for factor in (2, 4, 8, 16):
        yield "batch", piece.changed(batch_size=factor * piece.params["batch_size"])
    for side in (piece.side // 2, piece.side * 3 // 2 // 32 * 32, 2 * piece.side):
        yield "crop", piece.changed(**{piece.side_name: side})


def guarded(work: Callable, what: str, name: str, piece: pieces.Piece, *more: Any) -> dict[str, Any]:
    """A row of one reading; what does not fit into the memory, or cannot be compiled, is a row that says so."""
    about = dict(what=what, network=name, notebook=piece.notebook, batch=piece.params["batch_size"], crop=piece.side)
    try:
        return about | (work(what, piece, *more) if work is faster else work(piece, *more))
    except (RuntimeError, ValueError) as error:  # no memory left, no graph of it, too small a crop
        return about | dict(note=f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120]}")
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def matrix_rate(side: int, device: str) -> float:
    """Operations per second of a bfloat16 matrix product of random numbers."""
    one, two = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * side**3 / timed(lambda: one @ two, one, REPEATS)


# ---- steps ---------------------------------------------------------------------------------------------------------


def of_step(piece: pieces.Piece, device: str, rate: float) -> dict[str, Any]:
    """Seconds of a step, images per second, achieved share and peak memory."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    step, tensor = training(piece, device)
    with FlopCounterMode(display=False) as counter:
        step()
    seconds = timed(step, tensor, REPEATS if device == "cuda" else 1)
    memory = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else float("nan")
    share, images = counter.get_total_flops() / seconds / rate, piece.turns * piece.params["batch_size"] / seconds
    return dict(value=images, unit="images/s", seconds=seconds / piece.turns, share=share, memory_mb=memory)


def of_syncs(piece: pieces.Piece, device: str) -> dict[str, Any]:
    """How often a step waits for the device, and where; the loop's own look at the loss comes on top."""
    step, _ = training(piece, device)
    step()
    places = syncs.counted(step)
    note = "; ".join(f"{place} x{times}" for place, times in places.most_common(6))
    return dict(value=sum(places.values()) / piece.turns, unit="per step", note=note)


def of_data(piece: pieces.Piece, device: str) -> dict[str, Any]:
    """Seconds that a batch takes, crops and flips and the way to the device, and how much faster it is of a set that lies there."""
    seconds = []
    for place in ("cpu", device):
        images, turns = Set(piece.side * 5 // 4, place), itertools.count()
        seconds.append(timed(lambda: images.batch(piece, device, 0, next(turns)), images.masks, 10 * REPEATS))  # noqa: B023
    value = piece.params["batch_size"] / seconds[0]
    return dict(value=value, unit="images/s", seconds=seconds[0], speedup=seconds[0] / seconds[1])


def faster(what: str, piece: pieces.Piece, device: str) -> dict[str, Any]:
    """How much faster a step is where torch.compile makes the network, or where CUDA graphs replay what it made."""
    plain, tensor = training(piece, device)
    usual = timed(plain, tensor, REPEATS)
    mode = "default" if what == "compiled" else "reduce-overhead"
    step, tensor = training(piece, device, partial(torch.compile, mode=mode))
    began = time.perf_counter()
    seconds = timed(step, tensor, REPEATS)
    note = f"made in {time.perf_counter() - began - (REPEATS + 2) * seconds:.0f} s"
    images = piece.turns * piece.params["batch_size"] / seconds
    return dict(value=images, unit="images/s", seconds=seconds / piece.turns, speedup=usual / seconds, note=note)


def sizes_of(device: str) -> dict[str, pieces.Piece]:
    """What is measured: a step of every training notebook as the profile gpu has it; on a card the papers' own sizes, too."""
    profiles = ("gpu", "paper") if device == "cuda" else ("gpu",)
    found = {}
    for name in profiles:
        values, kind = profile(name), "small" if name == "gpu" else "paper"
        found |= {
            f"{book} {kind}": pieces.of_run(
                book, settings(values, book), settings(values, "inr/nrr"), **SIZE[kind].get(book, {})
            )
            for book in BOOKS
        }
        if kind == "paper":
            conformer = settings(values, "bridge/run") | {"method": "transcam"}
            found["conformer paper"] = pieces.of_run("bridge/run", conformer, **SIZE[kind]["bridge/run"])
    return dict(sorted(found.items(), key=lambda one: one[0] not in LARGE))


def main(arguments: list[str] | None = None) -> None:
    parser = readings.parser(__doc__)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=[], help="these kinds of reading alone")
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.seconds
    found = rows(options.device, sizes_of(options.device), lambda: until - time.monotonic(), options.only)
    readings.collected(found, COLUMNS, options, "%.4g")


if __name__ == "__main__":
    main()
