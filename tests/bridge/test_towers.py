"""Frozen tower, its weights, the cache of features, and the stand-in's interface; damage first."""

import math

import cv2
import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

from imdlib.bridge.towers import cache, clip, standin
from imdlib.bridge.towers.clip import CLIP_MEAN, CLIP_STD, Tower
from imdlib.twins.camera import CAMERAS
from imdlib.twins.photographs import photographs, tiles
from imdlib.twins.shipped import save_weights

NAME = "vit_base_patch32_clip_224.openai"


@pytest.fixture
def tiny(monkeypatch):
    """Stands in for a CLIP tower of 86 M parameters: timm.create_model makes one of 20 thousand under the same name."""

    def create(name, pretrained=False, **_):
        if pretrained:
            raise ConnectionError("no route")
        torch.manual_seed(len(name))
        return VisionTransformer(
            img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=2, num_classes=10, pre_norm=True
        )

    monkeypatch.setattr(timm, "create_model", create)
    return create


@pytest.fixture
def weights(tiny, tmp_path):
    torch.manual_seed(3)
    vit = VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=2, num_heads=2, num_classes=10, pre_norm=True
    )
    path = tmp_path / "model.safetensors"
    save_file(vit.state_dict(), path)
    return path, vit.eval()


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for i in range(5):
        files.append(tmp_path / f"{i}.png")
        cv2.imwrite(str(files[-1]), rng.integers(0, 256, (40 + i, 50, 3), dtype=np.uint8))
    return files


def test_names_of_the_reference_exist_in_timm():
    for name in (clip.CLIP, "vit_large_patch14_clip_224.openai", "vit_base_patch16_clip_224.openai", NAME):
        config = timm.get_pretrained_cfg(name)
        assert config.mean == CLIP_MEAN and config.std == CLIP_STD and config.input_size == (3, 224, 224)


def test_absent_weights_say_how_to_get_them(tiny, tmp_path):
    with pytest.raises(OSError, match=rf"timm/{NAME} model.safetensors.*standin"):
        Tower(NAME)
    with pytest.raises(FileNotFoundError, match=rf"there is no such file.*huggingface.co/timm/{NAME}"):
        Tower(NAME, weights=tmp_path / "absent.safetensors")


def test_wrong_weights_are_refused(weights, tmp_path):
    path, vit = weights
    state = vit.state_dict()
    state["blocks.1.attn.qkv.weight"] = state["blocks.1.attn.qkv.weight"][:5]
    del state["norm.weight"]
    save_file(state, tmp_path / "wrong.safetensors")
    with pytest.raises(ValueError, match="2 of .* tensors are missing or of another shape"):
        Tower(NAME, weights=tmp_path / "wrong.safetensors")
    with pytest.raises(ValueError, match="name='resnet50'.*vision transformer that timm knows"):
        Tower("resnet50")


def test_weights_without_the_projection_serve_for_tokens_only(weights, tmp_path):
    path, vit = weights
    state = {key: value for key, value in vit.state_dict().items() if not key.startswith("head.")}
    save_file(state, tmp_path / "backbone.safetensors")
    assert Tower(NAME, weights=tmp_path / "backbone.safetensors").shape == (17, 24)
    with pytest.raises(ValueError, match="head.weight"):
        Tower(NAME, weights=tmp_path / "backbone.safetensors", pooled=True)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_tokens_are_those_of_the_saved_network(weights, suffix, tmp_path):
    path, vit = weights
    if suffix == ".pt":
        path = tmp_path / "model.pt"
        torch.save(vit.state_dict(), path)
    images = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    with torch.no_grad():
        expected = vit.norm(vit.blocks(vit.norm_pre(vit._pos_embed(vit.patch_embed((images - mean) / std)))))
        tower, pooled = Tower(NAME, weights=path), Tower(NAME, weights=path, pooled=True)
        torch.testing.assert_close(tower(images), expected)
        torch.testing.assert_close(pooled(images)[:, 0], vit.head(expected[:, 0]))
    assert tower.shape == (17, 24) and pooled.shape == (1, 10)
    assert tower(images).shape[1:] == tower.shape and pooled(images).shape[1:] == pooled.shape


