"""False alarms: how often claims of a study would be called clear if nothing were true, by two intervals.

python -m benchmarks.alarms [results/night results/real]: for each headline the spread of its effect between images, between seeds and of
single rows is taken from the rows that are there; with these spreads and no effect, so many studies are drawn, and the share whose 95%
interval leaves out 0 is counted, of a bootstrap over images and seeds, and of Student's t as claims use it. Writes
results/bench/alarms/<profile>.csv: id, images, seeds, share (of the variance of the effect that is the seeds'), bootstrap, student.
"""

import argparse
import importlib
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from imdlib.places import REPO, results_folder
from imdlib.protocol import verdicts
from imdlib.scoring import intervals
from imdlib.study import STUDIES

DRAWN, RESAMPLES = 1000, 500  # studies of each headline, and resamples of each study
MOST = 120  # images; more are drawn as so many, with spreads that give their mean its variance
COLUMNS = ["id", "images", "seeds", "share", "bootstrap", "student"]


def changes(study, results):
    """(id, changes (n,S) of images and seeds) of each headline whose two sides have the same seeds."""
    rows = importlib.import_module(f"imdlib.{study}.rows").Rows.gather(results)
    for one in importlib.import_module(f"imdlib.{study}.statements").STATEMENTS:
        low, high = verdicts.sides_of(one.cut, rows, one.worse, one.better)
        if not one.headline or low.empty or high.empty or set(low["seed"]) != set(high["seed"]):
            continue
        keys = [name for name in ("dataset", "image") if name in low]
        wide = [side.pivot_table(index=keys, columns="seed", values=one.decides).dropna() for side in (low, high)]
        yield f"{study}-{one.name}-{one.decides}", (wide[1] - wide[0]).dropna().to_numpy()


def spreads(change):
    """Variances between images, between seeds and of single rows of changes (n,S), none below 0."""
    images, seeds = change.shape
    noise = intervals.of_rows(change)
    between = change.mean(1).var(ddof=1) - noise / seeds, change.mean(0).var(ddof=1) - noise / images
    return [max(one, 0.0) for one in between] + [noise]


def alarms(change, rng):
    """(share of the variance that is the seeds', alarms of the bootstrap, alarms of Student's t) where nothing is true."""
    (image, seed, noise), (images, seeds) = spreads(change), change.shape
    count = min(images, MOST)
    image, noise, found = image * count / images, noise * count / images, np.zeros(2)
    for study in range(DRAWN):
        drawn = rng.normal(0, image**0.5, (count, 1)) + rng.normal(0, seed**0.5, seeds)
        drawn += rng.normal(0, noise**0.5, (count, seeds))
        low, high = intervals.interval(intervals.over_seeds(drawn[..., None], RESAMPLES, study)[:, 0], count)
        error, df = intervals.standard_error([drawn])
        found += [not low <= 0 <= high, abs(drawn.mean()) > stdtrit(df, 0.975) * error]
    through = seed / seeds, image / count + noise / (count * seeds)
    return through[0] / sum(through), *(found / DRAWN)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="*", default=["results/night", "results/real"], help="folders of profiles")
    for results in parser.parse_args(arguments).results:
        rng, lines = np.random.default_rng(0), []
        for study in STUDIES:
            for name, change in changes(study, results):
                if change.shape[1] > 1:
                    lines.append((name, *change.shape, *alarms(change, rng)))
        table = pd.DataFrame(lines, columns=COLUMNS)
        path = REPO / "results" / "bench" / "alarms" / f"{Path(results_folder(results)).name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(path, index=False, float_format="%.3g")
        print(
            f"{path.stem}, {len(table)} headlines: "
            + "; ".join(
                f"{name} {table[name].mean():.3f} on average, {table[name].min():.3f} to {table[name].max():.3f}"
                for name in COLUMNS[-2:]
            )
        )


if __name__ == "__main__":
    main()
