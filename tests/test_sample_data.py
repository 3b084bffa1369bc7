"""The sample data is what its README says, and the faces in it are faces to the face mesh."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from txt2vid.core.options import FaceOptions
from txt2vid.faces.face import Landmarks
from txt2vid.faces.prepare import prepare_face

DATA = Path(__file__).resolve().parent.parent / "sample_data"
ASTRONAUT = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"
LIMIT = 3_000_000  # bytes in all: a clone should stay quick

# Landmarks of MediaPipe's face mesh.
UPPER_LIP, LOWER_LIP = 13, 14  # their inner edges
LEFT_CHEEK, RIGHT_CHEEK = 234, 454
TOP, CHIN = 10, 152


def probe(name: str) -> dict[str, Any]:
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", str(DATA / name)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    return found


def landmarks(name: str) -> Landmarks:
    return prepare_face(FaceOptions(DATA / name)).frames.landmarks(0)


def gap(points: Landmarks, a: int, b: int) -> float:
    return float(np.linalg.norm(points[a, :2] - points[b, :2]))


def mouth_opening(points: Landmarks) -> float:
    """Between the lips' inner edges, in face widths."""
    return gap(points, UPPER_LIP, LOWER_LIP) / gap(points, LEFT_CHEEK, RIGHT_CHEEK)


@pytest.fixture(scope="module")
def hero() -> Landmarks:
    return landmarks("hero.png")


@pytest.mark.parametrize(
    ("name", "codec", "rate", "channels"),
    [
        ("speech.wav", "pcm_s16le", 16_000, 1),
        ("speech-stereo.wav", "pcm_s16le", 44_100, 2),
        ("speech.m4a", "aac", 48_000, 1),
        ("speech.mp3", "mp3", 44_100, 1),
    ],
)
def test_speech_comes_in_the_forms_that_the_readme_names(name: str, codec: str, rate: int, channels: int) -> None:
    found = probe(name)
    stream = found["streams"][0]
    assert (stream["codec_name"], int(stream["sample_rate"]), stream["channels"]) == (codec, rate, channels)
    assert 5 <= float(found["format"]["duration"]) <= 8


def test_stereo_speech_differs_between_its_channels() -> None:
    command = ["ffmpeg", "-v", "error", "-i", str(DATA / "speech-stereo.wav"), "-f", "s16le", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    left, right = np.frombuffer(raw, "<i2").reshape(-1, 2).astype(float).T
    assert np.std(left) > 500
    assert np.std(right) < 0.9 * np.std(left)


@pytest.mark.parametrize(("name", "side"), [("hero.png", 1024), ("astronaut.png", 512)])
def test_pictures_have_their_size(name: str, side: int) -> None:
    picture = cv2.imread(str(DATA / name), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    assert picture.shape == (side, side, 3)


def test_astronaut_is_the_public_domain_file_byte_for_byte() -> None:
    assert hashlib.sha256((DATA / "astronaut.png").read_bytes()).hexdigest() == ASTRONAUT


def test_hero_is_frontal_upright_and_large(hero: Landmarks) -> None:
    left, right, nose = hero[LEFT_CHEEK], hero[RIGHT_CHEEK], hero[4]
    width = gap(hero, LEFT_CHEEK, RIGHT_CHEEK)
    assert width > 300
    assert abs(left[1] - right[1]) < 0.03 * width
    assert abs((left[0] + right[0]) / 2 - nose[0]) < 0.03 * width
    assert abs(hero[TOP, 0] - hero[CHIN, 0]) < 0.03 * width


def test_hero_has_her_mouth_closed_and_her_eyes_open(hero: Landmarks) -> None:
    width = gap(hero, LEFT_CHEEK, RIGHT_CHEEK)
    assert mouth_opening(hero) < 0.01
    assert gap(hero, 159, 145) > 0.07 * width
    assert gap(hero, 386, 374) > 0.07 * width


def test_landmarks_lie_on_what_is_drawn(hero: Landmarks) -> None:
    """The places that scripts/hero_features.py draws at, within what a fiftieth of the face's width allows."""
    drawn = {
        61: (445, 583.5), 291: (579, 583.5), 13: (512, 587), 0: (512, 566), 17: (512, 613),
        468: (426, 404), 473: (598, 404), 133: (470, 415), 362: (554, 415), 159: (424, 383), 386: (600, 383),
        145: (423, 425), 374: (601, 425), 152: (512, 702), 2: (512, 526),
    }  # fmt: skip
    far = {i: tuple(hero[i, :2]) for i, at in drawn.items() if np.hypot(*(hero[i, :2] - at)) > 10}
    assert far == {}


def test_astronaut_shows_her_teeth() -> None:
    assert mouth_opening(landmarks("astronaut.png")) > 0.04


def test_driving_video_is_short_small_and_moves() -> None:
    stream = probe("driving.mp4")["streams"][0]
    assert (stream["codec_name"], stream["pix_fmt"], stream["r_frame_rate"]) == ("h264", "yuv420p", "25/1")
    assert 4 <= float(stream["duration"]) <= 6
    assert 256 <= stream["width"] <= 512
    assert (DATA / "driving.mp4").stat().st_size < 500_000
    face = prepare_face(FaceOptions(DATA / "driving.mp4"))
    seen = [face.frames.landmarks(i) for i in range(len(face.frames))]
    openings = [mouth_opening(points) for points in seen]
    assert max(openings) > min(openings) + 0.05
    noses = [(p[4, 0] - p[LEFT_CHEEK, 0]) / gap(p, LEFT_CHEEK, RIGHT_CHEEK) for p in seen]
    assert max(noses) - min(noses) > 0.05  # she turns


def test_hello_is_for_speaking_aloud() -> None:
    text = (DATA / "hello.txt").read_text("utf-8")
    assert 60 <= len(text.split()) <= 100  # 20 to 30 seconds
    assert text.isascii()
    assert "txt2vid" not in text  # no voice can say it


def test_readme_names_every_file_with_a_licence() -> None:
    rows = [line for line in (DATA / "README.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    licences = {row.split("`")[1]: row.rstrip("| ").rsplit("|", 1)[1].strip() for row in rows}
    assert set(licences) == {path.name for path in DATA.iterdir()} - {"README.md"}
    assert all(licences.values())


def test_everything_together_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < LIMIT
