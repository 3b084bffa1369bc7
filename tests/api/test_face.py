from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import txt2vid
from txt2vid.core.motion import BLENDSHAPES, coefficients


def test_a_face_tells_what_it_is(face: txt2vid.Face, hero: Path) -> None:
    assert repr(face) == "<Face hero.png 128x128>"
    assert (face.name, face.size, face.fps, face.frames) == ("hero.png", (128, 128), None, 1)
    assert face.landmarks.shape == (478, 3)
    assert ((face.landmarks[:, :2] >= 0) & (face.landmarks[:, :2] <= 128)).all()
    face.landmarks[:] = 0  # one's own copy
    assert face.landmarks.any()
    with Image.open(hero) as picture:
        own = np.asarray(picture.convert("RGB").resize((128, 128), Image.Resampling.LANCZOS), np.int16)
    assert np.abs(face.pixels - own).mean() < 3  # red is first
    assert Image.open(io.BytesIO(face.thumbnail(64))).size == (64, 64)


def test_drawing(face: txt2vid.Face) -> None:
    rest = face.draw()
    assert rest.shape == (128, 128, 3)
    assert rest.dtype == np.uint8
    assert np.array_equal(rest, face.draw("joy", strength=0))
    assert np.array_equal(rest, face.draw("neutral"))
    drawn = [face.draw(name) for name in txt2vid.EXPRESSIONS if name != "neutral"]
    assert all((np.abs(each.astype(int) - rest) > 25).sum() > 20 for each in drawn)
    jaw = face.draw(coefficients={"jawOpen": 0.6})
    assert np.array_equal(jaw, face.draw(coefficients=coefficients(jawOpen=0.6)))
    both = face.draw("brows", coefficients={"jawOpen": 0.6})
    assert not np.array_equal(both, jaw)
    assert np.array_equal(face.draw("Happy"), face.draw("joy"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"expression": "hapy"}, "did you mean happy"),
        ({"expression": "joy", "strength": float("nan")}, "write 0 to 1"),
        ({"coefficients": {"jawOpn": 1}}, "did you mean jawOpen"),
        ({"coefficients": {"jawOpen": 2}}, "each 0 to 1"),
        ({"coefficients": {"jawOpen": float("nan")}}, "each 0 to 1"),
        ({"coefficients": {"jawOpen": "wide"}}, "could not|no numbers|each 0 to 1"),
        ({"coefficients": [0.5] * (len(BLENDSHAPES) - 1)}, "give 52 numbers"),
        ({"rotation": (0, 90, 0)}, "each -30 to 30"),
        ({"rotation": ("a", "b", "c")}, "are no numbers"),
        ({"gaze": (0, 0, 0)}, "give 2 numbers"),
        ({"frame": 1}, "has 1, the first is 0"),
    ],
)
def test_what_makes_no_sense_is_said(face: txt2vid.Face, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(txt2vid.UsageError, match=says):
        face.draw(**arguments)  # type: ignore[arg-type]


def test_what_cannot_be_opened(tmp_path: Path, hero: Path) -> None:
    empty = tmp_path / "empty.png"
    Image.new("RGB", (128, 128), "navy").save(empty)
    for path, error in ((tmp_path / "none.png", txt2vid.MediaError), (empty, txt2vid.FaceError)):
        with pytest.raises(error, match=path.name):
            txt2vid.Face.open(path)
    with pytest.raises(txt2vid.UsageError, match="choose 64 to 4096"):
        txt2vid.Face.open(hero, size=3)
    with pytest.raises(txt2vid.UsageError, match="give a path"):
        txt2vid.Face.open(None)  # type: ignore[arg-type]
    with pytest.raises(txt2vid.UsageError, match="mesh, s3fd"):
        txt2vid.Face.open(hero, detector="eye")


def test_a_video_is_a_face_as_well(hero: Path) -> None:
    face = txt2vid.Face.open(hero.parent / "driving.mp4", size=128)
    assert face.fps is not None
    assert face.frames > 10
    first, later = face.draw("joy"), face.draw("joy", frame=face.frames - 1)
    assert first.shape == later.shape == (face.size[1], face.size[0], 3)
    assert not np.array_equal(first, later)
