"""Changed files: a seeded mutation at a time, and what the library makes of it.

As a command in a copy of the project: python -m benchmarks.faults.mutants <empty folder> <count> <seed> <csv>
"""

import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import pandas as pd

from benchmarks.faults import inputs, outputs
from benchmarks.faults.mutations import mutated

PATIENCE = 20  # seconds after which reading one file counts as hanging
BY_NAME, NOTICED, SAME = "refused by name", "noticed as outdated", "accepted, contents unchanged"
SILENT, NAMELESS, HANGS = "accepted with a change and no word", "refused without a name", "hangs"

MAKERS = (
    inputs.photographs,
    inputs.twin,
    inputs.profile,
    outputs.run,
    outputs.kept,
    outputs.checkpoint,
    outputs.features,
)
MAKERS += (inputs.shipped, inputs.papers, inputs.memory)
GOOD, BAD = (BY_NAME, NOTICED, SAME), (SILENT, NAMELESS, HANGS)


class Hangs(BaseException):
    """Reading took longer than PATIENCE."""


def stop(number, frame):
    raise Hangs


def judged(subject, path, before):
    """(outcome, what was said) of looking at a changed file; before: (contents, identity) of the whole one."""
    signal.alarm(PATIENCE)
    try:
        seen, identity = subject.look(path)
    except Hangs:
        return HANGS, ""
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        # files of the project by their place in it; a twin is one whole, named by its folder; a list that says wrong things of
        # images by these images
        names = (str(path), "/".join(path.parts[-2:]), *((str(twin_of(path)),) if "twin" in subject.kind else ()))
        names += (str(path.parent), path.name) if subject.kind == "list of images" else ()
        return (BY_NAME if any(name in said for name in names) else NAMELESS), said + last_line(error)
    finally:
        signal.alarm(0)
    if seen == before[0]:
        return SAME, ""
    return (NOTICED if identity != before[1] else SILENT), ""


def twin_of(path):
    """The folder of the twin that a file belongs to."""
    return path.parent if path.suffix in (".csv", ".txt") else path.parents[1]


def last_line(error):
    """Where an error was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f" [{Path(frame.filename).name}:{frame.lineno}]"


def work(folder, count, seed):
    """A row per mutation: kind, file, mutation, outcome, said. Every file is as it was afterwards."""
    subjects = [subject for make in MAKERS for subject in make(Path(folder) / make.__name__)]
    rows, befores = [], {}
    signal.signal(signal.SIGALRM, stop)
    time.sleep(2.1)  # files that changed just now are not remembered yet: let the memory play its part
    for number in range(count):
        subject = subjects[number % len(subjects)]
        path = subject.files[number // len(subjects) % len(subject.files)]
        whole = path.read_bytes()
        if path not in befores:
            befores[path] = subject.look(path)
        changed, how = mutated(whole, (seed, number), subject.written)
        try:
            path.write_bytes(changed)
            outcome, said = judged(subject, path, befores[path])
        finally:
            path.write_bytes(whole)
        rows.append({"kind": subject.kind, "file": path.name, "mutation": how, "outcome": outcome, "said": said})
    return pd.DataFrame(rows)


def counted(rows):
    """A row per kind of file: how often each outcome came."""
    counts = Counter(zip(rows["kind"], rows["outcome"]))
    kinds = sorted(set(rows["kind"]))
    return pd.DataFrame([{"kind": kind, **{one: counts[kind, one] for one in (*GOOD, *BAD)}} for kind in kinds])


if __name__ == "__main__":
    place, count, seed, target = sys.argv[1:]
    work(place, int(count), int(seed)).to_csv(target, index=False)
