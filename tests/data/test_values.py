"""What a mask's stored values mean: read rightly or refused by name, never authentic in silence."""

import cv2
import numpy as np
import pytest
from PIL import Image

from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from imdlib.data.readers import values
from tests.data.disk import photo, region, stored

pytestmark = pytest.mark.usefixtures("own_cache")

SIZE = (96, 128)
MASK = region(*SIZE, box=(20, 60, 30, 80))
SOFT = np.clip(MASK * 255.0, 0, 255)
for _ in range(2):  # a border of two pixels
    padded = np.pad(SOFT, 1, mode="edge")
    SOFT = sum(padded[y : y + SIZE[0], x : x + SIZE[1]] for y in range(3) for x in range(3)) / 9
OTHER = region(*SIZE, box=(70, 90, 90, 120))
RAMP = np.linspace(0, 255, SIZE[1])[None].repeat(SIZE[0], 0)


def grey(low, high, kind=np.uint8):
    return Image.fromarray(np.where(MASK, high, low).astype(kind))


def colours(inside, outside=(0, 0, 0), other=None):
    picture = np.where(MASK[..., None], np.uint8(inside), np.uint8(outside))
    return Image.fromarray(picture if other is None else np.where(OTHER[..., None], np.uint8(other), picture))


def palette(entries, indices=MASK):
    picture = Image.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette([channel for entry in entries for channel in entry])
    return picture


def alpha(colour, opaque=MASK):
    shown = np.full((*SIZE, 4), (*colour, 0), np.uint8)
    shown[..., 3] = 255 * opaque
    return Image.fromarray(shown)


VOC = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
READ = {
    "one bit": (Image.fromarray(MASK.astype(bool)), ".png"),
    "0 and 1": (grey(0, 1), ".png"),
    "0 and 255": (grey(0, 255), ".bmp"),
    "0 and 128": (grey(0, 128), ".png"),
    "60 and 200": (grey(60, 200), ".tif"),
    "palette of black and white": (palette([(0, 0, 0), (255, 255, 255)]), ".png"),
    "palette as in VOC": (palette(VOC), ".png"),
    "palette as in VOC, another class": (palette(VOC, 3 * MASK), ".png"),
    "palette in a GIF": (grey(0, 255).convert("P"), ".gif"),
    "grey with alpha": (grey(0, 255).convert("LA"), ".png"),
    "RGB": (grey(0, 255).convert("RGB"), ".png"),
    "RGBA": (grey(0, 255).convert("RGBA"), ".tif"),
    "red": (colours((255, 0, 0)), ".png"),
    "dark blue": (colours((0, 0, 90)), ".png"),
    "red and see-through": (
        Image.fromarray(np.dstack([MASK * 255, 0 * MASK, 0 * MASK, MASK * 255]).astype("u1")),
        ".png",
    ),
    "red as JPEG": (colours((255, 0, 0)), ".jpg"),
    "16 bits": (grey(0, 65535, np.uint16), ".png"),
    "0 and 255 in 16 bits": (grey(0, 255, np.uint16), ".tif"),
    "0 and 1 in 16 bits": (grey(0, 1, np.uint16), ".png"),
    "white in 16 bits of three channels": (np.dstack([MASK.astype(np.uint16) * 65535] * 3), ".16.png"),
    "floating point": (grey(0, 1, np.float32), ".tif"),
    "floating point to 255": (grey(0, 255, np.float32), ".tif"),
    "JPEG": (grey(0, 255), ".jpg"),
    "RGB JPEG": (grey(0, 255).convert("RGB"), ".jpeg"),
    "smoothed border": (Image.fromarray(SOFT.round().astype(np.uint8)), ".png"),
    "npy of bool": (MASK.astype(bool), ".npy"),
    "npy of bytes": (MASK * np.uint8(255), ".npy"),
    "npy of floats": (MASK.astype(np.float64), ".npy"),
}
REFUSED = {
    "opaque alone, black": (alpha((0, 0, 0)), ".png"),
    "opaque alone, white": (alpha((255, 255, 255), 1 - MASK), ".png"),
    "grey with marks in alpha": (alpha((9, 9, 9)).convert("LA"), ".png"),
    "0 and 38": (grey(0, 38), ".png"),
    "200 and 255": (grey(200, 255), ".png"),
    "one class everywhere": (grey(7, 7), ".png"),
    "class ids": (Image.fromarray(MASK + 3 * OTHER), ".png"),
    "class ids with a void of 255": (Image.fromarray(MASK + np.uint8(255) * OTHER), ".png"),
    "trimap": (Image.fromarray(MASK * np.uint8(255) + OTHER * np.uint8(128)), ".png"),
    "trimap as JPEG": (Image.fromarray(MASK * np.uint8(255) + OTHER * np.uint8(128)), ".jpg"),
    "0 and 128 as JPEG": (grey(0, 128), ".jpg"),
    "0 and 1 as JPEG": (grey(0, 2), ".jpg"),
    "4 bits of 8": (grey(0, 15), ".png"),
    "12 bits in 16": (grey(0, 4095, np.uint16), ".png"),
    "15 bits in 16": (grey(0, 32767, np.uint16), ".tif"),
    "percent": (grey(0, 100, np.float32), ".tif"),
    "no number": (grey(0, np.nan, np.float32), ".tif"),
    "32 bits": (grey(0, 1 << 20, np.int32), ".tif"),
    "a soft map": (Image.fromarray(RAMP.astype(np.uint8)), ".png"),
    "a soft map of floats": (Image.fromarray((RAMP / 255).astype(np.float32)), ".tif"),
    "red and green": (colours((255, 0, 0), other=(0, 255, 0)), ".png"),
    "red on white": (colours((255, 0, 0), (255, 255, 255)), ".png"),
    "red on grey": (colours((255, 0, 0), (90, 90, 90)), ".png"),
    "three classes of a palette": (palette(VOC, MASK + 2 * OTHER), ".png"),
    "a palette of one colour": (palette([(0, 0, 0), (0, 0, 0)]), ".png"),
    "channels of an npy": (np.dstack([MASK] * 3), ".npy"),
    "colours of 16 bits": (np.dstack([MASK.astype(np.uint16) * 255] * 3), ".16.png"),
    "text in an npy": (np.array([["a"]]), ".npy"),
}


