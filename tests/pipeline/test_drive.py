"""A picture driven by videos of every kind: what the face mesh sees on the output is what the person did."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from txt2vid.core.options import DriveOptions, FaceOptions
from txt2vid.errors import FaceError, PictureError, UsageError, VideoError
from txt2vid.faces.head import head_of
from txt2vid.faces.prepare import prepare_face
from txt2vid.ffmpeg.probe import probe
from txt2vid.pipeline.drive import DriveResult, drive
from txt2vid.pipeline.person import landmarks_of
from txt2vid.score.likeness import Moves, at_rest, followed, likeness, moves_of

SAMPLES = Path(__file__).parents[2] / "sample_data"
DRIVING = SAMPLES / "driving.mp4"  # nods, turns, blinks, smiles, opens the mouth; 5 s at 25 frames a second
SIZE = 256


@pytest.fixture(scope="module")
def hero_face(hero: Path) -> FaceOptions:
    return FaceOptions(hero, size=SIZE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("driven")


def made(path: Path, *arguments: object) -> Path:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *map(str, arguments), str(path)], check=True, timeout=60)
    return path


@pytest.fixture(scope="module")
def with_sound(folder: Path, speech: Path) -> Path:
    return made(folder / "person.mp4", "-i", DRIVING, "-i", speech, "-c:v", "copy")


@pytest.fixture(scope="module")
def turning(folder: Path) -> Path:
    """The second and a half in which the head turns."""
    return made(folder / "turning.mp4", "-ss", "1.6", "-i", DRIVING, "-t", "1.4")


@pytest.fixture(scope="module")
def driven(folder: Path, hero_face: FaceOptions, with_sound: Path) -> DriveResult:
    return drive(DriveOptions(hero_face, folder / "out.mp4", video=with_sound))


@pytest.fixture(scope="module")
def hero_moves(driven: DriveResult) -> Moves:
    return moves_of(driven.output)


def test_every_frame_is_driven_and_the_sound_is_kept(driven: DriveResult, with_sound: Path) -> None:
    info, original = probe(driven.output), probe(with_sound)
    assert (driven.frames, driven.seen) == (125, 125)
    assert driven.fps == 25
    assert info.audio is not None
    assert original.audio is not None
    assert info.audio.rate == original.audio.rate == 16_000
    assert driven.duration == 5
    assert info.duration is not None
    assert float(info.duration) == pytest.approx(5, abs=0.1)


def test_the_hero_does_what_the_person_does(hero_moves: Moves) -> None:
    found = likeness(moves_of(DRIVING), hero_moves)
    assert min(correlation for correlation, _ in found.values()) > 0.9, found


def test_the_hero_keeps_its_own_proportions(hero_moves: Moves, hero_face: FaceOptions) -> None:
    picture = prepare_face(hero_face).frames.pixels(0)
    assert np.abs(at_rest(hero_moves, followed(picture))).mean() < 0.03


def test_speech_moves_the_mouth_and_the_video_the_rest(
    folder: Path, hero_face: FaceOptions, speech: Path, turning: Path
) -> None:
    result = drive(DriveOptions(hero_face, folder / "spoken.mp4", video=turning, audio=speech))
    sound = probe(speech).duration
    assert sound is not None
    assert float(result.duration) == pytest.approx(float(sound), abs=0.05)
    person, hero = moves_of(turning), moves_of(result.output)
    count = min(len(person), len(hero))
    assert np.corrcoef(person.curves["yaw"][:count], hero.curves["yaw"][:count])[0, 1] > 0.9
    assert np.nanmax(hero.curves["gap"]) > 0.02


def test_nothing_is_asked_twice(
    folder: Path, hero_face: FaceOptions, with_sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the file and of ffmpeg itself, by two processes: programs before ffmpeg and ffprobe write down every call."""
    fakes, log = folder / "bin", folder / "calls"
    fakes.mkdir()
    for name in ("ffmpeg", "ffprobe"):
        fake = fakes / name
        fake.write_text(f'#!/bin/sh\necho "{name} $@" >> {log}\nexec {shutil.which(name)} "$@"\n')
        fake.chmod(0o755)
    video = made(folder / "once.mp4", "-i", with_sound, "-t", "0.2")
    monkeypatch.setenv("PATH", f"{fakes}:{os.environ['PATH']}")
    result = drive(DriveOptions(hero_face, folder / "once-out.mp4", video=video))
    assert result.sound
    calls = log.read_text().splitlines()
    asked = [call for call in calls if call.startswith("ffprobe") or " -hide_banner -d" in call]
    assert len(asked) == len(set(asked)) == 3
    assert sum(" -nostdin " in call for call in calls) == 3  # pictures and sound in, the video out


VARIANTS = {
    "phone": ("-i", DRIVING, "-t", "0.8", "-vf", "select='not(mod(n,3))+lt(n,9)',transpose=clock", "-vsync", "vfr",
              "-metadata:s:v", "rotate=90"),
    "dark 4k": ("-i", DRIVING, "-t", "0.2", "-vf", "eq=brightness=-0.25:contrast=0.5,scale=3840:2160", "-preset",
                "ultrafast"),
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANTS)
def test_every_kind_of_video_drives(folder: Path, hero_face: FaceOptions, name: str) -> None:
    video = made(folder / f"{name}.mp4", *VARIANTS[name])
    result = drive(DriveOptions(hero_face, folder / f"{name}-out.mp4", video=video))
    assert result.seen >= 0.9 * result.frames > 0
    duration = probe(video).duration
    assert duration is not None
    assert float(result.duration) == pytest.approx(float(duration), abs=0.15)


