"""Photos of one's own: odd files, names, what is written, and the notebook on a run with random weights."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib import parameters, runs, store
from imdlib.ncl import networks, saved
from imdlib.photos import panels
from tests.cells import execute

PARAMS = dict(
    backbone="resnet18", width=0.25, head_width=16, rates=[1, 2, 3], output_stride=8, stem_stride=2, inputs="rgb+residual",
    hook="layer1", dropout=0.0, blocks=[1, 1, 1, 1], variant="pivot+pc", train_set="sim-casia", size=64, count=20, epochs=3,
    pretrained=False, aux_aspp=False, data="",
)  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Folder of a finished run with random weights, under tmp_path/ncl/runs."""
    n = 6
    rows = {"image": [f"{i}.jpg" for i in range(n)], "dataset": "sim-casia", "label": [1, 1, 1, 1, 0, 0]}
    rows |= {"score": np.linspace(0.2, 0.7, n), "attack": "none"}
    rows |= {name: [0.3, 0.4, 0.5, 0.6, np.nan, np.nan] for name in ("f1", "iou", "auc", "auc_shuffled")}
    return finished(tmp_path, "ncl", "pivot-pc", "ncl/run", pd.DataFrame(rows), networks.build(PARAMS), **PARAMS)


def finished(results, study, name, notebook, scores, model=None, **given):
    """Folder of a finished run that scored this."""
    params = parameters.declared(notebook) | given | {"results": str(results)}
    record = runs.open_run(study, name, notebook, params, data={})
    about = dict(commit="abc", device="cpu", train_images=12, finished="2026")
    return record.finish(model=model, tables={"scores": scores}, **about)


def stamped(run, parameters):
    """Let the stamp of a run say that it had these parameters."""
    stamp = json.loads((run / "stamp.json").read_text())
    stamp["needs"]["parameters"] = parameters
    (run / "stamp.json").write_text(json.dumps(runs.sealed(stamp | {"key": runs.key_of(stamp["needs"])})))


def brightness(batch):
    return batch.mean(dim=1, keepdim=True)


def test_missing_photos_and_empty_folders_say_so(tmp_path):
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(FileNotFoundError, match="give a picture"):
            panels.files_of(path)


def test_odd_files_work_or_are_listed_and_stop_no_other(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)
    picture = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(folder / "turned.jpg", exif=exif)
    picture.convert("CMYK").save(folder / "cmyk.tif")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(folder / "sixteen bits é.png")
    picture.convert("RGBA").save(folder / "alpha.webp")
    (folder / "empty.jpg").touch()
    (folder / "notes.txt").write_text("no picture")
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows, problems = panels.examine(
        panels.files_of(folder), brightness, tmp_path / "out", authentic=np.array([0.0, 2.0])
    )
    assert set(problems["file"]) == {"empty.jpg", "notes.txt", "cut.png"} and (problems["to do"] != "").all()
    sizes = rows.set_index("photo")[["width", "height"]].apply(tuple, axis=1).to_dict()
    assert sizes["turned.jpg"] == (24, 40) and sizes["cmyk.tif"] == (40, 24) and len(rows) == 4
    assert (rows["authentic_share"] == 0.5).all() and rows["score"].between(0, 1).all()
    for name in rows["photo"]:
        with Image.open(tmp_path / "out" / "maps" / f"{name}.png") as drawn:
            assert drawn.mode == "L" and drawn.size == sizes[name]
        assert (tmp_path / "out" / "figures" / f"{name}.png").exists()
    assert len(pd.read_csv(tmp_path / "out" / "photos.csv")) == 4


def test_map_is_saved_as_it_was_predicted(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    panels.examine([tmp_path / "a.png"], brightness, tmp_path)
    drawn = np.asarray(Image.open(tmp_path / "maps" / "a.png.png"))
    np.testing.assert_allclose(drawn, pixels.mean(axis=2), atol=0.51)


def test_overlay_reddens_only_where_the_map_is_bright():
    image = np.full((4, 4, 3), 100, np.uint8)
    prob = np.zeros((4, 4), np.float32)
    prob[0, 0] = 1
    drawn = panels.overlay(image, prob)
    np.testing.assert_allclose(drawn[1, 1], 100 / 255)
    assert drawn[0, 0, 0] > drawn[0, 0, 2] + 0.3 and drawn.min() >= 0 and drawn.max() <= 1


def test_a_run_is_rebuilt_with_its_weights(run):
    network, params, stamp = saved.load_run(run)
    assert not network.training and params["variant"] == "pivot+pc" and stamp["commit"] == "abc"
    with torch.no_grad():
        prob = saved.probability(network)(torch.rand(1, 3, 64, 64))
    assert prob.shape == (1, 1, 64, 64) and prob.min() >= 0 and prob.max() <= 1
    assert saved.newest(run.parents[2]) == run


def test_no_run_and_half_a_run_say_which_command_makes_one(run, tmp_path):
    with pytest.raises(FileNotFoundError, match="make study"):
        saved.newest(tmp_path / "elsewhere")
    (run / "weights.safetensors").unlink()
    with pytest.raises(runs.RunError, match=r"weights\.safetensors.*make study"):
        saved.load_run(run)
    with pytest.raises(FileNotFoundError, match="weights are not in git"):
        saved.newest(run.parents[2])


def test_weights_of_another_network_are_refused(run):
    stamped(run, PARAMS | {"width": 0.5})
    with pytest.raises(ValueError, match="do not fit"):
        saved.load_run(run)
    stamped(run, {"variant": "base"})
    with pytest.raises(ValueError, match="lack .*backbone"):
        saved.load_run(run)


def test_words_are_honest_about_twins_and_the_blob(run):
    params, stamp = saved.load_run(run)[1:]
    text = saved.words(params, stamp, saved.beside_blob(run))
    assert "embedded twin" in text and "12 images" in text and "0.450" in text and "not computed" in text
    blob = store.read(run / "scores.parquet").assign(method="centre blob", seed=0, f1=0.111)
    finished(run.parents[2], "data", "sim-casia", "data", blob)
    text = saved.words({**params, "train_set": "casia1"}, stamp, saved.beside_blob(run))
    assert "embedded twin" not in text and "0.111" in text and "not computed" not in text
    np.testing.assert_allclose(saved.authentic_scores(run), [0.6, 0.7], rtol=1e-6)  # kept with 20 bits


@pytest.mark.slow
def test_the_notebook_examines_a_folder(run, tmp_path):
    mine = tmp_path / "my photos"
    mine.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)).save(mine / "ä b.jpg")
    (mine / "broken.jpg").write_bytes(b"nothing")
    given = dict(results=str(tmp_path), photo=str(mine), run=str(run), tile=64, overlap=32)
    execute("try_it", **given)
    assert (tmp_path / "try_it" / "pivot-pc" / "maps" / "ä b.jpg.png").exists()
    assert pd.read_csv(tmp_path / "try_it" / "pivot-pc" / "photos.csv")["photo"].tolist() == ["ä b.jpg"]
