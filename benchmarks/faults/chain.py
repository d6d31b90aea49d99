"""A chain from data to a table with the library's own steps, small enough to be killed fifty times.

It is what the notebooks do one after another: a twin is built, features are cached, a network trains, its images are scored,
the run is kept in columnar files, a table is drawn and the page is stamped.
"""

import hashlib
import os
from functools import partial
from pathlib import Path

from imdlib import archive, parameters, runs, store, train
from imdlib import data as datasets
from imdlib.bridge.towers import cache, standin
from imdlib.data.batches import ImageSet
from imdlib.files import write_text
from imdlib.ncl import networks
from imdlib.ncl.losses import total_loss
from imdlib.ncl.model import tampered_probability
from imdlib.pages import report, tables
from imdlib.scoring import evaluate
from imdlib.training.settings import Settings

PHASES = ("data", "features", "training", "scores", "kept", "page", "done")
EPOCHS = 6
TIMED = (
    "contents/",
    "stamp.json",
    "history.parquet",
    "runs.parquet",
    "SHA256SUMS",
    "epochs.txt",
    "log.txt",
)  # hold seconds


def chain(folder, say):
    """From nothing, or from what a killed one left in `folder`, to the page; say(phase) is called as each begins."""
    os.environ["IMDLIB_CACHE"] = str(folder / "cache")
    shape = dict(count=24, size=48)
    say("data")
    manifest = datasets.load("sim-casia", **shape)
    say("features")
    cache.extract(standin.stand_in(48), manifest["image"].tolist(), batch_size=4, progress=False)
    say("training")
    p = (
        parameters.declared("ncl/run")
        | shape
        | {"results": str(folder), "variant": "base", "crop": 32, "batch_size": 4}
    )
    record = runs.open_run("ncl", "one", "ncl/run", p, data=datasets.identities(["sim-casia"], **shape))
    if not record.finished:
        finish(record, manifest[manifest["label"] == 1], p, folder, say)
    say("kept")
    asked = {"one": runs.key_of(record.needs)}  # as a report's notebook does: what was kept before is not looked at
    archive.keep(folder, "ncl", asked)
    say("page")
    _, found = archive.gather(folder, "ncl", asked)
    rows = tables.rows(found["scores"].assign(method="base", train_set="sim-casia", seed=0))
    tables.save(rows, folder / "ncl", "table1", "A table")
    report.stamp(write_text(folder / "ncl" / "report.html", rows.to_html()), {"uses": record.needs["data"]})
    say("done")


def finish(record, tampered, p, folder, say):
    """Train, score, and finish the run."""
    learned = ImageSet(tampered[tampered["split"] != "test"], crop=p["crop"], flips=True)
    model = networks.build(p)
    loss = partial(total_loss, variant=p["variant"])

    def validate(network):
        with open(folder / "epochs.txt", "a") as file:  # one line for every epoch that was trained to its end
            file.write("trained\n")
        return {}

    settings = Settings.of(p, epochs=EPOCHS, precision="32-true")
    history = train.fit(model, loss, learned, record.folder, settings, optimizer="adamw", validate=validate)
    say("scores")
    tested = ImageSet(tampered[tampered["split"] == "test"])
    probability = lambda outputs: tampered_probability(outputs["logits"])  # noqa: E731
    rows, pictures = evaluate.score(model, tested, probability=probability, examples=3)
    record.finish(model=model, tables={"scores": rows.assign(attack="none"), "history": history}, pictures=pictures)


def left(folder):
    """{file: sum} of all that a chain leaves, and the history without its seconds; times and what rests on them left out."""
    folder, found = Path(folder), {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)  # of killed writers, swept later
        if not hidden and not any(word in name for word in TIMED):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    history = store.read(folder / "ncl" / "runs" / "one" / "history.parquet").drop(columns="seconds")
    return found | {"history": history.to_csv()}
