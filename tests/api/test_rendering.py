from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import txt2vid
from txt2vid.ffmpeg.probe import probe

RATE = 16_000
HUM = 0.3 * np.sin(2 * np.pi * 140 * np.arange(RATE // 2) / RATE)


def test_a_text_becomes_a_video(face: txt2vid.Face, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    made = txt2vid.render(
        face, text="[happy] Hello.", output=tmp_path / "a.mp4", voice="rms", engine="mesh", fps=30,
        expression="smile:0.5", progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    video = probe(made.path).video
    assert video is not None
    assert (video.width, video.height) == made.size == (128, 128)
    assert (made.fps, made.engine, made.voice) == (Fraction(30), "mesh", "flite")
    assert made.frames == seen[-1][0]
    assert made.seconds == pytest.approx(made.frames / 30, abs=1 / 30)


def test_samples_are_heard_as_they_are(face: txt2vid.Face, tmp_path: Path) -> None:
    stereo = np.stack([HUM, np.zeros_like(HUM)], axis=1)
    path = tmp_path / "a.mp4"
    for sound in (HUM, (HUM * 32767).astype(np.int16), stereo.astype(np.float32)):
        made = txt2vid.render(face, audio=(sound, RATE), output=str(path))
        assert (made.seconds, made.frames, made.voice) == (0.52, 13, None)
    audio = probe(path).audio
    assert audio is not None
    assert (audio.channels, audio.rate) == (2, RATE)
    odd = txt2vid.render(face, audio=(HUM, 11_025), output=tmp_path / "b.mp4")
    assert odd.seconds == pytest.approx(len(HUM) / 11_025, abs=1 / 25)  # the last frame is shown whole


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, txt2vid.UsageError, "one of text, audio, subtitles"),
        ({"text": "a", "audio": "b.wav"}, txt2vid.UsageError, "one of text, audio, subtitles"),
        ({"text": "…"}, txt2vid.SpeechError, "nothing"),
        ({"text": "Hello.", "voice": "nobody"}, txt2vid.UsageError, "nobody"),
        ({"text": "Hello.", "language": "?"}, txt2vid.UsageError, "language"),
        ({"text": "Hello.", "engine": "crayon"}, txt2vid.UsageError, "crayon"),
        ({"text": "Hello.", "device": "abacus"}, txt2vid.UsageError, "auto, cpu, cuda"),
        ({"text": "Hello.", "fps": float("nan")}, txt2vid.UsageError, "frame rate 'nan'"),
        ({"text": "Hello.", "fps": Fraction(1000)}, txt2vid.UsageError, "choose 1 to 240"),
        ({"text": "Hello.", "size": 256}, txt2vid.UsageError, "give size to Face.open"),
        ({"text": "Hello.", "expression": "wink"}, txt2vid.UsageError, "choose a mood"),
        ({"text": "Hello.", "output": "no/such/folder/a.mp4"}, txt2vid.OutputError, "no/such/folder"),
        ({"audio": "none.wav"}, txt2vid.AudioError, "none.wav"),
        ({"audio": 3}, txt2vid.UsageError, "give a path"),
        ({"audio": "a.wav", "voice": "slt"}, txt2vid.UsageError, "are for texts"),
        ({"audio": (HUM,)}, txt2vid.UsageError, r"\(samples, rate\)"),
        ({"audio": (HUM * np.nan, RATE)}, txt2vid.AudioError, "NaN"),
        ({"audio": (HUM * 32767, RATE)}, txt2vid.AudioError, "int16"),
        ({"audio": (HUM * 0, RATE)}, txt2vid.AudioError, "silent"),
        ({"audio": (HUM[:0], RATE)}, txt2vid.AudioError, "silent"),
        ({"audio": (HUM, 16.0)}, txt2vid.UsageError, "rate 16.0"),
        ({"audio": (HUM.astype(complex), RATE)}, txt2vid.UsageError, "complex"),
        ({"audio": (np.zeros((9, 9)), RATE)}, txt2vid.UsageError, r"\(9, 9\)"),
    ],
)
def test_what_makes_no_sense_is_said_and_leaves_nothing(
    face: txt2vid.Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any],
    error: type[txt2vid.Txt2VidError], says: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        txt2vid.render(face, **{"output": "a.mp4", **arguments})
    assert list(tmp_path.iterdir()) == []


def test_whoever_stops_it_gets_nothing(face: txt2vid.Face, tmp_path: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        raise RuntimeError(f"{done} of {total}")

    with pytest.raises(RuntimeError, match="of 13"):
        txt2vid.render(face, audio=(HUM, RATE), output=tmp_path / "a.mp4", progress=stop)
    assert list(tmp_path.iterdir()) == []
