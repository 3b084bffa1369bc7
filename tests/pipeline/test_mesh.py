from __future__ import annotations

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from txt2vid.core.livelink import TakeWriter
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.options import FaceOptions, RenderOptions, TrackingOptions
from txt2vid.errors import FaceError, MediaError, OutputError, UsageError, VideoError
from txt2vid.faces.landmarks import LOWER_SEAM, UPPER_SEAM
from txt2vid.ffmpeg.probe import probe
from txt2vid.pipeline.mesh import MeshOptions, mesh
from txt2vid.pipeline.recorded import read_take
from txt2vid.pipeline.render import render

FPS, W, H = 10, 320, 240


def ffmpeg(*arguments: object) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)], check=True, timeout=60)


@pytest.fixture(scope="module")
def clip(hero: Path, speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hero goes to the right for a second, then is away for half of one, then is back; a voice is heard."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    away = "if(between(t,1,1.49),2000,20+60*t)"
    ffmpeg("-f", "lavfi", "-i", f"color=0x788caa:s={W}x{H}:r={FPS}:d=2", "-loop", 1, "-i", hero, "-i", speech,
           "-filter_complex", f"[1]scale=200:200[h];[0][h]overlay=x='{away}':y=20:eval=frame:shortest=1[v]",
           "-map", "[v]", "-map", "2:a", "-t", 2, "-pix_fmt", "yuv420p", path)  # fmt: skip
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_all_files_of_a_video(clip: Path, tmp_path: Path) -> None:
    done: list[tuple[int, int | None]] = []
    wanted = MeshOptions(
        str(clip), TrackingOptions(max_faces=2), tmp_path / "o.mp4", tmp_path / "p.jsonl", (tmp_path / "f.glb",),
        tmp_path / "m.csv",
    )  # fmt: skip
    result = mesh(wanted, lambda frame, total: done.append((frame, total)))
    assert (result.kind, result.frames, result.width, result.height) == ("video", 20, W, H)
    assert result.seconds == 2
    assert [(face.id, face.frames) for face in result.faces] == [(0, 15)]
    assert result.faces[0].last == pytest.approx(1.9)
    assert abs(result.faces[0].angles[0]) < 12
    assert done[-1] == (20, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.glb", "m.csv", "o.mp4", "p.jsonl"]
    overlay = probe(tmp_path / "o.mp4")
    assert overlay.video is not None
    assert overlay.audio is not None
    assert (overlay.video.width, overlay.video.height, overlay.video.fps) == (W, H, Fraction(FPS))
    assert float(overlay.duration or 0) == pytest.approx(2, abs=0.05)
    points = lines(tmp_path / "p.jsonl")
    assert [row["time"] for row in points] == pytest.approx([i / FPS for i in range(20)], abs=1e-5)
    assert [len(row["faces"]) for row in points] == [1] * 10 + [0] * 5 + [1] * 5
    take = read_take(tmp_path / "m.csv")
    assert take.times == pytest.approx([i / FPS for i in range(20)], abs=1e-4)
    assert (take.missing, take.clipped) == ((), 0)
    assert take.blendshapes.mean() < 0.1  # a picture that moves does nothing else


def test_variable_frame_rate(clip: Path, tmp_path: Path) -> None:
    uneven = tmp_path / "uneven.mkv"
    ffmpeg(
        "-t",
        1,
        "-i",
        clip,
        "-an",
        "-enc_time_base",
        "1:1000",
        "-vf",
        "settb=1/1000,setpts='(N+N*N/10)/10/TB'",
        "-fps_mode",
        "vfr",
        uneven,
    )
    result = mesh(MeshOptions(str(uneven), overlay=tmp_path / "o.mp4", points=tmp_path / "p.jsonl"))
    times = [row["time"] for row in lines(tmp_path / "p.jsonl")]
    assert times == pytest.approx([(i + i * i / 10) / 10 for i in range(10)], abs=2e-3)
    assert result.faces[0].frames == 10
    shown = probe(tmp_path / "o.mp4")
    assert float(shown.duration or 0) == pytest.approx(times[-1], abs=0.12)


def test_a_phone_held_upright(clip: Path, tmp_path: Path) -> None:
    flat, turned = tmp_path / "flat.mp4", tmp_path / "turned.mp4"
    ffmpeg("-i", clip, "-t", 0.5, "-an", "-vf", "transpose=2", flat)
    ffmpeg("-i", flat, "-c", "copy", "-metadata:s:v", "rotate=90", turned)
    upright = probe(turned).video
    if upright is None or (upright.width, upright.height) != (W, H):
        ffmpeg("-display_rotation", -90, "-i", flat, "-c", "copy", turned)  # ffmpeg 7 knows the tag no more
    result = mesh(MeshOptions(str(turned), overlay=tmp_path / "o.mp4"))
    assert (result.width, result.height) == (W, H)
    assert abs(result.faces[0].angles[2]) < 20


def test_a_picture(hero: Path, tmp_path: Path) -> None:
    wanted = MeshOptions(
        str(hero), TrackingOptions(), tmp_path / "o.jpg", tmp_path / "p.npz", (tmp_path / "f.obj",), tmp_path / "m.csv"
    )
    result = mesh(wanted)
    assert (result.kind, result.frames, len(result.faces)) == ("picture", 1, 1)
    with Image.open(tmp_path / "o.jpg") as drawn:
        assert drawn.size == (result.width, result.height)
    with np.load(tmp_path / "p.npz") as data:
        assert data["points"].shape == (1, 478, 3)
    assert len(read_take(tmp_path / "m.csv").times) == 1


def test_stopping_leaves_whole_files(clip: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(0)
        return len(asked) == 5

    assert mesh(MeshOptions(str(clip), overlay=tmp_path / "o.mp4", points=tmp_path / "p.csv"), stop=stop).frames == 5
    assert float(probe(tmp_path / "o.mp4").duration or 0) == pytest.approx(0.5, abs=0.05)
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 6
    assert mesh(MeshOptions(str(clip), seconds=Fraction(3, 10))).frames == 3


def test_no_face_leaves_nothing(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=128x96:duration=0.5", tmp_path / "test.mp4")
    for name in ("o.mp4", "o.png"):
        source = tmp_path / "test.mp4"
        if name.endswith("png"):
            source = tmp_path / "plain.png"
            Image.new("RGB", (200, 200), (90, 90, 90)).save(source)
        wanted = MeshOptions(str(source), TrackingOptions(), tmp_path / name, tmp_path / "p.jsonl",
                             (tmp_path / "f.obj",), tmp_path / "m.csv")  # fmt: skip
        with pytest.raises(FaceError, match=r"no face found in .*: give a larger, more frontal face, or --min"):
            mesh(wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plain.png", "test.mp4"]


def test_another_face_than_there_is(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(FaceError, match="shows no face 3, but 0: choose with --face"):
        mesh(MeshOptions(str(clip), motion=tmp_path / "m.csv", face=3))
    assert not list(tmp_path.iterdir())


def test_what_makes_no_sense(clip: Path, hero: Path, tmp_path: Path) -> None:
    for wrong, words in (
        (MeshOptions(str(clip), overlay=tmp_path / "o.png"), "no known video extension"),
        (MeshOptions(str(hero), overlay=tmp_path / "o.mp4"), "is no picture's name"),
        (MeshOptions(str(clip), points=tmp_path / "o.xml"), "no known extension for points"),
        (MeshOptions(str(clip), solids=(tmp_path / "o.stl",)), "no known extension for a 3D mesh"),
        (MeshOptions(str(clip), overlay=clip), "is the input and would be overwritten"),
        (MeshOptions(str(clip), overlay=tmp_path / "none" / "o.mp4"), "does not exist: mkdir"),
        (MeshOptions(str(clip), points=tmp_path / "o.csv", motion=tmp_path / "o.csv"), "two things at once"),
    ):
        with pytest.raises(UsageError, match=words):
            mesh(wrong)
    with pytest.raises(VideoError, match="does not exist"):
        mesh(MeshOptions(str(tmp_path / "none.mp4")))
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(OutputError, match=r"folder\.npz cannot be written"):
        mesh(MeshOptions(str(hero), points=tmp_path / "folder.npz"))
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npz"]


def recorded(path: Path, rate: int, seconds: float = 1.0) -> Path:
    """A take in which the jaw opens and shuts once."""
    with path.open("w", newline="") as file:
        writer = TakeWriter(file)
        for i in range(round(seconds * rate)):
            opening = 0.5 - 0.5 * np.cos(2 * np.pi * i / rate)
            writer.write(Fraction(i, rate), Motion(coefficients(jawOpen=0.6 * opening)))
    return path


def gaps(video: Path, tmp_path: Path) -> list[float]:
    """Between the lips, in face widths, of each frame."""
    mesh(MeshOptions(str(video), points=tmp_path / "seen.npz"))
    with np.load(tmp_path / "seen.npz") as data:
        points = data["points"]
    width = np.linalg.norm(points[:, 234] - points[:, 454], axis=1)
    return list((points[:, LOWER_SEAM[5], 1] - points[:, UPPER_SEAM[5], 1]) / width)


@pytest.mark.parametrize(("rate", "sound"), [(60, False), (24, True)])
def test_a_face_moved_by_a_recording(rate: int, sound: bool, hero: Path, speech: Path, tmp_path: Path) -> None:
    take = recorded(tmp_path / "take.csv", rate)
    voice = speech if sound else None
    result = render(RenderOptions(FaceOptions(hero, size=192), tmp_path / "o.mp4", voice, motion=take, idle=False,
                                  fps=Fraction(25)))  # fmt: skip
    spoken = float(probe(speech).duration or 0)
    assert result.driver == "recorded"
    assert float(result.duration) == pytest.approx(max(1.0, spoken) if sound else 1.0, abs=0.03)
    seen = gaps(tmp_path / "o.mp4", tmp_path)
    asked = [max(0.0, 0.5 - 0.5 * np.cos(2 * np.pi * i / 25)) if i < 25 else 0.0 for i in range(len(seen))]
    assert np.corrcoef(seen, asked)[0, 1] > 0.95
    assert max(seen) > 0.08
    info = probe(tmp_path / "o.mp4")
    assert info.audio is not None


def test_recordings_that_cannot_be_played(hero: Path, tmp_path: Path) -> None:
    take = recorded(tmp_path / "take.csv", 30)
    face, output = FaceOptions(hero, size=128), tmp_path / "o.mp4"
    with pytest.raises(MediaError, match=r"none\.csv does not exist"):
        render(RenderOptions(face, output, motion=tmp_path / "none.csv"))
    with pytest.raises(MediaError, match="cannot be read"):
        render(RenderOptions(face, output, motion=tmp_path))
    with pytest.raises(MediaError, match=r"is not a CSV file|no recording"):
        render(RenderOptions(face, output, motion=hero))
    with pytest.raises(UsageError, match="leave the text out"):
        render(RenderOptions(face, output, text="Hello", motion=take))
    assert not output.exists()
