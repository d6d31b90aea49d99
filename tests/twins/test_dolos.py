"""Embedded fakes: the generators, exact masks, and that nothing but the picture tells the classes apart."""

import hashlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from imdlib import data
from imdlib.bridge.labels import three_classes
from imdlib.checks import facts, findings, spectra
from imdlib.data import catalog
from imdlib.data.images import load_image
from imdlib.freshness import sources
from imdlib.twins import build, dolos, generators, photographs, recipes, training
from imdlib.twins.autoencoders import (
    FINE,
    GENERATORS,
    UPSAMPLERS,
    Autoencoder,
    Haar,
    exact,
    on_grid,
    soft_steps,
    steps,
)
from imdlib.twins.generators import energy, grain
from imdlib.twins.identity import recipe_digest
from imdlib.twins.shipped import WEIGHTS, load_weights, save_weights

SIZE, ONE, OTHER = 64, "sim-dolos-nearest", "sim-dolos-haar"


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """A cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def built(quick):
    """240 images of each of two twins, as `load` gives them: manifests by name."""
    return {name: data.load(name, count=240, size=SIZE, seed=0) for name in (ONE, OTHER)}


def test_unknown_names_are_refused(tmp_path):
    for make in (lambda name: dolos.make_image(name, 0, 0, 64), build.build, catalog.read, data.load):
        with pytest.raises(ValueError, match="dataset='sim-dolos-ldm': expected one of sim-dolos-transposed"):
            make("sim-dolos-ldm")
    with pytest.raises(ValueError, match=r"known: sim-casia, .*, and sim-dolos-\*"):
        build.build("x", tmp_path)
    with pytest.raises(ValueError, match="generator 'gan'"):
        generators.generator("gan")


def test_other_twins_are_read_without_loading_torch():
    code = "import sys; from imdlib.data import catalog; from imdlib.twins import build; build.recipe('sim-casia')"
    code += "; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_only_these_twins_are_made_anew_when_a_generator_changes(monkeypatch):
    names = (ONE, OTHER, "sim-casia")
    before = {name: recipe_digest(name) for name in names}

    def changed():
        sources.forget()
        recipe_digest.cache_clear()
        return [name for name in names if recipe_digest(name) != before[name]]

    bytes_of, text_of = Path.read_bytes, Path.read_text
    with monkeypatch.context() as edit:
        edit.setattr(Path, "read_bytes", lambda path: bytes_of(path) + b"#" * (path.name == "nearest.safetensors"))
        assert changed() == [ONE]
    with monkeypatch.context() as edit:
        edit.setattr(
            Path, "read_text", lambda path, **how: text_of(path, **how).replace("GENERATORS = {", "GENERATORS = {0: 1,")
        )
        assert changed() == [ONE, OTHER]
    assert changed() == []


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_upsamplers_double_the_size(name):
    up = UPSAMPLERS[name](8, 4)
    assert up(torch.rand(2, 8, 5, 7)).shape == (2, 4, 10, 14)


def test_haar_is_the_inverse_transform():
    x = torch.rand(2, 3, 6, 8)
    quads = torch.nn.functional.pixel_unshuffle(x, 2).unflatten(1, (3, 4))  # a, b / c, d of each 2 x 2 cell
    bands = torch.tensor([[1.0, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    forward = torch.einsum("kq,bcqhw->bckhw", bands, quads).flatten(1, 2)
    torch.testing.assert_close(Haar()(forward), x)


@pytest.mark.parametrize("name", GENERATORS)
def test_autoencoders(name):
    model = Autoencoder(GENERATORS[name])
    images = torch.rand(2, 3, 16, 24)
    assert model(images).shape == images.shape
    model(images).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.encoder.parameters())


def test_grain_restores_the_fine_detail_and_nothing_without_need():
    model = exact(Autoencoder(GENERATORS["nearest"]))
    images = 0.5 + 0.05 * torch.randn(4, 3, 32, 32).double()
    made = grain(model, images, np.random.default_rng(0))
    torch.testing.assert_close(energy(made), energy(images), rtol=0.3, atol=0)
    flat = torch.full((1, 3, 32, 32), 0.5).double()
    torch.testing.assert_close(grain(model, flat, np.random.default_rng(0)), model(flat).clamp(0, 1))


@pytest.mark.parametrize("name", GENERATORS)
def test_one_step_of_training_moves_the_weights_and_what_is_written_is_read(name, tmp_path):
    model, losses = training.train(name, steps=2, scenes=1)
    again, _ = training.train(name, steps=1, scenes=1)
    assert np.isfinite(losses).all() and losses[1] != losses[0]
    assert any(not torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters()))
    read = load_weights(Autoencoder(GENERATORS[name]), save_weights(model, tmp_path / f"{name}.safetensors"))
    for key, value in read.state_dict().items():
        torch.testing.assert_close(value, model.state_dict()[key], rtol=2**-10, atol=2**-24)
    model = generators.generator.__wrapped__(name, tmp_path)
    assert model.exact and not model.training and not any(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("name", GENERATORS)
def test_the_exact_model_is_the_trained_one_up_to_its_grid(name):
    trained = load_weights(Autoencoder(GENERATORS[name]), WEIGHTS / f"{name}.safetensors").double()
    images = torch.from_numpy(photographs.photographs(1, 64, split="test", seed=2)[0][:2]).double() / 255
    with torch.no_grad():
        apart = (trained(images) - generators.generator(name)(images)).abs()
    assert apart.mean() < 0.1 / 255


@pytest.mark.parametrize("name", GENERATORS)
def test_the_sums_of_an_exact_model_have_room_in_float64(name):
    """All terms of a sum are multiples of 2^-30: exact while it stays below 2^22, here for the brightest of inputs."""
    model, bound = generators.generator(name), torch.full((1, 3, 32, 32), 0.5).double()
    for value in model.parameters():
        assert torch.equal(value, on_grid(value, FINE))
        value.abs_()
    stages = [model.encoder, model.decoder, model.last]
    generators.generator.cache_clear()
    for stage in stages:
        bound = stage(bound)
        assert bound.abs().max() < 2**22


def test_levels_by_comparison_are_those_of_tanh():
    latent = on_grid(torch.linspace(-3, 3, 5001).double())
    assert torch.equal(steps(latent), soft_steps(latent)) and steps(latent).unique().tolist() == [*range(-4, 5)]


def test_missing_and_damaged_weights_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="haar.safetensors.*missing.*make twins"):
        generators.generator.__wrapped__("haar", tmp_path)
    file = tmp_path / "haar.safetensors"
    file.write_bytes((WEIGHTS / "haar.safetensors").read_bytes()[:-9])
    with pytest.raises(ValueError, match="haar.safetensors.*damaged"):
        generators.generator.__wrapped__("haar", tmp_path)
    file.write_bytes((WEIGHTS / "nearest.safetensors").read_bytes())
    with pytest.raises(ValueError, match="haar.safetensors.*not those of this network"):
        generators.generator.__wrapped__("haar", tmp_path)


def test_whole_and_region():
    rng = np.random.default_rng(0)
    image = rng.integers(60, 190, (35, 50, 3), dtype=np.uint8)  # an odd side
    made = dolos.whole("nearest", image, np.random.default_rng(1))
    assert made.shape == image.shape and made.dtype == np.uint8 and (made != image).mean() > 0.5
    mask = np.zeros((35, 50), np.uint8)
    mask[10:25, 20:40] = 255
    some = dolos.region("nearest", image, mask, np.random.default_rng(1))
    assert np.array_equal(some[mask == 0], image[mask == 0])
    assert np.array_equal(some[13:22, 23:37], made[13:22, 23:37])
    assert not np.array_equal(some[mask > 0], image[mask > 0])
    assert np.array_equal(dolos.region("nearest", image, 0 * mask, np.random.default_rng(1)), image)


def test_the_frame_of_a_picture_made_anew_is_like_its_inside():
    image = np.random.default_rng(0).integers(60, 190, (96, 96, 3), dtype=np.uint8)
    made = dolos.whole("nearest", image, np.random.default_rng(1)).astype(np.float32)
    detail = np.abs(made - cv2.blur(made, (3, 3)))
    frame = np.pad(np.zeros((92, 92), bool), 2, constant_values=True)
    assert detail[frame].mean() == pytest.approx(detail[~frame].mean(), rel=0.1)


@pytest.mark.parametrize("name", (ONE, OTHER))
def test_manifest_and_files_agree(built, name):
    built = built[name]
    assert list(built.columns) == [*catalog.COLUMNS, "generator"] and (built["dataset"] == name).all()
    for row in built.itertuples():
        with Image.open(row.image) as image:
            assert image.size == (SIZE, SIZE) and image.format == "JPEG"
        assert (row.kind == "edit") == bool(row.mask)
        assert row.generator == ("" if row.kind == "authentic" else name.removeprefix("sim-dolos-"))
        if row.mask:
            mask = cv2.imread(row.mask, cv2.IMREAD_UNCHANGED)
            assert mask.shape == (SIZE, SIZE) and set(np.unique(mask)) == {0, 255}
    assert built["label"].tolist() == [int(kind != "authentic") for kind in built["kind"]]
    assert np.bincount(three_classes(built)).tolist() == [120, 60, 60]
    assert built.groupby("scene")["split"].nunique().max() == 1
    assert set(built["split"]) == {"train", "val", "test"}
    seen = facts.measure(built, progress=False)
    assert catalog.verify(built, progress=False).empty and findings.defects(built, seen).empty
    assert seen["fraction"].notna().tolist() == built["kind"].eq("edit").tolist()  # no mask: no fraction


def test_twins_differ_in_the_generator_alone(built):
    one, other = built[ONE], built[OTHER]
    shared = ["label", "kind", "scene", "split", "visibility", "note"]
    assert one[shared].equals(other[shared]) and set(one["scene"]) == {f"sim-dolos-0-{k:05d}" for k in range(60)}
    for a, b in zip(one.itertuples(), other.itertuples()):
        same = Path(a.image).read_bytes() == Path(b.image).read_bytes()
        assert same == (a.kind == "authentic")
        assert not a.mask or Path(a.mask).read_bytes() == Path(b.mask).read_bytes()
    for index in (1, 5):
        (image, mask, _), (different, _, _) = (dolos.make_image(name, 0, index, SIZE) for name in (ONE, OTHER))
        assert np.array_equal(image[mask == 0], different[mask == 0])
        assert not np.array_equal(image[mask > 0], different[mask > 0])


def test_no_scene_is_in_two_splits_of_joined_twins(built):
    both = data.load(f"{ONE}+{OTHER}", count=240, size=SIZE, seed=0)
    assert both.groupby("scene")["split"].nunique().max() == 1 and both.groupby("scene").size().eq(8).all()
    train, test = (
        set(built[name].loc[built[name]["split"] == side, "scene"]) for name, side in ((ONE, "train"), (OTHER, "test"))
    )
    assert not train & test
    mixed = data.load(f"sim-casia+{ONE}", count=12, size=SIZE)
    assert mixed["generator"].tolist() == [""] * 12 + ["", "nearest"] * 6 and mixed.columns[-1] == "generator"
    assert "generator" not in data.load("sim-casia", count=12, size=SIZE)


def test_the_number_of_workers_changes_nothing(tmp_path):
    one, many = (build.build(ONE, tmp_path / str(k), 12, 48, workers=k, progress=False) for k in (1, 3))
    files = [path.relative_to(one) for path in sorted(one.rglob("*")) if path.is_file()]
    assert len(files) == 12 + 3 + 2 and all((one / name).read_bytes() == (many / name).read_bytes() for name in files)


def test_an_image_depends_on_nothing_but_its_number():
    one, _, _ = dolos.make_image("sim-dolos-nearest", 0, 7, 48)
    dolos.make_image("sim-dolos-nearest", 0, 2, 48)
    recipes.background.cache_clear()
    assert np.array_equal(dolos.make_image("sim-dolos-nearest", 0, 7, 48)[0], one)
    assert not np.array_equal(dolos.make_image("sim-dolos-nearest", 1, 7, 48)[0], one)


@pytest.mark.parametrize("name", (ONE, OTHER))
def test_the_files_form_does_not_tell_the_classes_apart(built, name):
    built = built[name]
    found = facts.measure(built, progress=False)
    assert found["height"].eq(SIZE).all() and found["width"].eq(SIZE).all() and found["sampling"].nunique() == 1
    assert found["tables"].nunique() == len(recipes.FINAL_QUALITIES)
    values = np.stack([found["bytes"], pd.factorize(found["tables"], sort=True)[0]], axis=1)
    label = three_classes(built)
    tree = DecisionTreeClassifier(min_samples_leaf=5, class_weight="balanced", random_state=0)
    predicted = cross_val_predict(tree, values, label, cv=GroupKFold(5), groups=built["scene"])
    assert balanced_accuracy_score(label, predicted) < 1 / 3 + 0.08  # two standard errors of 240 images


def test_no_two_images_are_equal(built):
    files = built[ONE]["image"]
    assert len({hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files}) == len(files)


def test_a_linear_probe_on_the_spectrum_tells_the_generators_from_each_other_and_from_real(built):
    joined = pd.concat([built[ONE], built[OTHER][built[OTHER]["kind"] != "authentic"]], ignore_index=True)
    joined = joined[joined["kind"] != "edit"].groupby(["scene", "generator"]).head(1)  # one of each a scene
    power = [spectra.log_power(load_image(file), SIZE) for file in joined["image"]]
    values = np.stack([cv2.resize(p, (SIZE // 2, SIZE // 2), interpolation=cv2.INTER_AREA).ravel() for p in power])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    predicted = cross_val_predict(probe, values, joined["generator"], cv=GroupKFold(5), groups=joined["scene"])
    recall = (predicted == joined["generator"]).groupby(joined["generator"]).mean()
    assert recall.min() > 0.6  # of three classes, on scenes that the probe has not seen
