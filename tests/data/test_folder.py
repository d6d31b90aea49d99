"""A plain folder: which mask belongs to which image, and what images.csv may say."""

import os

import numpy as np
import pytest

from imdlib import data
from imdlib.data import catalog
from imdlib.data.catalog import CatalogError
from tests.data.disk import mask, photo, region, row, stored

pytestmark = pytest.mark.usefixtures("own_cache")

NONE = np.zeros((24, 36), np.uint8)


def disk(root, images, masks):
    for name in images:
        photo(root / "images" / name)
    for name in masks:
        if name.endswith((".png", ".bmp", ".jpg")):
            mask(root / "masks" / name)
        else:
            (root / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "masks" / name).write_bytes(b"x")
    return root


JOINED = {  # images, masks, the images that are tampered
    "exact": (["a.jpg", "b.jpg"], ["a.png"], ["a.jpg"]),
    "endings": (
        ["a.jpg", "b.png", "c.tif", "d.jpg"],
        ["a_mask.png", "b-gt.bmp", "c_GT.png"],
        ["a.jpg", "b.png", "c.tif"],
    ),
    "prefixes": (["a.jpg", "b.jpg", "c.jpg"], ["mask_a.png", "gt-b.png"], ["a.jpg", "b.jpg"]),
    "the image's whole name": (["a.jpg", "a.png"], ["a.jpg.png"], ["a.jpg"]),
    "an exact name before an ending": (["cat.jpg", "cat_mask.jpg"], ["cat_mask.png"], ["cat_mask.jpg"]),
    "an exact name before a prefix": (["gt_a.jpg", "a.jpg"], ["gt_a.png"], ["gt_a.jpg"]),
    "both of them": (["cat.jpg", "cat_mask.jpg"], ["cat_mask.png", "cat.png"], ["cat.jpg", "cat_mask.jpg"]),
    "folders": (["in/a.jpg", "out/a.jpg"], ["in/a_mask.png"], ["in/a.jpg"]),
    "a mask in no folder": (["in/a.jpg", "out/b.jpg"], ["a.png"], ["in/a.jpg"]),
    "accents in two forms": (["\u00e9.jpg", "b.jpg"], ["e\u0301_mask.png"], ["\u00e9.jpg"]),
    "dots": (["a.b.jpg", "a.c.jpg"], ["a.b.png"], ["a.b.jpg"]),
    "a note beside a mask": (["a.jpg", "b.jpg"], ["a.png", "a.json", "readme.txt"], ["a.jpg"]),
    "nothing but an ending": (["_mask.jpg", "gt_.jpg", "b.jpg"], ["_mask.png"], ["_mask.jpg"]),
    "no text": (
        ["\udce9a.jpg", "b.jpg"],
        ["\udce9a_mask.png"],
        ["\udce9a.jpg"],
    ),  # as zips of other systems leave names
    "numbered": (["a.jpg", "b.jpg"], ["a_mask_1.png", "a_mask2.png"], ["a.jpg"]),
}
REFUSED = {  # images, masks, words of the message
    "two folders": (
        ["in/a.jpg", "out/a.jpg"],
        ["a.png"],
        "masks/a.png: one mask for 2 images: .*in/a.jpg, .*out/a.jpg",
    ),
    "two formats": (["a.jpg", "a.png"], ["a.png"], "masks/a.png: one mask for 2 images"),
    "no image": (["a.jpg"], ["b.png"], "masks/b.png: no image of its name"),
    "another folder": (["a.jpg"], ["in/a.png"], "masks/in/a.png: no image of its name"),
    "two masks": (["a.jpg"], ["a.png", "a_gt.png"], "masks/a_gt.png: one of several masks of a.jpg .beside a.png"),
    "two formats of a mask": (["a.jpg"], ["a.png", "a.bmp"], "masks/a.bmp: one of several masks"),
    "a form that is not read": (["a.jpg", "b.jpg"], ["a.mat"], "masks/a.mat: a mask of a form that is not read"),
    "a form that is not read, of two": (["in/a.jpg", "out/a.jpg"], ["a_mask.npz"], "a_mask.npz: a mask of a form"),
}


@pytest.mark.parametrize("name", JOINED)
def test_whose_mask_it_is(name, tmp_path):
    images, masks, tampered = JOINED[name]
    manifest = catalog.read("folder", disk(tmp_path, images, masks))
    found = {path.split("/images/")[1]: label for path, label in zip(manifest["image"], manifest["label"])}
    assert found == {image: int(image in tampered) for image in images}


