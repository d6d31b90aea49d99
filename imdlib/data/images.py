"""Image files of any kind as arrays: decoded safely, upright, in 8 bits, or refused by name.

What is taken: everything Pillow decodes (JPEG, PNG, TIFF, WebP, BMP, GIF, ...), grey, palette, CMYK, 1 to 16 bits.
Transparent pixels are shown over white, the first frame stands for an animation, EXIF rotation is applied.
Refused with an ImageError that names the file: anything truncated, empty, unreadable, floating-point, or too large.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 2**27  # about 134 megapixels, 400 MB decoded; a larger picture is refused before any of it is decoded
ORIENTATION = 0x0112  # EXIF tag: 1 = upright, 2-8 = mirrored or turned
SIXTEEN_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")

# MAX_PIXELS does what this warning would ask a person to do
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class ImageError(ValueError):
    """A file that is no usable image: which file, what is wrong with it, what was expected, and what to do."""

    def __init__(self, file: Path | str, problem: str, action: str, expected: str = "a readable image") -> None:
        super().__init__(f"{file}: {problem}; expected {expected}; {action}")
        self.file, self.problem, self.action, self.expected = str(file), problem, action, expected


@dataclass(frozen=True)
class Header:
    """The head of an image file; height, width: pixels of the upright picture; orientation: EXIF, 1 = upright."""

    height: int
    width: int
    mode: str
    format: str
    orientation: int
    animated: bool


def read_header(file: Path | str) -> Header:
    """The Header of an image file; nothing is decoded."""
    with opened(file) as image:
        return header_of(image)


def image_size(file: Path | str) -> tuple[int, int]:
    """(height, width) of the upright picture in pixels, from the head of the file."""
    header = read_header(file)
    return header.height, header.width


def load_image(file: Path | str) -> np.ndarray:
    """The upright picture as uint8 (H, W, 3), RGB; 16-bit values divided by 257, transparent pixels over white."""
    with opened(file) as image:
        picture = to_rgb(decoded(image, file), file)
        return np.array(picture)


def load_mask(file: Path | str) -> np.ndarray:
    """A mask in the form of a manifest as uint8 (H, W) in {0, 1}, 1 = tampered: grey level above 127.

    What the mask files of a data set mean is found out once, by `imdlib.data.readers.values`. A file that holds no value
    but 0 and 1 is taken as labels. Transparency is ignored. EXIF rotation is applied.
    """
    grey = load_grey(file)
    return (grey > (0 if grey.max(initial=0) == 1 else 127)).astype(np.uint8)


def load_grey(file: Path | str) -> np.ndarray:
    """Grey levels as uint8 (H, W), 0-255, without regard to transparency."""
    with opened(file) as image:
        picture = decoded(image, file)
        if picture.mode == "P":  # straight to grey would keep a palette's transparency
            picture = picture.convert("RGB")
        return np.array(eight_bits(picture, file).convert("L"))


# ---- steps ----------------------------------------------------------------------------------------------------


def opened(file: Path | str) -> Image.Image:
    """Pillow's image of a file, head read and size checked, pixels not yet decoded."""
    path = Path(file)
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise ImageError(path, "the file is empty (0 bytes)", "copy or download it again")
        image = Image.open(path)
    except (FileNotFoundError, NotADirectoryError):
        broken = "a symbolic link to nothing" if path.is_symlink() else "there is no such file"
        raise ImageError(path, broken, "check the name, and that the data set is complete") from None
    except IsADirectoryError:
        raise ImageError(path, "this is a folder", "give a file inside it") from None
    except PermissionError:
        raise ImageError(path, "the file may not be read", "check its permissions") from None
    except Image.DecompressionBombError:
        raise too_large(path) from None
    except UnidentifiedImageError:
        raise ImageError(path, "not an image in a known format", "save it again as PNG or JPEG") from None
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError) as error:
        raise ImageError(path, f"its head is damaged ({error})", "copy or download it again") from error
    if image.width * image.height > MAX_PIXELS:
        size = f"{image.width}x{image.height}"
        image.close()
        raise too_large(path, size)
    return image


def too_large(path: Path, size: str = "more") -> ImageError:
    """The refusal of a picture with more pixels than memory is meant for."""
    limit = f"at most {MAX_PIXELS / 1e6:.0f} megapixels"
    return ImageError(path, f"{size} pixels", "shrink or cut it first, or leave it out", limit)


def header_of(image: Image.Image) -> Header:
    """Header of an opened image."""
    orientation = orientation_of(image)
    height, width = (image.width, image.height) if orientation >= 5 else (image.height, image.width)
    return Header(height, width, image.mode, image.format or "", orientation, animated(image))


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # a broken EXIF block says nothing about the pixels, and Pillow raises many things on it
        return 1
    return value if value in range(1, 9) else 1


def animated(image: Image.Image) -> bool:
    """True where a file holds several frames or pages, of which only the first is used."""
    try:
        return bool(getattr(image, "is_animated", False)) and image.format != "MPO"  # MPO: a photo and its preview
    except Exception:  # counting the frames of a damaged file; decoding will say what is wrong
        return False


def decoded(image: Image.Image, file: Path | str) -> Image.Image:
    """First frame, decoded completely and turned upright."""
    try:
        image.seek(0)
        image.load()
        upright = ImageOps.exif_transpose(image) if orientation_of(image) != 1 else image
    except MemoryError as error:
        raise ImageError(file, "not enough memory to decode it", "shrink it first") from error
    except (
        Exception
    ) as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error and others
        raise ImageError(file, f"truncated or damaged ({error})", "copy or download it again") from error
    return upright


def eight_bits(picture: Image.Image, file: Path | str) -> Image.Image:
    """Grey pictures of 16 bits brought to 8 (Pillow itself would cut them off at 255); others as they are."""
    if picture.mode == "F":
        raise ImageError(file, "floating-point values of unknown range", "save it with 8 or 16 bits", "integers")
    if picture.mode not in SIXTEEN_BITS:
        return picture
    values = np.asarray(picture).astype(np.int64)
    low, high = values.min(initial=0), values.max(initial=0)
    if low < 0 or high > 65535:
        raise ImageError(file, f"values from {low} to {high}", "save it with 8 or 16 bits", "0 to 65535")
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def to_rgb(picture: Image.Image, file: Path | str) -> Image.Image:
    """RGB, 8 bits; alpha and transparent palette entries over white."""
    picture = eight_bits(picture, file)
    try:
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return picture.convert("RGB")
    except (ValueError, OSError) as error:
        raise ImageError(
            file, f"colour mode {picture.mode} cannot be shown as RGB ({error})", "save it as RGB"
        ) from error
