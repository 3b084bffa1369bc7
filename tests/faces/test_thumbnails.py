"""Small pictures of faces' files."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from txt2vid.errors import MediaError
from txt2vid.faces.thumbnails import thumbnail

DRIVING = Path(__file__).parent.parent.parent / "sample_data" / "driving.mp4"


@pytest.mark.parametrize("size", [64, 256])
def test_of_a_picture(hero: Path, size: int) -> None:
    with Image.open(io.BytesIO(thumbnail(hero, size))) as small, Image.open(hero) as large:
        assert (small.format, max(small.size)) == ("JPEG", size)
        assert small.size[0] / small.size[1] == pytest.approx(large.size[0] / large.size[1], rel=0.1)
        before, after = (image.convert("RGB").resize((8, 8)).tobytes() for image in (large, small))
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) / len(after) < 30  # red is red


def test_of_a_video() -> None:
    with Image.open(io.BytesIO(thumbnail(DRIVING, 256))) as small:
        assert (small.format, max(small.size)) == ("JPEG", 256)


def test_of_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("no picture")
    with pytest.raises(MediaError):
        thumbnail(path, 256)