def test_the_tower_is_frozen(weights):
    tower = Tower(NAME, weights=weights[0]).train()
    assert not any(module.training for module in tower.modules())
    assert not any(p.requires_grad for p in tower.parameters())
    assert not tower(torch.rand(1, 3, 32, 32, requires_grad=True)).requires_grad


def test_prepare_keeps_the_whole_image_and_its_range(weights):
    tower = Tower(NAME, weights=weights[0])
    image = torch.zeros(3, 64, 200, dtype=torch.uint8)
    image[:, :, 100:] = 255
    prepared = tower.prepare(image)
    assert prepared.shape == (3, 32, 32) and prepared.min() >= 0 and prepared.max() <= 1
    assert prepared[:, :, :14].max() < 0.01 and prepared[:, :, 18:].min() > 0.99


def test_identity_tells_weights_and_form_apart(weights, tmp_path):
    path, vit = weights
    one, pooled = Tower(NAME, weights=path), Tower(NAME, weights=path, pooled=True)
    with torch.no_grad():
        vit.norm.bias[0] += 1e-3
    save_file(vit.state_dict(), tmp_path / "other.safetensors")
    other = Tower(NAME, weights=tmp_path / "other.safetensors")
    assert len({one.identity, pooled.identity, other.identity}) == 3
    assert one.identity == Tower(NAME, weights=path).identity


class Counting(torch.nn.Module):
    """A tower that notes how many images it was given."""

    shape, identity, seen = (2, 3), "counting", 0

    def prepare(self, image):
        return image[:, :8, :8].float() / 255

    def forward(self, images):
        Counting.seen += len(images)
        return images.flatten(2)[:, :, :2].transpose(1, 2)


@pytest.fixture
def counting():
    Counting.seen = 0
    return Counting()


def test_no_images(counting, tmp_path):
    found = cache.extract(counting, [], folder=tmp_path / "cache")
    assert len(found) == 0 and counting.seen == 0


@pytest.mark.parametrize("damage", [b"", b"rubbish", "cut", "shape"])
def test_a_damaged_file_is_made_anew(counting, images, tmp_path, damage):
    before = cache.extract(counting, images, folder=tmp_path / "cache", batch_size=2)
    assert counting.seen == 5
    path = before.paths[3]
    if damage == "shape":
        save_file({"tokens": torch.zeros(2, 2, dtype=torch.float16)}, path)
    else:
        path.write_bytes(path.read_bytes()[:-3] if damage == "cut" else damage)
    after = cache.extract(counting, images, folder=tmp_path / "cache", batch_size=2)
    assert counting.seen == 6
    assert all(torch.equal(after[i], before[i]) for i in range(5))


def test_found_by_content_wherever_the_image_lies(counting, images, tmp_path):
    first = cache.extract(counting, images, folder=tmp_path / "cache")
    moved = tmp_path / "elsewhere.png"
    moved.write_bytes(images[2].read_bytes())
    again = cache.extract(counting, [moved, images[0], moved], folder=tmp_path / "cache")
    assert counting.seen == 5 and torch.equal(again[0], first[2]) and torch.equal(again[1], first[0])
    assert not list((tmp_path / "cache").rglob("*.part"))
    counting.identity = "another"
    cache.extract(counting, images[:1], folder=tmp_path / "cache")
    assert counting.seen == 6


@pytest.mark.parametrize("memory", [0, 2**20])
def test_features_are_half_precision_of_what_the_tower_says(counting, images, tmp_path, memory):
    found = cache.extract(counting, images, folder=tmp_path, batch_size=2, memory=memory)
    assert (found.held is None) == (memory == 0) and len(found) == 5
    for i, file in enumerate(images):
        pixels = torch.from_numpy(cv2.imread(str(file))[:8, :8, ::-1].copy()).permute(2, 0, 1).float() / 255
        assert found[i].dtype == torch.float16 and torch.equal(found[i], counting(pixels[None])[0].half())


