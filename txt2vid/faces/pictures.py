"""Picture files to pixels: any common format, depth and colour space becomes upright 8-bit sRGB and its alpha.

The content decides what a file is, never its name. A file that ends early is refused, however little is missing: half a
grey face is worse than an error.
"""

from __future__ import annotations

import io
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from txt2vid.core.media import Pixels
from txt2vid.core.options import MAX_SIZE, MIN_SIZE
from txt2vid.errors import PictureError
from txt2vid.ffmpeg.probe import missing

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # JPEG includes MPO, by which phones append more pictures
MAX_PIXELS = 50_000_000  # what is decoded at most; 200 MB in Pillow's four bytes a pixel
BACKGROUND = (208, 204, 200)  # RGB, a light warm grey: what is seen through a transparent picture
_ORIENTATION, _LYING = 0x0112, (5, 6, 7, 8)  # EXIF 2.3: the tag, and its values for pictures on their side
_SEEN_THROUGH = 250  # alpha below this is transparency, not noise
_LEAST_TRANSPARENT = 0.005  # of the pixels, for an alpha channel to be an outline of the person


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it will be drawn.

    pixels: (height, width, 3), both even.
    alpha: uint8 (height, width) where the file tells an outline, else None.
    scale: x and y factors from pixels of the upright original to those here.
    """

    pixels: Pixels
    alpha: NDArray[np.uint8] | None
    scale: tuple[float, float]


def is_picture(path: Path) -> bool:
    """Whether the content is of a picture format that `load_picture` knows. Unreadable files are none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False  # a pipe would be waited for
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            Image.open(path, formats=FORMATS).close()
    except Image.DecompressionBombError:
        return True
    except (OSError, ValueError, SyntaxError):
        return False
    return True


def load_picture(path: Path, size: int | None = None) -> Picture:
    """The first picture of a file.

    size: the longer side wanted, up or down; None keeps the picture's own, up to MAX_SIZE.
    Raises PictureError where the file is no picture, damaged, smaller than MIN_SIZE or over MAX_PIXELS.
    """
    with _opened(path) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise _too_large(path, f"{width}x{height}")
        if min(width, height) < MIN_SIZE:
            raise PictureError(
                f"{path} is too small for a face ({width}x{height}): give a picture of {MIN_SIZE} pixels or more a side"
            )
        try:
            return _drawn(image, size)
        except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as err:
            raise PictureError(f"{path} is damaged ({err}): save or download it again") from err


def _opened(path: Path) -> Image.Image:
    try:
        if not (path.is_dir() or stat.S_ISREG(path.stat().st_mode)):
            raise PictureError(f"{path} is a pipe or a device: save it to a file first")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError as err:
        raise _too_large(path, "over 178 megapixels") from err
    except FileNotFoundError as err:
        raise PictureError(missing(path)) from err
    except IsADirectoryError as err:
        raise PictureError(f"{path} is a folder: name a picture in it") from err
    except PermissionError as err:
        raise PictureError(f"{path} may not be read: chmod +r it, or run as its owner") from err
    except UnidentifiedImageError as err:
        what = "is empty (0 bytes)" if not path.stat().st_size else "is not a picture"
        raise PictureError(f"{path} {what}: give a JPEG, PNG, WebP, BMP, TIFF or GIF file") from err
    except (OSError, ValueError, SyntaxError) as err:
        raise PictureError(f"{path} cannot be read ({err}): save or download it again") from err


def _too_large(path: Path, what: str) -> PictureError:
    return PictureError(
        f"{path} is too large ({what}): shrink it to {MAX_PIXELS // 1_000_000} megapixels or fewer, "
        f"{MAX_SIZE} pixels a side are enough"
    )


def _drawn(image: Image.Image, size: int | None) -> Picture:
    original = image.size
    if image.format in ("JPEG", "MPO"):  # decoded at 1/2, 1/4 or 1/8 where enough is left
        wanted = 2 * size if size else MAX_SIZE
        image.draft(None, (min(wanted, original[0]), min(wanted, original[1])))
    image.load()
    if image.getexif().get(_ORIENTATION, 1) in _LYING:
        original = original[::-1]
    upright = image
    ImageOps.exif_transpose(upright, in_place=True)  # a copy may be 200 MB
    width, height = fitted_size(original, size)
    scale = (width / original[0], height / original[1])
    spare = (original[0] - width, original[1] - height)
    if upright.size == original and all(0 <= odd <= 1 for odd in spare):
        upright = upright.crop((0, 0, width, height))  # an odd column or row is cut off rather than the picture blurred
        scale = (1.0, 1.0)
    rgb, alpha = _to_rgb(_resized(_eight_bit(upright), (width, height)))
    return Picture(np.ascontiguousarray(rgb[:, :, ::-1]), alpha, scale)


def fitted_size(original: tuple[int, int], size: int | None) -> tuple[int, int]:
    """Width and height, both even, of a picture whose longer side is to be `size` (None: its own, up to MAX_SIZE)."""
    longer = max(original)
    if size is None and longer <= MAX_SIZE:
        return original[0] - original[0] % 2, original[1] - original[1] % 2
    factor = (size or MAX_SIZE) / longer
    return max(2, round(original[0] * factor / 2) * 2), max(2, round(original[1] * factor / 2) * 2)


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and float greys scaled into 8 bits; Pillow's own conversion clips them."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        grey = np.asarray(image, np.float64)
        top = float(np.nanmax(grey))
        white = 65535.0 if image.mode != "F" and top > 255 else 255.0
        if image.mode == "F" and top <= 1.0 + 1e-3:
            white = 1.0
        white = max(white, top)
        return Image.fromarray(np.nan_to_num(np.clip(grey * (255.0 / white), 0, 255)).round().astype(np.uint8))
    if image.mode in ("P", "1", "PA"):
        see_through = image.mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if see_through else "RGB")
    if image.mode in ("RGB", "L") and "transparency" in image.info:  # PNG's colour key
        return image.convert("RGBA")
    return image


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    info = image.info
    resized = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    resized.info = info
    return resized


def _to_rgb(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """RGB over BACKGROUND, and the alpha channel where it outlines something."""
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    rgb = _to_srgb(image)
    if alpha is None:
        return np.asarray(rgb), None
    ground = Image.new("RGB", image.size, BACKGROUND)
    ground.paste(rgb, mask=alpha)
    outline = np.asarray(alpha)
    clear = float((outline < _SEEN_THROUGH).mean())
    real = _LEAST_TRANSPARENT < clear < 1 - _LEAST_TRANSPARENT
    return np.asarray(ground), outline if real else None


def _to_srgb(image: Image.Image) -> Image.Image:
    """By the file's ICC profile where it has a usable one (ICC.1, perceptual), else by Pillow's plain conversion."""
    base = {"RGBA": "RGB", "LA": "L"}.get(image.mode, image.mode)
    flat = image.convert(base) if base != image.mode else image
    data = image.info.get("icc_profile")
    if data:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            turned = ImageCms.profileToProfile(flat, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            turned = None  # a damaged profile, or one of another colour space: the picture is still good
        if turned is not None:
            return turned
    return flat.convert("RGB")
