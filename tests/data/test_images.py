"""Odd image files: each either works or is refused by name."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from imdlib.data import images
from imdlib.data.images import ImageError, image_size, load_image, load_mask, read_header
from tests.data.disk import photo

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
GREY = RGB[..., 0]
RAMP16 = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
CLEAR = np.dstack([RGB, np.where(np.arange(30) < 15, 255, 0)[None].repeat(20, 0).astype(np.uint8)])
OVER_WHITE = np.where(CLEAR[..., 3:] == 255, RGB, 255)


def save(picture, suffix, **options):
    """A writer of one picture."""
    return suffix, lambda path: picture.save(path, **options)


def raw(content, suffix):
    """A writer of bytes."""
    return suffix, lambda path: path.write_bytes(content)


def encoded(picture, form, **options):
    """A picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def palette():
    return Image.fromarray(RGB).quantize(16)


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def bomb():
    """A PNG of a few bytes that says it has 40,000 x 40,000 pixels."""
    head = struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0)
    content = ((b"IHDR", head), (b"IDAT", zlib.compress(b"")))
    chunks = [struct.pack(">I", len(c)) + name + c + struct.pack(">I", zlib.crc32(name + c)) for name, c in content]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


PHOTO = Image.fromarray(RGB)
JPEG, PNG = encoded(PHOTO, "JPEG"), encoded(PHOTO, "PNG")
FRAMES = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]

