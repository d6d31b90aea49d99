"""Standing: a figure of maps is known by the runs that it was drawn of."""

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from PIL import Image

from imdlib.pages import plots, standing

RUNS = pd.DataFrame({"run": ["a", "b", "c"], "key": ["k1", "k2", "k3"]})


def drawn(folder, name, *shown):
    """A saved figure of these runs."""
    figure, axis = plt.subplots(figsize=(2, 2))
    axis.imshow(np.eye(4))
    plots.save(figure, {"x": [0]}, folder, name, of=standing.keys(RUNS, shown))
    plt.close(figure)


def test_a_figure_stands_for_its_runs_alone(tmp_path):
    drawn(tmp_path, "figure3", "a", "b")
    with Image.open(tmp_path / "figures/figure3.png") as png:
        assert png.mode == "RGB" and round(png.info["dpi"][0]) == 300
    assert 'data-file="figures/figure3"' in standing.standing(tmp_path, "figure3", {"b": "k2", "a": "k1"}).data
    for other in ({"a": "k1"}, {"a": "k1", "b": "trained again"}, {"a": "k1", "b": "k2", "c": "k3"}, {}):
        assert standing.standing(tmp_path, "figure3", other) is standing.ELSEWHERE
    assert standing.standing(tmp_path, "figure4", {"a": "k1"}) is standing.ELSEWHERE
    drawn(tmp_path, "figure4")
    assert standing.standing(tmp_path, "figure4", {}) is standing.ELSEWHERE


def test_what_is_cleared_before_a_page_is_drawn(tmp_path):
    drawn(tmp_path, "figure3", "a", "b")
    drawn(tmp_path, "figure4", "a", "c")
    drawn(tmp_path, "figure_costs")
    (tmp_path / "tables").mkdir()
    for name in ("table1", "table_beside", "table_of_another"):
        (tmp_path / f"tables/{name}.csv").write_text("x\n1\n")
    before = sorted(path.name for path in tmp_path.glob("*/*.*"))
    standing.begin(tmp_path, RUNS)
    assert (
        sorted(path.name for path in tmp_path.glob("*/*.*")) == before
    )  # a fresh clone: nothing could be drawn of maps again

    run = tmp_path / "runs/b"
    run.mkdir(parents=True)
    (run / "maps.npz").touch()
    beside = {"table_beside": "figure3", "table_of_another": "figure4"}
    standing.begin(tmp_path, RUNS.assign(key=["k1", "k2", "trained again"]), beside)
    left = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert left == ["figure3.csv", "figure3.pdf", "figure3.png", "figure3.txt"]
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["table_beside.csv"]