def test_features_beyond_half_precision_are_refused(counting, images, tmp_path):
    counting.prepare = lambda image: torch.full((3, 8, 8), 1e6)
    with pytest.raises(ValueError, match="beyond the range of float16"):
        cache.extract(counting, images[:1], folder=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".part", ".safetensors")]


def test_photographs_are_repeatable_and_labelled():
    pictures, camera, quality = photographs(2, 48, seed=4)
    again = photographs(3, 48, seed=4)
    assert pictures.shape == (12, 3, 48, 48) and pictures.dtype == np.uint8
    assert np.array_equal(pictures, again[0][:12]) and np.array_equal(quality, again[2][:12])
    assert camera.tolist() == [*range(len(CAMERAS))] * 2
    assert not np.array_equal(pictures, photographs(2, 48, seed=4, purpose="other")[0])
    cut = tiles(pictures, 16)
    assert cut.shape == (108, 3, 16, 16)
    assert np.array_equal(cut[9 + 5], pictures[1][:, 16:32, 32:48])


def test_stand_in_prepares_native_pixels():
    tower = standin.StandIn(32)
    image = torch.randint(0, 256, (3, 72, 40), dtype=torch.uint8)
    assert torch.equal(tower.prepare(image), image[:, 16:48, 0:32].float() / 255)  # offsets are whole JPEG blocks
    small = tower.prepare(image[:, :20, :10])
    assert small.shape == (3, 32, 32) and torch.equal(small[:, 6:26, 11:21], image[:, :20, :10].float() / 255)
    with pytest.raises(ValueError, match="size=40: expected a multiple of 16"):
        standin.StandIn(40)


def test_stand_in_is_the_shipped_one_and_frozen():
    tower, again = standin.stand_in(32), standin.stand_in(64)
    assert tower.identity.split()[-1] == again.identity.split()[-1] and tower.identity != again.identity
    assert not tower.training and not any(p.requires_grad for p in tower.parameters())
    with torch.no_grad():
        tokens = again(torch.rand(2, 3, 64, 64))
        assert tokens.shape[1:] == again.shape == (17, 192)
        assert tower(torch.rand(2, 3, 32, 32)).shape[1:] == tower.shape == (5, 192)
        with torch.autocast("cpu", torch.bfloat16):
            images = torch.rand(2, 3, 32, 32)
            inside = tower(images)
        assert inside.dtype == torch.float32 and torch.equal(inside, tower(images))
    camera, quality = again.logits(torch.rand(2, 3, 64, 64))
    assert camera.shape == (2, 6) and quality.shape == (2, 4)


def test_a_step_of_training_moves_the_stand_in_and_what_is_written_is_read(tmp_path):
    trained, losses = standin.fit(steps=2, scenes=1, progress=False)
    assert len(losses) == 2 and all(math.isfinite(loss) for loss in losses) and losses[0] != losses[1]
    read = standin.stand_in(64, weights=save_weights(trained, tmp_path / "tower.safetensors"))
    for key, value in read.state_dict().items():
        torch.testing.assert_close(value, trained.state_dict()[key], rtol=2**-10, atol=2**-24)


def test_missing_and_damaged_weights_of_the_stand_in_are_named(tmp_path):
    file = tmp_path / "standin.safetensors"
    with pytest.raises(FileNotFoundError, match="standin.safetensors.*missing"):
        standin.stand_in(weights=file)
    file.write_bytes(standin.WEIGHTS.read_bytes()[:-100])
    with pytest.raises(ValueError, match="standin.safetensors.*damaged"):
        standin.stand_in(weights=file)


def test_stand_in_names_cameras_far_above_chance():
    found = standin.accuracy(standin.stand_in(64), scenes=10)
    assert found["camera"] > 3 * found["camera_chance"] and found["quality"] > 1.3 * found["quality_chance"]
    assert math.isclose(found["camera_chance"], 1 / 6)
