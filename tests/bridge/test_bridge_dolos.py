"""Embedded fakes: the six generators, exact masks, and that nothing but the picture tells the classes apart."""

import hashlib
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

from imdlib.bridge import dolos, generators
from imdlib.bridge.autoencoders import GENERATORS, UPSAMPLERS, Autoencoder, Haar
from imdlib.bridge.generators import energy, grain
from imdlib.bridge.labels import three_classes
from imdlib.data import facts, twins
from imdlib.data.readers.build import COLUMNS

SIZE = 64


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """240 images of one twin: folder and manifest with absolute paths."""
    folder = tmp_path_factory.mktemp("dolos")
    manifest = pd.DataFrame([dolos.write(folder, "sim-dolos-nearest", 0, index, SIZE) for index in range(240)])
    for column in ("image", "mask"):
        manifest[column] = [str(folder / name) if name else "" for name in manifest[column]]
    return manifest


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="dataset='sim-dolos-ldm': expected one of sim-dolos-transposed"):
        dolos.make_image("sim-dolos-ldm", 0, 0, 64)
    with pytest.raises(ValueError, match="generator 'gan'"):
        generators.generator("gan")


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
    model = Autoencoder(GENERATORS["nearest"])
    images = 0.5 + 0.05 * torch.randn(4, 3, 32, 32)
    made = grain(model, images, np.random.default_rng(0))
    torch.testing.assert_close(energy(made), energy(images), rtol=0.3, atol=0)
    flat = torch.full((1, 3, 32, 32), 0.5)
    torch.testing.assert_close(grain(model, flat, np.random.default_rng(0)), model(flat).clamp(0, 1).detach())


def test_generators_are_trained_once_and_repeat_exactly(tmp_path, monkeypatch):
    monkeypatch.setattr(generators, "STEPS", 3)
    monkeypatch.setattr(generators, "SCENES", 1)
    one = generators.generator.__wrapped__("shuffle", tmp_path / "a").state_dict()
    torch.manual_seed(7)
    other = generators.generator.__wrapped__("shuffle", tmp_path / "b").state_dict()
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    monkeypatch.setattr(generators, "fit", lambda *_: pytest.fail("trained twice"))
    again = generators.generator.__wrapped__("shuffle", tmp_path / "a")
    assert all(torch.equal(value, one[name]) for name, value in again.state_dict().items())
    assert not again.training and not any(p.requires_grad for p in again.parameters())


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


def test_manifest_and_files_agree(built):
    assert list(built.columns) == [*COLUMNS, "generator"]
    for row in built.itertuples():
        with Image.open(row.image) as image:
            assert image.size == (SIZE, SIZE) and image.format == "JPEG"
        assert (row.kind == "edit") == bool(row.mask) and (row.kind == "authentic") == (row.generator == "")
        if row.mask:
            mask = cv2.imread(row.mask, cv2.IMREAD_UNCHANGED)
            assert mask.shape == (SIZE, SIZE) and set(np.unique(mask)) == {0, 255}
    assert built["label"].tolist() == [int(kind != "authentic") for kind in built["kind"]]
    assert np.bincount(three_classes(built)).tolist() == [120, 60, 60]
    assert built.groupby("scene")["split"].nunique().max() == 1
    assert set(built["split"]) == {"train", "val", "test"}


def test_an_image_depends_on_nothing_but_its_number():
    one, _, _ = dolos.make_image("sim-dolos-nearest", 0, 7, 48)
    dolos.make_image("sim-dolos-nearest", 0, 2, 48)
    twins.background.cache_clear()
    assert np.array_equal(dolos.make_image("sim-dolos-nearest", 0, 7, 48)[0], one)
    assert not np.array_equal(dolos.make_image("sim-dolos-nearest", 1, 7, 48)[0], one)


def test_file_facts_do_not_tell_the_classes_apart(built):
    found = facts.measure(built, progress=False)
    assert found["height"].eq(SIZE).all() and found["width"].eq(SIZE).all() and found["sampling"].nunique() == 1
    assert found["tables"].nunique() == len(twins.FINAL_QUALITIES)
    values = np.stack([found["bytes"], pd.factorize(found["tables"], sort=True)[0]], axis=1)
    label = three_classes(built)
    tree = DecisionTreeClassifier(min_samples_leaf=5, class_weight="balanced", random_state=0)
    predicted = cross_val_predict(tree, values, label, cv=GroupKFold(5), groups=built["scene"])
    assert balanced_accuracy_score(label, predicted) < 1 / 3 + 0.08  # two standard errors of 240 images


def test_no_two_images_are_equal(built):
    assert len({hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in built["image"]}) == len(built)


def spectrum(image):
    """Log power spectrum of the grey residual, averaged to 32 x 17 bins, flat."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    power = np.abs(np.fft.rfft2(grey - cv2.blur(grey, (3, 3)))) ** 2
    return np.log(power[::2, ::2] + 1).ravel()


@pytest.mark.slow
def test_a_linear_probe_tells_the_generators_apart():
    rows, labels, scenes = [], [], []
    for code, dataset in enumerate(dolos.DATASETS):
        for number in range(40):
            index = twins.PER_SCENE * number + dolos.KINDS.index("generated")
            image, _, _ = dolos.make_image(dataset, 0, index, SIZE)
            coded = np.frombuffer(dolos.saved(image, 0, index), np.uint8)
            rows.append(spectrum(cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1].copy()))
            labels.append(code)
            scenes.append(number)
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    predicted = cross_val_predict(probe, np.stack(rows), labels, cv=GroupKFold(5), groups=scenes)
    accuracy = np.mean(predicted == np.array(labels))
    print(f"linear probe on the spectrum: {accuracy:.3f}, chance {1 / len(GENERATORS):.3f}")
    assert accuracy > 2 / len(GENERATORS)
