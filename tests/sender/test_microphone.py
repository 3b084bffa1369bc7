"""A microphone that is PulseAudio's: what is played into a null sink is heard at the websocket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cli.test_send import serving
from tests.sender.conftest import Stage
from tests.sinks import sink
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.wire import AudioFormat
from txt2vid.errors import AudioError, UsageError
from txt2vid.ffmpeg.opus import OpusDecoder
from txt2vid.sender.microphone import Device, choose, quiet

__all__ = ["serving"]
DRIVING = Path(__file__).parents[2] / "sample_data" / "driving.mp4"

INPUTS = [
    Device(0, "Built-in Mic", 48_000, 2, False),
    Device(3, "USB Mic", 44_100, 1, True),
    Device(4, "usb", 8000, 1, False),
]


@pytest.fixture
def pulse(tmp_path: Path) -> Iterator[dict[str, str]]:
    """PulseAudio with one sink that nobody hears; the environment in which its monitor is the microphone."""
    pytest.importorskip("pyaudio", reason="the extra mic is not installed")
    with sink(tmp_path) as environment:
        yield environment


def wait_for(condition: Callable[[], object], seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "txt2vid", *arguments]


def noise_file(path: Path, seconds: float) -> np.ndarray:  # type: ignore[type-arg]
    """Low-passed noise, 16 bits, mono, raw: its place in a recording is unmistakable."""
    rng = np.random.default_rng(5)
    sound = np.convolve(rng.standard_normal(round(seconds * LISTENING_RATE)), np.ones(24) / 24, "same")
    sound /= np.abs(sound).max() * 1.5
    path.write_bytes((sound * 32767).astype("<i2").tobytes())
    return sound


@pytest.mark.slow
def test_what_is_played_is_heard(pulse: dict[str, str], serving: Stage, tmp_path: Path) -> None:
    sound = noise_file(tmp_path / "noise.raw", 2.0)
    with subprocess.Popen(
        command("send", serving.url, "--mic", "--bitrate", "48000"), env=pulse, stderr=subprocess.PIPE
    ) as sending:
        try:
            wait_for(lambda: serving.peers and len(serving.peers[0].packets) > 20)
            raw = ["--raw", "--format=s16le", "--rate=48000", "--channels=1", "--device=hole"]
            subprocess.run(["paplay", *raw, str(tmp_path / "noise.raw")], env=pulse, check=True, timeout=60)
            begun = len(serving.peers[0].packets)
            wait_for(lambda: len(serving.peers[0].packets) > begun + 50)
        finally:
            sending.terminate()
        assert sending.wait(30) == 143
        assert sending.stderr is not None
        assert sending.stderr.read() == b"txt2vid: stopped\n"  # and nothing of ALSA's or JACK's
    packets = serving.peers[0].packets
    decoder = OpusDecoder()
    heard = np.concatenate([decoder.decode(packet.payload) for packet in packets])
    part = sound[LISTENING_RATE // 2 : LISTENING_RATE]
    size = len(heard) + len(part)
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(part, size)))
    at = int(product[: len(heard) - len(part)].argmax())
    assert np.corrcoef(heard[at : at + len(part)], part)[0, 1] > 0.8


def test_a_face_and_a_voice_go_together(pulse: dict[str, str], serving: Stage) -> None:
    """`drive` with a microphone; a video takes the camera's place, and ends before the voice does."""
    arguments = ("drive", "--video", str(DRIVING), "--live", serving.url, "--mic")
    with subprocess.Popen(command(*arguments), env=pulse, stderr=subprocess.PIPE) as sending:
        try:
            wait_for(lambda: serving.peers and len(serving.peers[0].motions) > 5)
            moved, said = len(serving.peers[0].motions), len(serving.peers[0].packets)
            wait_for(lambda: len(serving.peers[0].packets) > said + 300)  # 6 s: longer than the video
        finally:
            sending.terminate()
        assert sending.wait(30) == 143
        assert sending.stderr is not None
        assert sending.stderr.read() == b"txt2vid: stopped\n"
    (peer,) = serving.peers
    assert peer.hello.audio == AudioFormat()
    times = [seen.time for seen in peer.motions]
    assert len(times) > moved
    assert times == sorted(times)


@pytest.mark.slow
def test_a_microphone_that_goes_is_told(pulse: dict[str, str], serving: Stage) -> None:
    with subprocess.Popen(
        command("send", serving.url, "--mic"), env=pulse, stderr=subprocess.PIPE, text=True
    ) as sending:
        try:
            wait_for(lambda: serving.peers and len(serving.peers[0].packets) > 5)
            os.kill(int(pulse["PULSE_TEST_PID"]), 9)
            _, said = sending.communicate(timeout=40)
        finally:
            sending.kill()
    assert sending.returncode == 3
    assert said.count("\n") == 1
    assert "gives no sound any more" in said


def test_devices_are_listed(pulse: dict[str, str]) -> None:
    done = subprocess.run(command("devices", "--json"), env=pulse, capture_output=True, text=True, check=True)
    (device,) = json.loads(done.stdout)["devices"]
    assert (device["name"], device["default"]) == ("default", True)
    assert done.stderr == ""
    done = subprocess.run(command("devices"), env=pulse, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("*   0  default")


def test_a_device_that_is_not_there(pulse: dict[str, str]) -> None:
    done = subprocess.run(
        command("send", "--mic", "--device", "tuba"), env=pulse, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "txt2vid: no microphone is called 'tuba': choose one of 0 'default'\n"


@pytest.mark.parametrize(("wanted", "index"), [(None, 3), ("0", 0), ("built", 0), ("usb mic", 3), ("USB", 4)])
def test_choosing(wanted: str | None, index: int) -> None:
    assert choose(INPUTS, wanted).index == index


@pytest.mark.parametrize(("wanted", "says"), [("mic", "more than one"), ("7", "no microphone is called '7'")])
def test_choosing_wrongly(wanted: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        choose(INPUTS, wanted)
    with pytest.raises(AudioError, match="--file"):
        choose([], wanted)


def test_quiet_gives_stderr_back(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(2, b"before ")
    with quiet():
        os.write(2, b"within ")
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"