@pytest.mark.parametrize("name", REFUSED)
def test_masks_of_no_single_image(name, tmp_path):
    images, masks, words = REFUSED[name]
    disk(tmp_path, images, masks)
    photo(tmp_path / "images" / "sound.jpg")
    with pytest.raises(CatalogError, match=words):
        catalog.read("folder", tmp_path)
    assert not any(
        path.endswith("a.jpg") for path in catalog.read("folder", tmp_path, on_error="skip")["image"]
    ) or name in ("no image", "another folder")


def test_a_mask_that_is_all_ending_is_of_no_image(tmp_path):
    with pytest.raises(CatalogError, match="masks/mask_.png: no image of its name"):
        catalog.read("folder", disk(tmp_path, ["a.jpg"], ["mask_.png"]))


def test_numbered_masks_are_united(tmp_path):
    disk(tmp_path, ["a.jpg"], [])
    first, second = region(), region(box=(12, 20, 25, 30))
    mask(tmp_path / "masks" / "a_mask1.png", first)
    path = mask(tmp_path / "masks" / "a_mask2.png", second)
    manifest = catalog.read("folder", tmp_path)
    assert (
        np.array_equal(stored(manifest, "a.jpg"), first | second) and row(manifest, "a.jpg")["note"] == "2 masks united"
    )
    mask(path, region(box=(0, 3, 0, 3)))
    assert np.array_equal(stored(catalog.read("folder", tmp_path), "a.jpg"), first | region(box=(0, 3, 0, 3)))
    mask(path, region(20, 36))
    with pytest.raises(CatalogError, match="a_mask2.png: a mask of 36x20 pixels"):
        catalog.read("folder", tmp_path)


@pytest.mark.parametrize("folder", ["mask", "Masks", "gt", "GroundTruth", "edge_masks", "annotations"])
def test_masks_in_a_folder_of_another_name(folder, tmp_path):
    disk(tmp_path, ["a.jpg"], [])
    mask(tmp_path / folder / "a.png")
    with pytest.raises(CatalogError, match=f"{folder}/: a folder that looks like one of masks"):
        catalog.read("folder", tmp_path)
    (tmp_path / folder).rename(tmp_path / "maps")
    assert "not looked at" in catalog.left_out(catalog.read("folder", tmp_path))["why"][0]


def test_masks_among_the_images(tmp_path):
    disk(tmp_path, ["a.jpg", "b.jpg", "b_mask.jpg"], [])  # b_mask.jpg is a photograph
    mask(tmp_path / "images" / "a_mask.png")
    with pytest.raises(CatalogError, match="1 problem\n.*a_mask.png: looks like a mask among the images"):
        catalog.read("folder", tmp_path)
    (tmp_path / "images" / "a_mask.png").rename(tmp_path / "images" / "a.png")
    with pytest.raises(CatalogError, match="a.png: looks like a mask among the images"):
        catalog.read("folder", tmp_path)


def test_folders_that_say_what_their_images_are(tmp_path):
    """As in Au/ and Tp/: a tampered image without a mask is not authentic in silence, nor a mask of an authentic one."""
    disk(tmp_path, ["Tp/a.jpg", "Au/b.jpg", "x/c.jpg"], ["Tp/a.png"])
    manifest = catalog.read("folder", tmp_path)
    assert dict(zip(manifest["scene"], manifest["label"])) == {"Tp/a": 1, "Au/b": 0, "x/c": 0}
    photo(tmp_path / "images" / "Tp" / "d.jpg")
    mask(tmp_path / "masks" / "Au" / "b.png")
    with pytest.raises(CatalogError) as caught:
        catalog.read("folder", tmp_path)
    assert "Tp/d.jpg: no mask, though its folder calls it tampered" in str(caught.value)
    assert "Au/b.jpg: its folder calls it the other than its mask b.png" in str(caught.value)
    (tmp_path / "images.csv").write_text("image,kind\nTp/a.jpg,removal\nTp/d.jpg,generated\nAu/b.jpg,edit\nx/c.jpg,\n")
    assert catalog.read("folder", tmp_path)["label"].tolist() == [1, 1, 1, 0]