WORKS = {  # what works: (file, the pixels it stands for, greatest difference allowed)
    "grey": (*save(Image.fromarray(GREY), ".png"), GREY[..., None].repeat(3, 2), 0),
    "one bit": (*save(Image.fromarray(GREY > 127), ".png"), np.where(GREY > 127, 255, 0)[..., None].repeat(3, 2), 0),
    "16-bit grey PNG": (*save(Image.fromarray(RAMP16), ".png"), (RAMP16 / 257)[..., None].repeat(3, 2), 0.51),
    "16-bit grey TIFF": (*save(Image.fromarray(RAMP16), ".tif"), (RAMP16 / 257)[..., None].repeat(3, 2), 0.51),
    "palette": (*save(palette(), ".png"), np.asarray(palette().convert("RGB")), 0),
    "GIF": (*save(palette(), ".gif"), np.asarray(palette().convert("RGB")), 0),
    "alpha over white": (*save(Image.fromarray(CLEAR), ".png"), OVER_WHITE, 0),
    "grey with alpha": (*save(Image.fromarray(GREY).convert("LA"), ".png"), GREY[..., None].repeat(3, 2), 0),
    "CMYK TIFF": (*save(PHOTO.convert("CMYK"), ".tif"), RGB, 1),
    "CMYK JPEG": (*save(PHOTO.convert("CMYK"), ".jpg", quality=100), RGB, 40),
    "TIFF": (*save(PHOTO, ".tif", compression="tiff_lzw"), RGB, 0),
    "BMP": (*save(PHOTO, ".bmp"), RGB, 0),
    "WebP": (*save(PHOTO, ".webp", lossless=True), RGB, 0),
    "animated WebP": (*save(FRAMES[0], ".webp", save_all=True, append_images=FRAMES[1:], lossless=True), RGB, 0),
    "animated PNG": (*save(FRAMES[0], ".png", save_all=True, append_images=FRAMES[1:]), RGB, 0),
    "pages in a TIFF": (*save(FRAMES[0], ".tif", save_all=True, append_images=FRAMES[1:]), RGB, 0),
    "EXIF on its side": (*save(PHOTO, ".png", exif=exif(6)), np.rot90(RGB, -1), 0),
    "EXIF mirrored": (*save(PHOTO, ".tif", exif=exif(2)), RGB[:, ::-1], 0),
    "JPEG named PNG": (*raw(encoded(PHOTO, "JPEG", quality=100, subsampling=0), ".png"), RGB, 12),
}
REFUSED = {  # what is refused: (file, words of the message)
    "empty": (*raw(b"", ".jpg"), "0 bytes"),
    "truncated JPEG": (*raw(JPEG[:-200], ".jpg"), "truncated"),
    "truncated PNG": (*raw(PNG[: len(PNG) // 2], ".png"), "truncated"),
    "head only": (*raw(JPEG[:20], ".jpg"), "expected a readable image"),
    "text": (*raw(b"not an image at all", ".jpg"), "known format"),
    "web page": (*raw(b"<!doctype html><html>Sign in</html>", ".png"), "known format"),
    "vector graphics": (*raw(b"<svg xmlns='http://www.w3.org/2000/svg'/>", ".svg"), "known format"),
    "floating point": (*save(Image.fromarray(GREY.astype(np.float32)), ".tif"), "floating-point"),
    "32 bits": (*save(Image.fromarray(RAMP16.astype(np.int32) * 100), ".tif"), "expected 0 to 65535"),
    "bomb": (*raw(bomb(), ".png"), "at most 134 megapixels"),
}


@pytest.mark.parametrize("name", WORKS)
def test_what_works(name, tmp_path):
    suffix, write, expected, tolerance = WORKS[name]
    path = tmp_path / f"picture{suffix}"
    write(path)
    image = load_image(path)
    assert image.dtype == np.uint8 and image.shape == expected.shape
    assert np.abs(image.astype(float) - expected).max() <= tolerance
    assert image_size(path) == image.shape[:2]  # said without decoding


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_by_name(name, tmp_path):
    suffix, write, words = REFUSED[name]
    path = tmp_path / f"picture{suffix}"
    write(path)
    with pytest.raises(ImageError, match=words) as caught:
        load_image(path)
    assert str(path) in str(caught.value) and "expected" in str(caught.value)


def test_what_is_not_a_file(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    for path, words in ((tmp_path / "no.png", "no such file"), (tmp_path / "link.png", "symbolic link to nothing")):
        with pytest.raises(ImageError, match=words):
            load_image(path)
    with pytest.raises(ImageError, match="is a folder"):
        load_image(tmp_path)


def test_names_and_links(tmp_path):
    path = photo(tmp_path / "wei\u00dfer H\u00fcgel \u5c71 (1).png")
    (tmp_path / "link").symlink_to(path)
    assert np.array_equal(load_image(tmp_path / "link"), load_image(str(path)))


def test_a_file_that_may_not_be_read(tmp_path):
    path = photo(tmp_path / "picture.png")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(ImageError, match="permissions"):
        load_image(path)


def test_the_limit_is_pixels_not_bytes(tmp_path, monkeypatch):
    path = photo(tmp_path / "picture.png", 24, 36)
    monkeypatch.setattr(images, "MAX_PIXELS", 24 * 36)
    assert load_image(path).shape == (24, 36, 3)
    monkeypatch.setattr(images, "MAX_PIXELS", 24 * 36 - 1)
    with pytest.raises(ImageError, match="36x24 pixels"):
        image_size(path)


def test_header_says_what_decoding_would(tmp_path):
    PHOTO.save(tmp_path / "turned.jpg", exif=exif(8))
    header = read_header(tmp_path / "turned.jpg")
    assert (header.height, header.width, header.orientation, header.animated) == (30, 20, 8, False)
    FRAMES[0].save(tmp_path / "two.gif", save_all=True, append_images=FRAMES[1:])
    assert read_header(tmp_path / "two.gif").animated


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_does_not_lose_the_picture(tmp_path):
    PHOTO.save(tmp_path / "photo.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff", quality=100)
    assert load_image(tmp_path / "photo.jpg").shape == (20, 30, 3)


MASK = (GREY > 127).astype(np.uint8)
MASKS = {
    "grey": (Image.fromarray(MASK * np.uint8(255)), ".png", {}),
    "RGB": (Image.fromarray(MASK * np.uint8(255)).convert("RGB"), ".png", {}),
    "RGBA": (Image.fromarray(MASK * np.uint8(255)).convert("RGBA"), ".png", {}),
    "transparent where tampered": (
        Image.merge("LA", [Image.fromarray(MASK * np.uint8(255)), Image.fromarray((1 - MASK) * np.uint8(255))]),
        ".png",
        {},
    ),
    "one bit": (Image.fromarray(MASK.astype(bool)), ".png", {}),
    "palette": (Image.fromarray(MASK * np.uint8(255)).convert("RGB").quantize(2), ".png", {}),
    "labels 0 and 1": (Image.fromarray(MASK), ".png", {}),
    "16 bits": (Image.fromarray(MASK * np.uint16(65535)), ".png", {}),
    "grey levels": (Image.fromarray(np.where(MASK, 200, 60).astype(np.uint8)), ".tif", {}),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(name, tmp_path):
    picture, suffix, options = MASKS[name]
    picture.save(tmp_path / f"mask{suffix}", **options)
    loaded = load_mask(tmp_path / f"mask{suffix}")
    assert loaded.dtype == np.uint8 and np.array_equal(loaded, MASK)


def test_a_jpeg_mask_is_cut_at_half(tmp_path):
    box = np.zeros((40, 48), np.uint8)
    box[8:24, 8:32] = 255
    Image.fromarray(box).save(tmp_path / "mask.jpg", quality=60)
    assert np.array_equal(load_mask(tmp_path / "mask.jpg"), box // 255)


def test_empty_and_full_masks(tmp_path):
    for value, expected in ((0, 0), (255, 1)):
        Image.new("L", (5, 4), value).save(tmp_path / "mask.png")
        assert (load_mask(tmp_path / "mask.png") == expected).all()
