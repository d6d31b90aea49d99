"""The whole network of a run, its scores, and the stages of methods that lack a part."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from imdlib import parameters
from imdlib.bridge import networks, scoring, validation
from imdlib.bridge.discrepancy import Discrepancy
from imdlib.bridge.exhibits.distances import long_distances
from imdlib.bridge.labels import CLASSES
from imdlib.bridge.methods import BINARY, METHODS, PARTS
from imdlib.bridge.samples import Samples
from imdlib.bridge.stages import STAGES, fit_stages, learners
from imdlib.bridge.watch import medians
from imdlib.data.batches import ImageSet
from imdlib.networks import lite0
from imdlib.training.settings import Settings

WIDTH = 12
TINY = dict(distillation=[16, 1, 2], conformer=[8, 16, 3, 2], backbone_width=0.125)


def params(**some):
    return parameters.declared("bridge/run") | TINY | some


@pytest.fixture
def images(tmp_path):
    """ImageSet of nine images of 64 x 64, three of each class, with a mask where they are partly fake; and their tokens."""
    rng, rows = np.random.default_rng(0), []
    for i, kind in enumerate(["authentic", "edit", "generated"] * 3):
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(tmp_path / f"{i}.png")
        mask = np.zeros((64, 64), np.uint8)
        mask[: 8 * (i + 1), :32] = 255
        Image.fromarray(mask).save(tmp_path / f"m{i}.png")
        found = dict(image=str(tmp_path / f"{i}.png"), mask=str(tmp_path / f"m{i}.png") if kind == "edit" else "")
        rows.append(found | dict(kind=kind, label=int(i % 3 > 0), split="test", dataset="toy", scene=str(i)))
    return ImageSet(pd.DataFrame(rows)), torch.randn(9, 5, WIDTH)


@pytest.mark.parametrize("method", [name for name in METHODS if name not in BINARY])
def test_every_method_learns_what_it_has_and_scores(method, images, tmp_path):
    images, tokens = images
    model = networks.build(params(method=method), WIDTH)
    has = PARTS[method]
    samples = Samples(tokens, torch.arange(9) % 3, images)
    settings = Settings(epochs=1, batch_size=8, learning_rate=5e-5, precision="32-true", accelerator="cpu")
    history = fit_stages(model.distillation, model.classifier, samples, tmp_path / "run", settings, teacher_epochs=1)
    learned = {stage for stage in STAGES if f"{stage}_loss" in history}
    expected = {"classifier"} if has["classifier"] else set()
    if has.get("distillation", True):
        expected |= {"teacher"} | ({"students"} if has.get("students", True) else set())
        if has.get("students", True) and has.get("generalizers", True):
            expected |= {"generalizer_pf", "generalizer_ff"}
    assert learned == expected
    rows, pictures, points = scoring.score(model, images, tokens, examples=2)
    assert np.allclose(rows[scoring.PROBABILITIES].sum(1), 1, atol=1e-4)
    assert rows["d1"].notna().all() == ("students" in expected) == rows["d2"].notna().all()
    named = np.array(CLASSES)[rows[scoring.PROBABILITIES].to_numpy().argmax(1)]
    assert (rows["predicted"] == named).all() and np.allclose(rows["score"], 1 - rows["p_real"], atol=1e-6)
    assert ("drawn_auc" in rows) == model.localizes == bool(pictures)
    assert points["extractor"].shape == (9, WIDTH) and len(points["final"]) == 9


@pytest.mark.parametrize("called", range(3))
def test_the_map_of_inference_follows_the_class(called, images):
    images, tokens = images
    model = networks.build(params(method="late"), WIDTH).eval()
    torch.nn.init.constant_(model.classifier.disc_head.bias[called : called + 1], 1e4)
    rows, _, _ = scoring.score(model, images, tokens)
    partly = rows[rows["kind"] == "edit"]
    area = np.array([m.sum() for (_, m), k in zip(images.samples(), images.manifest["kind"]) if k == "edit"])
    assert (rows["predicted"] == CLASSES[called]).all() and rows.loc[rows["kind"] != "edit", "drawn_tp"].isna().all()
    if called == 0:
        assert (partly[["tp", "fp"]] == 0).all().all() and (partly["auc"] == 0.5).all()
    elif called == 1:
        assert np.allclose(partly[["tp", "fp", "auc"]], partly[["drawn_tp", "drawn_fp", "drawn_auc"]])
    else:
        assert (partly["tp"] == area).all() and (partly["fp"] == 64 * 64 - area).all()


def test_distances_of_all_images_are_those_of_the_rows_and_a_validation_is_their_recall(images):
    images, tokens = images
    model = networks.build(params(method="disc"), WIDTH)
    rows, _, _ = scoring.score(model, images, tokens, start=scoring.distances(model, tokens, batch_size=4))
    assert np.allclose(rows[["d1", "d2"]], rows[["d1_start", "d2_start"]], rtol=1e-5)
    found = validation.three_way(model.distillation, model.classifier, images=images, features=tokens)
    truth = np.arange(9) % 3
    recalls = [(rows["predicted"][truth == c] == CLASSES[c]).mean() for c in range(3)]
    assert found["val_recall"] == pytest.approx(np.mean(recalls)) and found["val_partly"] == recalls[1]
    assert {"val_teacher_recall", "val_teacher_partly"} <= set(found)
    long = long_distances(rows)
    assert len(long) == 9 * 4 and np.allclose(long["distance"][:9] ** 2, rows["d1_start"], rtol=1e-5)


@pytest.mark.parametrize("method", BINARY)
def test_detectors_of_real_against_fake(method, images):
    images, _ = images
    model = networks.build(params(method=method))
    change = networks.change_of(params(method=method))
    assert change(images.decoded[0][0], torch.Generator().manual_seed(0)).shape == (3, 64, 64)
    rows = scoring.score_binary(model, images)
    assert rows["score"].between(0, 1).all() and rows[["p_partly", "p_fully"]].isna().all().all()
    assert ((rows["predicted"] == "fake") == (rows["score"] > 0.5)).all() and len(rows) == 9


def test_without_students_the_classifier_sees_the_teacher():
    model, tokens = Discrepancy(WIDTH, dim=16, depth=1, heads=2, students=False), torch.randn(4, 5, WIDTH)
    torch.testing.assert_close(model(tokens), model.teacher(tokens)[0].softmax(1))
    assert model.width == 3 and model.distances(tokens).isnan().all() and list(learners(model, None)) == ["teacher"]
    assert medians(None, model, None, 4) == {} == medians(None, None, None, 4)


def test_without_generalizers_fakes_stay_as_they_are():
    model, tokens = Discrepancy(WIDTH, dim=16, depth=1, heads=2, generalizers=False), torch.randn(4, 5, WIDTH)
    assert model.generalizer_pf(tokens) is tokens and list(learners(model, None)) == ["teacher", "students"]
    torch.manual_seed(0)
    usual = Discrepancy(WIDTH, dim=16, depth=1, heads=2).student2.state_dict()
    torch.manual_seed(0)
    less = Discrepancy(WIDTH, dim=16, depth=1, heads=2, generalizers=False).student2.state_dict()
    assert all(torch.equal(usual[name], less[name]) for name in usual)


def test_training_rows():
    manifest = pd.DataFrame(dict(kind=["authentic", "generated", "edit"] * 4, split=["train"] * 9 + ["test"] * 3))
    assert set(networks.training_rows(manifest, params())["kind"]) == {"authentic", "generated", "edit"}
    assert set(networks.training_rows(manifest, params(with_fully=False))["kind"]) == {"authentic", "edit"}
    assert len(networks.training_rows(manifest, params(train_count=8))) == 8
    assert len(networks.some_rows(manifest, "test", 0)) == 3 and len(networks.some_rows(manifest, "test", 2)) == 2
    two = manifest[manifest["kind"] != "edit"]
    with pytest.raises(ValueError, match="at least two classes, found real with with_fully=False"):
        networks.training_rows(two, params(with_fully=False))
    with pytest.raises(ValueError, match="found no image at all"):
        networks.training_rows(manifest[manifest["split"] == "test"], params())


def test_bad_parameters_are_refused():
    with pytest.raises(ValueError, match="method='lat': expected one of wang"):
        networks.build(params(method="lat"), WIDTH)
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        networks.tower_of(params(extractor="vit_tiny_patch16_224", extractor_weights="absent.pt"))
    with pytest.raises(ValueError, match="expected a vision transformer"):
        networks.tower_of(params(extractor="resnet18"))


def test_a_start_from_imagenet_is_that_of_the_package_and_the_rest_is_random():
    known = lite0.Lite0(out=(1,)).state_dict()
    torch.manual_seed(0)
    given = params(method="transcam", start="imagenet", inputs="rgb")
    one, other = (networks.build(given, WIDTH).classifier for _ in range(2))
    assert all(torch.equal(value, one.stem.network.state_dict()[name]) for name, value in known.items())
    assert not torch.equal(one.cam_head.weight, other.cam_head.weight)
    out = one.eval()(torch.rand(2, 3, 64, 48))
    assert out["cam"].shape == (2, 3, 4, 3) and out["logits"].shape == (2, 3)
    wang = networks.build(params(method="wang", start="imagenet", inputs="rgb"))
    assert wang(torch.rand(2, 3, 64, 48))["logits"].shape == (2,) and isinstance(wang.encoder, lite0.Lite0)


@pytest.mark.parametrize(
    "given, message",
    [
        (dict(method="tar", start="imagenet", inputs="rgb"), "start='imagenet': expected inputs='rgb' and wang"),
        (dict(method="disc", start="imagenet", inputs="rgb"), "start='imagenet'"),
        (dict(method="late", start="imagenet"), "start='imagenet'"),
        (dict(method="teacher", crossfit=2), "crossfit=2: method='teacher' has no classifier"),
        (dict(method="late", start="clip"), "start='clip': expected"),
    ],
)
def test_starts_that_there_are_no_weights_for_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        networks.build(params(**given), WIDTH)


def test_equal_passes_are_those_of_all_stages_together():
    given = dict(epochs=8, teacher_epochs=4, teacher_passes=8)
    assert networks.epochs_of(params(**given)) == 8
    assert networks.epochs_of(params(method="wang", equal_passes=True, **given)) == 4 * 8 + 8 * 4
    with pytest.raises(ValueError, match="equal_passes=True: method='late' has more stages"):
        networks.epochs_of(params(equal_passes=True))


def test_imagenet_features_are_a_grid_of_native_pixels():
    tower = networks.tower_of(params(extractor="efficientnet_lite0", size=64))
    image = torch.randint(0, 256, (3, 72, 64), dtype=torch.uint8)
    tokens = tower(tower.prepare(image)[None])
    assert tokens.shape == (1, *tower.shape) == (1, 16, 112) and not tokens.requires_grad
    assert torch.equal(tower.prepare(image), image[:, :64].float() / 255) and "clip" not in tower.identity


def test_the_fair_before_has_the_trained_teacher_and_fresh_students(images):
    torch.manual_seed(0)
    for crossfit in (0, 2):
        trained, begun = (networks.build(params(method="late", crossfit=crossfit), WIDTH) for _ in range(2))
        fresh = begun.beginning(trained).distillation
        pairs = zip(fresh.members, trained.distillation.members) if crossfit else [(fresh, trained.distillation)]
        for one, other in pairs:
            assert one.teacher is other.teacher and one.student1 is not other.student1
        assert fresh.distances(images[1]).shape == (9, 2)
    assert networks.build(params(method="transcam"), WIDTH).beginning(trained).distances(images[1]).isnan().all()


def test_judgement_is_the_mean_of_recall_and_auc():
    truth, called = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])
    found = validation.judgement("val", truth, called, np.array([0.1, 0.6, 0.5, 0.9]))
    assert found["val_recall"] == pytest.approx(0.5) and found["val_auc"] == 0.75
    assert found["val_both"] == pytest.approx(0.625)
    assert np.isnan(validation.judgement("val", truth[:2], called[:2], np.zeros(2))["val_both"])


def test_a_validation_of_a_detector_has_two_classes(images):
    class Sure(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def forward(self, image):
            return {"score": image.new_full((len(image),), 0.9)}

        @staticmethod
        def probability(outputs):
            return outputs["score"]

    found = validation.binary(Sure(), images=images[0])
    assert found == {"val_recall": 0.5, "val_auc": 0.5, "val_both": 0.5}


def test_neighbours_of_the_same_scene_do_not_count():
    """Each scene has one point alone, real and fake in one place: only images of other scenes tell a class."""
    kinds = ["authentic", "edit"] * 15
    rows = pd.DataFrame(dict(kind=kinds, label=[0, 1] * 15, scene=[f"s{i // 2}" for i in range(30)]))
    parted = np.array([0.0, 100.0] * 15)[:, None] + np.linspace(0, 1, 30)[:, None]
    points = [dict(extractor=np.repeat(np.arange(15.0), 2)[:, None], final=parted)]
    found = scoring.neighbours(rows, points, k=3)
    assert (found["knn_final"] == 1).all() and found["knn_extractor"].mean() < 1
    assert scoring.neighbours(rows.head(4), [{"final": parted[:4]}], k=3)["knn_final"].isna().all()
