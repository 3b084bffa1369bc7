"""A face driven over the websocket: a real server, what a camera would send, and its stream looked at."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.onlooker import Onlooker
from txt2vid.core import wire
from txt2vid.core.motion import Motion, coefficients
from txt2vid.core.motionwire import MOTION, Seen, encode_motion

SAMPLES = Path(__file__).parents[2] / "sample_data"
DRIVING, ASTRONAUT = SAMPLES / "driving.mp4", SAMPLES / "astronaut.png"  # the video is made of the picture
SIZE = 192


def drive(port: int, *arguments: object) -> Any:
    """`txt2vid drive`, live, to its end, and what it says of itself."""
    command = [sys.executable, "-m", "txt2vid", "drive", "--live", f"127.0.0.1:{port}", "--json", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory, speech: Path) -> Path:
    """A face that moves, with a voice beside it."""
    path = tmp_path_factory.mktemp("talking") / "talking.mp4"
    inputs = ["-i", str(DRIVING), "-i", str(speech)]
    subprocess.run(["ffmpeg", "-v", "error", *inputs, "-c:v", "copy", "-c:a", "aac", str(path)], check=True)
    return path


def test_a_session_does_what_a_camera_sees_and_rests_when_it_ends(serving: Any, hero: Path, talking: Path) -> None:
    with serving("--face", hero, "--size", str(SIZE), "--workers", "1") as server:
        watched = Onlooker(f"http://127.0.0.1:{server.port}/stream.ts", SIZE)
        try:
            watched.until(lambda head: head.gap < 0.02)
            with server.talk() as talk:
                began = time.monotonic()

                def opened() -> None:
                    at = round(1000 * (time.monotonic() - began))
                    talk.say(encode_motion(Seen(at, Motion(coefficients(jawOpen=0.6)))))
                    time.sleep(0.03)

                watched.until(lambda head: head.gap > 0.06, opened)
                watched.until(lambda head: head.gap < 0.02)  # it sends no more, and is there still
                talk.say(bytes([MOTION, 1, 2]))
                assert talk.refusal() == ("protocol", wire.CLOSE_CODES["protocol"])
            said = drive(server.port, "--video", DRIVING)
            assert said["motions_sent"] > 0, "pictures that are late are passed over: on a busy machine nearly all"
            assert said["seen"] >= said["motions_sent"]
            assert said["seconds_sent"] == 0, "it has no sound"
            said = drive(server.port, "--video", talking)
            assert said["motions_sent"] > 0
            assert said["seconds_sent"] > 0.8, "its voice goes with it"
            said = drive(server.port, "--video", talking, "--no-sound", "--neutral", ASTRONAUT)
            assert said["motions_sent"] > 0
            assert said["seconds_sent"] == 0
        finally:
            watched.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--webcam", "none-such"), "there is no camera none-such"),
        (("--webcam", "0", "--face", "me.png"), "--face says nothing about a live session"),
        (("--video", DRIVING), "no face: add --face"),
        (("--webcam", "0", "--mic", "--audio", "a.wav"), "--mic and --audio are more than one voice"),
        (("--webcam", "0", "--device", "2"), "--device names a microphone: add --mic"),
        (("--face", "me.png", "--video", DRIVING, "--mic"), "a server is driven live: add --webcam DEVICE"),
        (("--video", DRIVING, "--live", "localhost:1", "--audio", "none.wav"), "none.wav"),
        (("--video", DRIVING, "--live", "localhost:1", "--neutral", "none.png"), "none.png"),
        (("--video", DRIVING, "--live", "wss://localhost:1", "--ca", "none.pem"), "none.pem"),
    ],
)
def test_what_makes_no_sense_is_told(txt2vid: Any, arguments: tuple[object, ...], words: str) -> None:
    done = txt2vid("drive", *arguments)
    assert done.returncode > 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
