"""Photos of one's own: odd files, names, what is written, and the notebook on a run with random weights."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib import finished, parameters, runs, store
from imdlib.bridge import saved as bridge_saved
from imdlib.ncl import networks, saved
from imdlib.photos import names, panels
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
    return made(tmp_path, "ncl", "pivot-pc", "ncl/run", pd.DataFrame(rows), networks.build(PARAMS), **PARAMS)


def made(results, study, name, notebook, scores, model=None, **given):
    """Folder of a finished run that scored this."""
    params = parameters.declared(notebook) | given | {"results": str(results)}
    record = runs.open_run(study, name, notebook, params, data={})
    about = dict(commit="abc", device="cpu", train_images=12, finished="2026")
    history = pd.DataFrame({"epoch": range(1, 37), "loss": 1.0})
    return record.finish(model=model, tables={"scores": scores, "history": history}, **about)


def stamped(run, parameters):
    """Let the stamp of a run say that it had these parameters."""
    stamp = json.loads((run / "stamp.json").read_text())
    stamp["needs"]["parameters"] = parameters
    (run / "stamp.json").write_text(json.dumps(runs.sealed(stamp | {"key": runs.key_of(stamp["needs"])})))


def brightness(image):
    drawn = (image.mean(axis=2) / 255).astype(np.float32)
    return {"map": drawn}, {"score": float(drawn.max())}


def photo(path, height=24, width=40):
    """A picture of noise; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path, "PNG")
    return pixels


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
        panels.files_of(folder), {"ncl/a": brightness}, tmp_path / "out", authentic={"ncl/a": np.array([0.0, 2.0])}
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
    assert set(pd.read_csv(tmp_path / "out" / "problems.csv")["file"]) == set(problems["file"])


def test_an_authentic_score_of_the_same_value_is_at_least_that():
    assert panels.at_least(0.5, [0.0, 0.5, 1.0]) == pytest.approx(2 / 3)


def test_map_is_saved_as_it_was_predicted(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    panels.examine([tmp_path / "a.png"], {"ncl/a": brightness}, tmp_path)
    drawn = np.asarray(Image.open(tmp_path / "maps" / "a.png.png"))
    np.testing.assert_allclose(drawn, pixels.mean(axis=2), atol=0.51)


def test_overlay_reddens_only_where_the_map_is_bright():
    image = np.full((4, 4, 3), 100, np.uint8)
    prob = np.zeros((4, 4), np.float32)
    prob[0, 0] = 1
    drawn = panels.overlay(image, prob)
    np.testing.assert_allclose(drawn[1, 1], 100 / 255)
    assert drawn[0, 0, 0] > drawn[0, 0, 2] + 0.3 and drawn.min() >= 0 and drawn.max() <= 1


HOSTILE = [
    "=1+1.png",
    "@x.png",
    "-y.png",
    "+z.png",
    "$_1 ($_57).png",
    r"$\frac{1$.png",
    "<b onload=x>&.png",
    "a\nb.png",
    "n" * 250 + ".png",
]


def test_names_are_data(tmp_path):
    """Whatever a file is called, its name stands in the table as it is, its figure is drawn, and no spreadsheet runs it."""
    for name in HOSTILE:
        photo(tmp_path / "mine" / name)
    files = panels.files_of(tmp_path / "mine")
    rows, problems = panels.examine(files, {"ncl/a": brightness}, tmp_path / "out")
    assert not len(problems) and set(rows["photo"]) == set(HOSTILE)
    for row in rows.to_dict("records"):
        assert (tmp_path / "out" / row["map"]).is_file() and (tmp_path / "out" / row["figure"]).is_file()
    kept = pd.read_csv(tmp_path / "out" / "photos.csv")["photo"]
    assert not kept.str.startswith(("=", "+", "-", "@")).any() and set(kept.str.removeprefix("'")) == set(HOSTILE)


def test_a_name_that_is_no_text_is_shown_and_no_two_long_names_share_a_file(tmp_path):
    odd = tmp_path / "\udcff.png"
    assert names.label(odd) == r"\xff.png"
    long = [names.stem(tmp_path / ("n" * 240 + end)) for end in ("a", "b")]
    assert long[0] != long[1] and all(len(one.encode()) < 200 for one in long)


@pytest.mark.parametrize("name", ["=1+1.png", "0001", "-a.png"])
def test_a_photo_that_is_examined_again_has_one_line(tmp_path, name):
    photo(tmp_path / "mine" / name)
    photo(tmp_path / "mine" / "other.png", height=30)
    for files in (["other.png"], [name], [name]):
        panels.examine([tmp_path / "mine" / one for one in files], {"ncl/a": brightness}, tmp_path / "out")
    written = pd.read_csv(tmp_path / "out" / "photos.csv", dtype={"photo": str})
    assert written["photo"].str.removeprefix("'").tolist() == ["other.png", name]
    (tmp_path / "out" / "photos.csv").write_text("")  # of a call that a full disk ended
    panels.examine([tmp_path / "mine" / name], {"ncl/a": brightness}, tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "photos.csv")) == 1


