"""Determinism: what the same seed gives twice, and how far threads, devices and scoring batches move it.

As a command: python -m benchmarks.faults.determinism <csv>
"""

import sys
import tempfile

import pandas as pd
import torch

from imdlib import data as datasets
from imdlib import parameters, train
from imdlib.data.batches import ImageSet
from imdlib.ncl import networks
from imdlib.ncl.losses import total_loss
from imdlib.ncl.model import tampered_probability
from imdlib.scoring import evaluate, metrics
from imdlib.training.settings import Settings

# (what is changed, what is compared, largest difference that is taken for the same); the first has to be 0, bit for bit
TOLERANCES = {
    ("nothing", "weights"): 0.0,
    ("nothing", "scores"): 0.0,
    ("threads: 2", "loss of the first epoch, relative"): 1e-4,
    ("devices: 2", "loss of the first epoch, relative"): 1e-4,
    ("devices: 2", "update of one step, relative"): 1e-3,
    ("scoring batches of 1, not 16", "probability in a map"): 1e-4,
    ("scoring batches of 1, not 16", "auc and auc_shuffled"): 1e-4,
    ("scoring with 2 threads", "probability in a map"): 1e-4,
}


def trained(folder, images, *, threads=1, devices=1, epochs=2, **more):
    """(history, network, update of its weights) of a small NCL training in float32."""
    p = parameters.declared("ncl/run") | {"crop": 48, "precision": "32-true", "accelerator": "cpu"} | more
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = networks.build(p)
    before = flat(model)
    loss = lambda outputs, mask: total_loss(outputs, mask, pivot=model.pivot, max_pos=64, max_neg=128)  # noqa: E731
    history = train.fit(
        model, loss, images, folder, Settings.of(p, epochs=epochs), optimizer=p["optimizer"], devices=devices
    )
    torch.set_num_threads(1)
    return history, model, flat(model) - before


def flat(model):
    """All of a network's state in one vector."""
    return torch.cat([value.detach().flatten().double() for value in model.state_dict().values()])


def scored(model, images, *, batch_size=16, threads=1):
    """(rows, {name: maps}) of test images."""
    torch.set_num_threads(threads)
    probability = lambda outputs: tampered_probability(outputs["logits"])  # noqa: E731
    how = dict(probability=probability, batch_size=batch_size)
    locations = metrics.mask_locations([mask[0].numpy() for _, mask in images.samples()])
    rows, _ = evaluate.score(model, images, locations=locations, **how)
    maps = {index: prob for index, prob, _ in evaluate.predict(model, images, **how)}
    torch.set_num_threads(1)
    return rows, maps


def measured():
    """{(what is changed, what is compared): largest difference}."""
    manifest = datasets.load("sim-casia", count=60, size=64).query("label == 1")
    learned = ImageSet(manifest[manifest["split"] == "train"], crop=48, flips=True)
    tested = ImageSet(manifest[manifest["split"] == "test"])
    eight = ImageSet(manifest[manifest["split"] == "train"].head(8), crop=48)
    with tempfile.TemporaryDirectory() as folder:
        place = iter(range(100))
        run = lambda images=learned, **more: trained(f"{folder}/{next(place)}", images, **more)  # noqa: E731
        (_, model, _), again = run(), run()
        step = dict(images=eight, epochs=1, optimizer="sgd", learning_rate=0.1)
        first, other = run(**step)[2], run(**step, devices=2)[2]
        how = {"one": {}, "threads": {"threads": 2}, "devices": {"devices": 2}}
        firsts = {name: run(epochs=1, **more)[0]["loss"][0] for name, more in how.items()}
    (rows, maps), (same, _) = scored(model, tested), scored(again[1], tested)
    (one_rows, one), (_, two) = scored(model, tested, batch_size=1), scored(model, tested, threads=2)
    columns, loss = ["auc", "auc_shuffled"], firsts["one"]
    found = [
        (flat(model) - flat(again[1])).abs().max().item(),
        0.0 if rows.equals(same) else 1.0,
        abs(firsts["threads"] - loss) / loss,
        abs(firsts["devices"] - loss) / loss,
        ((first - other).norm() / first.norm()).item(),
        apart(maps, one),
        (rows.set_index("image")[columns] - one_rows.set_index("image")[columns]).abs().max().max(),
        apart(maps, two),
    ]
    return dict(zip(TOLERANCES, found, strict=True))


def apart(maps, others):
    """Largest difference between maps of the same images."""
    return max(float(abs(maps[index] - others[index]).max()) for index in maps)


def work():
    """A row per comparison: changed, compared, difference, tolerance, held."""
    rows = [
        {"changed": changed, "compared": compared, "difference": value, "tolerance": TOLERANCES[changed, compared]}
        for (changed, compared), value in measured().items()
    ]
    return pd.DataFrame(rows).assign(held=lambda found: found["difference"] <= found["tolerance"])


if __name__ == "__main__":
    work().to_csv(sys.argv[1], index=False, float_format="%.2g")