def test_images_under_another_suffix(tmp_path):
    disk(tmp_path, ["a.jpg", "b.jpeg", "c.JPG", "d.jfif", "e.jpg"], [])
    (tmp_path / "images" / "e.jpg").rename(tmp_path / "images" / "e.picture")
    (tmp_path / "images" / "notes.txt").write_text("mine")
    with pytest.raises(CatalogError, match="1 problem\n.*e.picture: an image with the suffix '.picture'"):
        catalog.read("folder", tmp_path)
    manifest = catalog.read("folder", tmp_path, on_error="skip")
    assert len(manifest) == 4 and catalog.left_out(manifest)["file"].tolist() == [f"{tmp_path}/images/notes.txt"]


# ---- images.csv ------------------------------------------------------------------------------------------------------


CONTRADICTIONS = {  # lines of images.csv, words of the message
    "label 0, mask not black": (
        ["image,label", "a.jpg,0"],
        "a.jpg: authentic in images.csv, but its mask a.png has tampered",
    ),
    "label 1, black mask": (
        ["image,label,mask", "b.jpg,1,black.png"],
        "b.jpg: tampered in .*, but its mask black.png has no",
    ),
    "named twice": (["image,label", "a.jpg,1", "a.jpg,1"], "images.csv: line 3 names a.jpg again"),
    "one mask, two images": (["image,mask", "a.jpg,a.png", "b.jpg,a.png"], "a.png: one mask for 2 images"),
    "two masks, one image": (
        ["image,mask", "a.jpg,black.png"],
        "a.png: has the name of a.jpg, whose mask is black.png",
    ),
    "no such mask": (["image,mask", "a.jpg,gone.png"], "images.csv: line 2 names the mask gone.png, which is not in"),
    "a mask outside": (["image,mask", "b.jpg,../outside.png"], "names the mask ../outside.png, which is not in masks/"),
    "an image outside": (["image,label", "../outside.png,0"], "names ../outside.png, which is not in images/"),
    "an absolute name": (["image,label", "/etc/a.jpg,0"], "names /etc/a.jpg, which is not in images/"),
    "another label": (["image,label", "a.jpg,yes"], "a.jpg: label yes and kind none"),
    "no column image": (["picture,label", "a.jpg,1"], "images.csv: has no column image"),
    "semicolons": (["image;label", "a.jpg;1"], "images.csv: has no column image, only image;label"),
    "an unknown column": (["image,lable", "a.jpg,1"], "images.csv: columns lable"),
    "more fields than columns": (["image,label", "a.jpg,1,2,3", "b.jpg,1,1,1"], "images.csv: |a.jpg: "),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_what_a_list_may_not_say(name, tmp_path):
    lines, words = CONTRADICTIONS[name]
    root = disk(tmp_path / "set", ["a.jpg", "b.jpg"], ["a.png"])
    mask(root / "masks" / "black.png", NONE)
    mask(tmp_path / "set" / "outside.png")
    (root / "images.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(CatalogError, match=words):
        catalog.read("folder", root)


def test_a_list_that_is_no_text(tmp_path):
    disk(tmp_path, ["a.jpg"], [])
    (tmp_path / "images.csv").write_bytes(b"image,note\na.jpg,caf\xe9\n")
    with pytest.raises(CatalogError, match="images.csv: cannot be read"):
        catalog.read("folder", tmp_path)
    (tmp_path / "images.csv").write_bytes("\ufeffimage,note\na.jpg,caf\xe9\n".encode())
    assert row(catalog.read("folder", tmp_path), "a.jpg")["note"] == "caf\xe9"


def test_what_a_list_does_not_name_is_left_out(tmp_path):
    disk(tmp_path, ["a.jpg", "b.jpg"], ["a.png", "b.png"])
    (tmp_path / "images.csv").write_text("image,label\na.jpg,1\n")
    left = catalog.left_out(catalog.read("folder", tmp_path))
    assert sorted(path.rsplit("/", 1)[1] for path in left["file"]) == ["b.jpg", "b.png"]
    assert left["why"].eq("not named in images.csv").all()


def test_a_list_finds_names_whatever_form_their_accents_have_and_has_lines(tmp_path):
    disk(tmp_path, ["e\u0301.jpg", "b.jpg"], ["e\u0301.png"])
    (tmp_path / "images.csv").write_text("image,mask,label\n\u00e9.jpg,\u00e9.png,1\nb.jpg,,0\n", encoding="utf-8")
    assert sorted(catalog.read("folder", tmp_path)["label"]) == [0, 1]
    disk(tmp_path, ["\u00e9.jpg"], [])  # now both forms are there: each line means its own
    (tmp_path / "images.csv").write_text(
        "image,label,mask\n\u00e9.jpg,0,\ne\u0301.jpg,1,e\u0301.png\nb.jpg,0,\n", encoding="utf-8"
    )
    found = catalog.read("folder", tmp_path).set_index("image")["label"]
    assert found[str(tmp_path / "images" / "\u00e9.jpg")] == 0 and found[str(tmp_path / "images" / "e\u0301.jpg")] == 1
    (tmp_path / "images.csv").write_text("image,mask,label\n")
    with pytest.raises(CatalogError, match="images.csv: no line but its heading"):
        catalog.read("folder", tmp_path)


# ---- several folders of one root -------------------------------------------------------------------------------------


def test_folders_by_name_and_joined(tmp_path):
    disk(tmp_path / "one", ["a.jpg", "b.jpg"], ["a.png"])
    disk(tmp_path / "two", ["a.jpg"], ["a.png"])
    disk(tmp_path / "two", [], ["odd.png"])
    with pytest.raises(CatalogError, match="'folder:one' is one of them"):
        catalog.read("folder", tmp_path)
    for wrong in ("folder:three", "folder:", "folder:../one", "folder:one/images"):
        with pytest.raises(CatalogError, match="name one of those with images/ in them: folder:one, folder:two"):
            catalog.read(wrong, tmp_path)
    (tmp_path / "one").rename(tmp_path / "a+b")
    with pytest.raises(
        CatalogError, match="images/ in them: folder:two$"
    ):  # + joins names: this folder has to be renamed
        data.load("folder:a+b", str(tmp_path))
    (tmp_path / "a+b").rename(tmp_path / "one")
    with pytest.raises(CatalogError, match="odd.png: no image of its name"):
        data.load("folder:one+folder:two", str(tmp_path))
    both = data.load("folder:one+folder:two", str(tmp_path), on_error="skip")
    assert both["dataset"].tolist() == ["folder:one"] * 2 + ["folder:two"]
    assert catalog.problems(both)["file"].str.endswith("two/masks/odd.png").tolist() == [True]


def test_where_the_folder_is_looked_for(tmp_path, monkeypatch):
    """A relative path counts from the repository wherever a notebook was started; ~ is the home folder."""
    disk(tmp_path / "home" / "mine", ["a.jpg"], [])
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert len(data.load("folder", "~/mine")) == 1 and data.identity("folder", "~/mine")
    monkeypatch.setattr("imdlib.places.REPO", tmp_path / "home")
    monkeypatch.chdir(tmp_path)
    assert len(data.load("folder", "mine")) == 1


@pytest.mark.parametrize("there, said", [("link", "is a link to what is not there"), ("file", "is a file")])
def test_masks_that_are_no_folder_make_no_image_authentic(there, said, tmp_path):
    disk(tmp_path, ["a.png"], [])
    if there == "link":
        (tmp_path / "masks").symlink_to(tmp_path / "nowhere")
    else:
        (tmp_path / "masks").write_text("no folder")
    with pytest.raises(CatalogError, match=f"masks: {said}; expected a folder"):
        catalog.read("folder", tmp_path)


def test_a_link_to_nothing_below_the_images_is_listed(tmp_path):
    disk(tmp_path, ["a.png"], ["a.png"])
    (tmp_path / "images" / "dead").symlink_to(tmp_path / "nowhere")
    assert catalog.left_out(catalog.read("folder", tmp_path))["file"].str.endswith("dead").any()


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    disk(tmp_path, ["a.png"], ["a.png"])
    real = os.walk

    def walk(top, onerror=None, **options):
        if str(top).endswith("masks"):
            onerror(PermissionError(13, "Permission denied", str(top)))
        return real(top, onerror=onerror, **options)

    monkeypatch.setattr(os, "walk", walk)
    with pytest.raises(CatalogError, match=r"masks: cannot be looked into \(Permission denied\)"):
        catalog.read("folder", tmp_path)


def test_labels_as_pandas_writes_them_beside_a_gap(tmp_path):
    disk(tmp_path, ["a.png", "b.png", "c.png"], ["a.png"])
    (tmp_path / "images.csv").write_text("image,label\na.png,1.0\nb.png, 0\nc.png,\n")
    assert catalog.read("folder", tmp_path)["label"].tolist() == [1, 0, 0]
