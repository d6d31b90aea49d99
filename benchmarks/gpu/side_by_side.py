"""Side by side: how many small runs a card takes at once, by the steps that 1, 2, 4, 8 of them make together in a second.

Small steps are bound by launches, not by arithmetic, so that several processes fill one card. A step is the whole of it: crops and
flips on the processor, the way to the device, forward, loss, backward, optimizer.
"""

import multiprocessing
import os
import time
from collections.abc import Iterator

import torch

from benchmarks.gpu import pieces
from benchmarks.gpu.steps import Set, network
from imdlib.study import profile, settings

COUNTS = {"cuda": (1, 2, 4, 8, 12), "cpu": (1, 2)}
WAIT = 90.0  # seconds for processes to begin: imports, a context on the card, kernels chosen
NOTEBOOK = "ncl/run"


def small() -> pieces.Piece:
    """The step that is measured: NCL's as the profile gpu has it."""
    return pieces.of_run(NOTEBOOK, settings(profile("gpu"), NOTEBOOK))


def measure(device: str, seconds: float) -> Iterator[dict[str, float]]:
    """Dicts of count, value (steps a second of all together) and speedup (against one); as many seconds in all, after the start."""
    cores = len(os.sched_getaffinity(0))
    counts = [count for count in COUNTS[device] if count <= cores]
    spawned = multiprocessing.get_context("spawn")
    active, made = spawned.Value("i", 0), spawned.Array("q", max(counts))
    ready = spawned.Semaphore(0)
    workers = [
        spawned.Process(target=work, args=(device, number, active, made, ready), daemon=True)
        for number in range(max(counts))
    ]
    for one in workers:
        one.start()
    try:
        if not all(ready.acquire(timeout=WAIT) for _ in workers):
            return
        alone = 0.0
        for count in counts:
            active.value = count
            time.sleep(0.2 * seconds / len(counts))
            before, began = sum(made), time.perf_counter()
            time.sleep(0.8 * seconds / len(counts))
            rate = (sum(made) - before) / (time.perf_counter() - began)
            alone = alone or rate
            yield dict(count=count, value=rate, speedup=rate / alone if alone else float("nan"))
    finally:
        for one in workers:
            one.terminate()
            one.join()


def work(device: str, number: int, active, made, ready) -> None:
    """Steps while fewer than `active` processes stand before this one; made[number] counts them."""
    pieces.quiet()
    torch.set_num_threads(1)
    piece = small()
    step = network(piece, device)
    images = Set(piece.side, "cpu")
    for turn in range(10**9):
        if turn == 3:
            ready.release()
        while turn >= 3 and number >= active.value:
            time.sleep(0.01)
        step(*images.batch(piece, device, number, turn))
        if device == "cuda":
            torch.cuda.synchronize()
        made[number] += 1