def test_one_photo_that_fails_costs_no_other(tmp_path):
    photo(tmp_path / "mine" / "a.png")
    photo(tmp_path / "mine" / "strip.png", height=2500, width=20)
    photo(tmp_path / "mine" / "wrong.png", height=7)
    photo(tmp_path / "mine" / "z.png")

    def look(image):
        if image.shape[0] == 7:
            raise RuntimeError("out of memory")
        return brightness(image)

    rows, problems = panels.examine(panels.files_of(tmp_path / "mine"), {"ncl/a": look}, tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "photos.csv")["photo"].tolist() == ["a.png", "strip.png", "z.png"]
    said = problems.set_index("file")["problem"]
    assert "20x2500 pixels are too long and thin" in said["strip.png"] and "out of memory" in said["wrong.png"]
    assert (tmp_path / "out" / "maps" / "strip.png.png").is_file() and rows.set_index("photo")["figure"][
        "strip.png"
    ] == ""


def test_several_runs_stand_side_by_side(tmp_path):
    photo(tmp_path / "a.png")
    silent = lambda image: ({}, {"score": 0.25, "class": "real"})  # noqa: E731
    looks = {"ncl/a": brightness, "bridge/b": silent}
    rows, problems = panels.examine([tmp_path / "a.png"], looks, tmp_path / "out", authentic={"bridge/b": [0.0, 1.0]})
    assert not len(problems) and rows["run"].tolist() == ["ncl/a", "bridge/b"] and rows["class"].tolist()[1] == "real"
    assert rows["map"].tolist() == ["maps/ncl_a/a.png.png", ""] and rows["authentic_share"].tolist()[1] == 0.5


@pytest.mark.parametrize("name, problems", [("t01_photos_dollar", []), ("t02_photos_tall", ["screenshot.png"])])
def test_the_shared_inputs_of_these_kinds(tmp_path, name, problems):
    folder = Path(__file__).resolve().parents[3] / "shared" / "inputs" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    files = panels.files_of(folder)
    rows, found = panels.examine(files, {"ncl/a": brightness}, tmp_path)
    assert found["file"].tolist() == problems and rows["photo"].tolist() == [file.name for file in files]
    assert (rows["figure"] == "").tolist() == [file.name in problems for file in files]


def test_a_run_is_rebuilt_with_its_weights(run):
    used = saved.load_run(run)
    assert not used.network.training and used.params["variant"] == "pivot+pc" and used.stamp["commit"] == "abc"
    assert used.name == "ncl/pivot-pc" and used.older == ""
    with torch.no_grad():
        prob = saved.probability(used.network)(torch.rand(1, 3, 64, 64))
    assert prob.shape == (1, 1, 64, 64) and prob.min() >= 0 and prob.max() <= 1
    assert finished.newest(run.parents[2], "ncl", "inr") == run


def test_no_run_and_half_a_run_say_which_command_makes_one(run, tmp_path):
    with pytest.raises(FileNotFoundError, match="make study"):
        finished.newest(tmp_path / "elsewhere", "ncl")
    (run / "weights.safetensors").unlink()
    with pytest.raises(runs.RunError, match=r"weights\.safetensors.*make study"):
        saved.load_run(run)
    with pytest.raises(FileNotFoundError, match="weights are not in git"):
        finished.newest(run.parents[2], "ncl")