def disk(root, mask, suffix):
    """A folder of one tampered image with this mask, and one image without."""
    photo(root / "images" / "t.png", *SIZE)
    photo(root / "images" / "au.png", *SIZE, seed=1)
    (root / "masks").mkdir()
    if suffix == ".npy":
        np.save(root / "masks" / "t.npy", mask)
    elif suffix == ".16.png":
        cv2.imwrite(str(root / "masks" / "t.png"), mask)
    else:
        mask.save(root / "masks" / f"t{suffix}", **({"quality": 90} if suffix.startswith(".j") else {}))
    return root


@pytest.mark.parametrize("name", READ)
def test_what_is_read(name, tmp_path):
    manifest = catalog.read("folder", disk(tmp_path, *READ[name]))
    assert dict(zip(manifest["scene"], manifest["label"])) == {"t": 1, "au": 0}
    wrong = stored(manifest, "t.png") != MASK
    assert wrong.sum() <= (60 if ".j" in READ[name][1] else 8 if "border" in name else 0)  # along the border


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_by_name(name, tmp_path):
    root = disk(tmp_path, *REFUSED[name])
    with pytest.raises(CatalogError, match=r"masks/t\.\w+: ") as caught:
        catalog.read("folder", root)
    assert "expected" in str(caught.value)
    manifest = catalog.read("folder", root, on_error="skip")
    assert manifest["scene"].tolist() == ["au"] and catalog.left_out(manifest)["file"].str.endswith("t.png").all()