def test_a_face_that_leaves_gives_way_to_idle_life_and_returns(folder: Path, hero_face: FaceOptions) -> None:
    graph = "[0]split[a][b];[b]drawbox=t=fill:c=gray,trim=0:1.4,setpts=PTS-STARTPTS[g];"
    graph += (
        "[a]split[x][y];[x]trim=0:0.8,setpts=PTS-STARTPTS[p];[y]trim=0.8:1.4,setpts=PTS-STARTPTS[q];[p][g][q]concat=n=3"
    )
    video = made(folder / "leaves.mp4", "-i", DRIVING, "-filter_complex", graph)
    result = drive(DriveOptions(hero_face, folder / "leaves-out.mp4", video=video))
    assert (result.frames, result.seen) == (70, 35)
    moves = moves_of(result.output)
    assert np.isfinite(moves.curves["yaw"]).all()
    assert np.abs(np.diff(moves.curves["yaw"])).max() < 3
    assert np.nanmax(moves.curves["gap"][36:53]) < 0.01


def test_a_video_without_a_face_says_so(folder: Path, hero_face: FaceOptions) -> None:
    video = made(folder / "empty.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x120:d=0.5")
    with pytest.raises(FaceError, match=r"no face found in .*empty\.mp4: give a driving video"):
        drive(DriveOptions(hero_face, folder / "never.mp4", video=video))
    assert not (folder / "never.mp4").exists()
    assert not list(folder.glob(".*part*"))


def test_the_second_face_of_one_is_asked_for_in_vain(folder: Path, hero_face: FaceOptions) -> None:
    video = made(folder / "short.mp4", "-i", DRIVING, "-t", "0.1")
    with pytest.raises(FaceError, match="shows 1 face, none with index 1"):
        drive(DriveOptions(hero_face, folder / "never.mp4", video=video, person=1))


def test_an_image_gives_its_expression_to_a_picture(folder: Path, hero_face: FaceOptions) -> None:
    image = made(folder / "open.png", "-ss", "3.2", "-i", DRIVING, "-frames:v", "1")
    drive(DriveOptions(hero_face, folder / "out.png", image=image))
    with Image.open(folder / "out.png") as drawn:
        assert drawn.size == (SIZE, SIZE)
    result = drive(DriveOptions(hero_face, folder / "held.mp4", image=image, seconds=0.6))
    assert (result.frames, result.sound) == (15, False)


def test_an_image_at_rest_takes_the_expression_off(folder: Path, hero_face: FaceOptions, hero: Path) -> None:
    """Who smiles, and is turned, in the picture of their face at rest as well, does nothing."""
    image = made(folder / "smile.png", "-ss", "3.2", "-i", DRIVING, "-frames:v", "1")
    heads = [head_of(landmarks_of(hero))]
    for name, neutral in (("told", None), ("taken", image)):
        output = folder / f"{name}.png"
        drive(DriveOptions(hero_face, output, image=image, neutral=neutral))
        heads.append(head_of(landmarks_of(output)))
    own, told, taken = heads
    assert own is not None
    assert told is not None
    assert taken is not None
    assert told.width > 1.1 * own.width
    assert taken.width == pytest.approx(own.width, rel=0.03)
    assert told.turned - own.turned > 4
    assert taken.turned == pytest.approx(own.turned, abs=1)


def test_no_face_in_the_image(folder: Path, hero_face: FaceOptions) -> None:
    Image.new("RGB", (200, 200), "navy").save(folder / "navy.png")
    navy, output = folder / "navy.png", folder / "never.png"
    for options in (
        DriveOptions(hero_face, output, image=navy),
        DriveOptions(hero_face, folder / "never.mp4", video=DRIVING, neutral=navy),
    ):
        with pytest.raises(FaceError, match=r"no face found in .*navy\.png: give an image with .* face$"):
            drive(options)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({}, UsageError, "one face drives"),
        ({"video": DRIVING, "image": DRIVING}, UsageError, "one face drives"),
        ({"video": DRIVING, "pose": 3.0}, UsageError, "pose 3 is out of range"),
        ({"image": DRIVING, "seconds": -1.0}, UsageError, "seconds make no sense"),
        ({"video": SAMPLES / "hero.png"}, UsageError, "is a picture: give it as --image"),
        ({"image": DRIVING}, PictureError, "is not a picture"),
        ({"video": SAMPLES / "speech.wav"}, VideoError, "holds no moving pictures"),
        ({"video": SAMPLES / "none.mp4"}, VideoError, "does not exist"),
    ],
)
def test_bad_input_is_told_in_one_line(
    folder: Path, hero_face: FaceOptions, given: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        drive(DriveOptions(hero_face, folder / "never.mp4", **given))  # type: ignore[arg-type]


def test_a_hero_is_a_picture(folder: Path) -> None:
    with pytest.raises(FaceError, match="is a video: drive moves a picture"):
        drive(DriveOptions(FaceOptions(DRIVING, size=128), folder / "never.mp4", video=DRIVING))
