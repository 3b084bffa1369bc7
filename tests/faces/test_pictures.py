from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from txt2vid.core.media import Pixels
from txt2vid.errors import PictureError
from txt2vid.faces.pictures import BACKGROUND, fitted_size, is_picture, load_picture

W, H = 160, 120


@pytest.fixture
def scene() -> Image.Image:
    """Smooth colours: red grows to the right, green downwards."""
    ys, xs = np.mgrid[0:H, 0:W]
    rgb = np.stack([40 + xs, 60 + ys, np.full_like(xs, 90)], axis=2).astype(np.uint8)
    return Image.fromarray(rgb)


def loaded(path: Path) -> Pixels:
    return load_picture(path).pixels


def difference(pixels: Pixels, scene: Image.Image) -> float:
    return float(np.abs(pixels[:, :, ::-1].astype(int) - np.asarray(scene).astype(int)).mean())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_formats(scene: Image.Image, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture"
    scene.save(path, kind)
    assert is_picture(path)
    assert difference(loaded(path), scene) < 3


def test_first_picture_of_a_moving_gif(scene: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    scene.save(path, save_all=True, append_images=[Image.new("RGB", scene.size, "blue")])
    assert difference(loaded(path), scene) < 6


def test_content_decides_not_the_name(scene: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    scene.save(path, "JPEG", quality=95)
    assert difference(loaded(path), scene) < 3


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("colour", [True, False])
def test_sixteen_bits_are_scaled(scene: Image.Image, tmp_path: Path, suffix: str, colour: bool) -> None:
    source = scene if colour else scene.convert("L")
    deep = np.asarray(source).astype(np.uint16) * 257
    path = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(path), deep[:, :, ::-1] if colour else deep)
    assert difference(loaded(path), source.convert("RGB")) < 1


def test_float_greys(scene: Image.Image, tmp_path: Path) -> None:
    grey = scene.convert("L")
    path = tmp_path / "float.tiff"
    Image.fromarray(np.asarray(grey).astype(np.float32) / 255).save(path)
    assert difference(loaded(path), grey.convert("RGB")) < 1


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK"])
def test_other_colour_modes(scene: Image.Image, tmp_path: Path, mode: str) -> None:
    turned = scene.convert(mode)
    path = tmp_path / "picture"
    turned.save(path, "TIFF" if mode == "CMYK" else "PNG")
    assert difference(loaded(path), turned.convert("RGB")) < 1


def test_cmyk_jpeg_is_not_inverted(scene: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    scene.convert("CMYK").save(path, quality=95)
    assert difference(loaded(path), scene) < 5


@pytest.mark.parametrize(("tag", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_exif_rotation(scene: Image.Image, tmp_path: Path, tag: int, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    path = tmp_path / "phone.jpg"
    scene.rotate(turn, expand=True).save(path, exif=exif, quality=95)
    assert difference(loaded(path), scene) < 3


def test_colour_profile_is_applied(scene: Image.Image, tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = tmp_path / "damaged-profile.png"
    scene.save(path, icc_profile=profile)  # of another colour space: left aside
    assert difference(loaded(path), scene) < 1
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    scene.save(path, icc_profile=srgb)
    assert difference(loaded(path), scene) < 1.5


def test_alpha_is_laid_on_the_background_and_kept_as_outline(scene: Image.Image, tmp_path: Path) -> None:
    alpha = Image.new("L", scene.size, 0)
    alpha.paste(255, (40, 20, 120, 100))
    scene.putalpha(alpha)
    path = tmp_path / "cut.png"
    scene.save(path)
    picture = load_picture(path)
    assert picture.alpha is not None
    assert picture.alpha[60, 80] == 255
    assert picture.alpha[5, 5] == 0
    assert tuple(picture.pixels[5, 5, ::-1]) == BACKGROUND
    assert tuple(picture.pixels[60, 80, ::-1]) == (120, 120, 90)


def test_opaque_alpha_is_no_outline(scene: Image.Image, tmp_path: Path) -> None:
    scene.putalpha(255)
    path = tmp_path / "opaque.png"
    scene.save(path)
    assert load_picture(path).alpha is None


def test_odd_sides_lose_a_row_and_are_not_blurred(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (99, 101, 3), np.uint8)
    path = tmp_path / "odd.png"
    Image.fromarray(noise).save(path)
    picture = load_picture(path)
    assert picture.pixels.shape == (98, 100, 3)
    np.testing.assert_array_equal(picture.pixels[:, :, ::-1], noise[:98, :100])
    assert picture.scale == (1.0, 1.0)


@pytest.mark.parametrize("size", [80, 160, 640])
def test_size_is_the_longer_side(scene: Image.Image, tmp_path: Path, size: int) -> None:
    path = tmp_path / "picture.jpg"
    scene.save(path, quality=95)
    picture = load_picture(path, size)
    assert picture.pixels.shape == (size * 3 // 4, size, 3)
    assert picture.scale == (size / W, size / W)


def test_sizes_are_even_and_bounded() -> None:
    assert fitted_size((513, 301), None) == (512, 300)
    assert fitted_size((8192, 1001), None) == (4096, 500)
    assert fitted_size((300, 1000), 512) == (154, 512)


def test_text_is_not_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "letter.png"
    path.write_text("Dear Sir or Madam")
    assert not is_picture(path)
    with pytest.raises(PictureError, match=r"letter\.png is not a picture: give a JPEG"):
        load_picture(path)


@pytest.mark.parametrize("left", [0.5, 0.97])
def test_truncated_jpeg(scene: Image.Image, tmp_path: Path, left: float) -> None:
    data = io.BytesIO()
    scene.resize((800, 600)).save(data, "JPEG", quality=95)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data.getvalue()[: int(len(data.getvalue()) * left)])
    with pytest.raises(PictureError, match="is damaged"):
        load_picture(path)


def test_one_pixel_is_too_small(tmp_path: Path) -> None:
    path = tmp_path / "dot.png"
    Image.new("RGB", (1, 1)).save(path)
    with pytest.raises(PictureError, match=r"too small for a face \(1x1\)"):
        load_picture(path)


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [9_000, 12_000, 20_000])
def test_huge_pictures_are_refused_by_their_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(side, side))
    assert is_picture(path)
    with pytest.raises(PictureError, match="too large"):
        load_picture(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "does not exist"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_bytes(b""), r"is empty \(0 bytes\)"),
    ],
)
def test_no_file(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "face.png"
    make(path)
    with pytest.raises(PictureError, match=message):
        load_picture(path)