def test_frames_of_a_mask(tmp_path):
    root = disk(tmp_path, grey(0, 255), ".png")
    (root / "masks" / "t.png").unlink()
    grey(0, 255).save(root / "masks" / "t.tif", save_all=True, append_images=[grey(255, 0)])
    with pytest.raises(CatalogError, match="t.tif: .*several frames or pages"):
        catalog.read("folder", root)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("0 and 38", [38]),
        ("12 bits in 16", [4095]),
        ("class ids", [1]),
        ("opaque alone, black", [255]),
        ("three classes of a palette", [1]),
        ("percent", [100.0]),
    ],
)
def test_what_values_mean_can_be_said(name, meaning, tmp_path):
    root = disk(tmp_path, *REFUSED[name])
    assert np.array_equal(stored(catalog.read("folder", root, mask_values=meaning), "t.png"), MASK)
    (root / "mask_values.txt").write_text(" ".join(map(str, meaning)))
    assert np.array_equal(stored(catalog.read("folder", root), "t.png"), MASK)
    (root / "mask_values.txt").write_text("white")
    with pytest.raises(CatalogError, match="mask_values.txt: cannot be read as numbers"):
        catalog.read("folder", root)


@pytest.mark.parametrize("meaning", [[77], [38, 77], (), [float("nan")], [1e400], 77, "white"])
def test_values_that_no_mask_holds_make_nothing_authentic(meaning, tmp_path):
    masks = {"a": np.where(MASK > 0, 38, 0), "b": np.where(MASK > 0, 75, 0)}
    for name, stored_mask in masks.items():
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(np.uint8(stored_mask)).save(tmp_path / folder / f"{name}.png")
    with pytest.raises(CatalogError, match="mask_values.txt: .*expected numbers such as 38 75"):
        catalog.read("folder", tmp_path, mask_values=meaning)
    found = catalog.read("folder", tmp_path, mask_values=[38])  # the other is of a class that is not tampered
    assert sorted(found["label"]) == [0, 1]
    Image.fromarray(np.uint8(masks["a"])).save(tmp_path / "masks" / "b.png")
    assert catalog.read("folder", tmp_path, mask_values=[38, 77])[
        "label"
    ].all()  # a class that this part of a set lacks


def test_colours_cannot_be_named_by_values(tmp_path):
    with pytest.raises(CatalogError, match="colours"):
        catalog.read("folder", disk(tmp_path, *REFUSED["red and green"]), mask_values=[255])


def test_empty_and_full_masks(tmp_path):
    for value, expected in ((0, 0), (255, 1)):
        Image.new("L", (5, 4), value).save(tmp_path / "mask.png")
        assert (values.tampered(tmp_path / "mask.png") == expected).all()


@pytest.mark.parametrize(("dataset", "suffix"), [("imd2020", "png"), ("dolos", "png")])
def test_a_reader_s_own_rule_does_not_decide_in_silence(dataset, suffix, tmp_path):
    """All or nothing of a mask whose pixels differ is refused for them too."""
    if dataset == "imd2020":
        photo(tmp_path / "a" / "x_0.png", *SIZE)
        target = tmp_path / "a" / "x_0_mask.png"
        photo(tmp_path / "b" / "y_0.png", *SIZE)
        grey(0, 9).save(tmp_path / "b" / "y_0_mask.png")
        wrong = grey(3, 9)
    else:
        photo(tmp_path / "dolos/celebahq/fake/lama/images/test/x.png", *SIZE)
        photo(tmp_path / "dolos/celebahq/real/test/x.png", *SIZE)
        target = tmp_path / "dolos/celebahq/fake/lama/masks/test/x.png"
        target.parent.mkdir(parents=True)
        wrong = grey(0, 254)
    wrong.save(target)
    with pytest.raises(CatalogError, match=f"{target.name}: a mask of different pixels, all of which read as tampered"):
        catalog.read(dataset, tmp_path)


def test_no_mask_is_decoded_once_all_values_were_seen(tmp_path, monkeypatch):
    files = [tmp_path / f"{name}.png" for name in "abc"]
    for file in files:
        Image.fromarray(np.uint8(np.where(MASK > 0, 38, 0))).save(file)
    looked, read = [], values.named_values
    monkeypatch.setattr(values, "named_values", lambda file: looked.append(file) or read(file))
    assert values.unnamed(files, [38.0]) == ([], None) and looked == files[:1]
    assert values.unnamed(files, [77.0]) == ([77.0], files[0])