def test_weights_of_another_network_are_refused(run):
    stamped(run, PARAMS | {"width": 0.5})
    with pytest.raises(runs.RunError, match="do not fit"):
        saved.load_run(run)


@pytest.mark.parametrize("name", ["../../..", "ncl/..", "ncl/../../ncl", "/", "ncl/pivot-pd", ""])
def test_a_name_that_leads_elsewhere_or_to_no_run_is_refused(run, name):
    with pytest.raises(
        runs.RunError, match="holds no finished run|there is no run 'ncl/pivot-pd'.*Did you mean 'ncl/pivot-pc'"
    ):
        finished.load_any(run.parents[2], name, {"ncl": saved})


def test_a_run_is_found_by_name_and_by_folder(run):
    for name in ("ncl/pivot-pc", str(run)):
        assert finished.load_any(run.parents[2], name, {"ncl": saved}).folder == run
    with pytest.raises(runs.RunError, match="no finished run of inr"):
        finished.load_any(run.parents[2], "ncl/pivot-pc", {"inr": saved})


def test_words_are_honest_about_epochs_twins_and_the_blob(run):
    used = saved.load_run(run)
    text = finished.words(used, saved.title(used), finished.beside_blob(used))
    assert "embedded twin" in text and "12 images" in text and "0.450" in text and "not computed" in text
    assert (
        "trained from scratch" in text
        and "36 epochs" in text
        and "image AUC (0.5 is chance) on the test images of `sim-casia`: **0." in text
    )
    blob = store.read(run / "scores.parquet").assign(method="centre blob", seed=0, f1=0.111)
    made(run.parents[2], "data", "sim-casia", "data", blob)
    used.params.update(train_set="casia1", start="imagenet")
    text = finished.words(used, saved.title(used), finished.beside_blob(used))
    assert (
        "embedded twin" not in text
        and "from ImageNet weights" in text
        and "0.111" in text
        and "not computed" not in text
    )
    np.testing.assert_allclose(finished.authentic_scores(used), [0.6, 0.7], rtol=1e-6)  # kept with 20 bits


@pytest.mark.parametrize(
    "module, params, name",
    [
        (saved, dict(variant="base", backbone="resnet18", pretrained=False, inputs="rgb+residual"), "Base"),
        (
            saved,
            dict(variant="base", backbone="efficientnet_lite0", pretrained=True, inputs="rgb"),
            "Base, lite0 pre-trained",
        ),
        (bridge_saved, dict(method="late", crossfit=0, extractor="stand-in"), "Ours"),
        (bridge_saved, dict(method="late", crossfit=0, extractor="efficientnet_lite0"), "Ours, ImageNet features"),
    ],
)
def test_a_run_is_called_as_in_tables(module, params, name):
    assert module.title(finished.Finished(Path("x"), torch.nn.Identity(), params, {})) == name


@pytest.mark.slow
def test_the_notebook_examines_a_folder(run, tmp_path):
    mine = tmp_path / "my photos"
    mine.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3)).astype(np.uint8)).save(mine / "ä b.jpg")
    (mine / "broken.jpg").write_bytes(b"nothing")
    given = dict(results=str(tmp_path), photo=str(mine), run=str(run), tile=64, overlap=32)
    execute("try_it", **given)
    folder = tmp_path / "try_it" / "ncl_pivot-pc"
    assert (folder / "maps" / "ä b.jpg.png").exists()
    assert pd.read_csv(folder / "photos.csv")["photo"].tolist() == ["ä b.jpg"]
    (mine / "broken.jpg").unlink()
    (mine / "ä b.jpg").rename(mine / "c.jpg")
    execute("try_it", **given)  # the lines of what is not asked for stay, as its maps do
    assert pd.read_csv(folder / "photos.csv")["photo"].tolist() == ["ä b.jpg", "c.jpg"]
    assert pd.read_csv(folder / "problems.csv")["file"].tolist() == ["broken.jpg"]
    stamped(run, json.loads((run / "stamp.json").read_text())["needs"]["parameters"] | {"epochs": 4})
    execute("try_it", **given)  # the run was trained again: what its older self said is set aside
    assert pd.read_csv(folder / "photos.csv")["photo"].tolist() == ["c.jpg"]
    assert (tmp_path / "try_it" / "ncl_pivot-pc~" / "photos.csv").exists()
