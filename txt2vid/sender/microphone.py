"""Sound from a microphone, by PortAudio (pyaudio); finding one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.core.tasks import within
from txt2vid.errors import AudioError, DependencyError, UsageError
from txt2vid.sender.resample import Resampler
from txt2vid.sender.sources import SoundSource

BLOCK_SECONDS = 0.02  # of a callback
QUEUED_BLOCKS = 25  # half a second that the loop may sleep; then the oldest is dropped, and positions go on
FIRST_SECONDS = 8.0  # until a microphone must give sound: wireless ones wake slowly
SILENT_SECONDS = 3.0  # without any sound, not even silence: the device is gone
PULSE_MS = "20"  # PulseAudio gathers up to 2 s for those who do not say how long they can wait
_MAX_CHANNELS = 2
_INSTALL = "sudo apt install portaudio19-dev, then pip install 'txt2vid[mic]'"


@dataclass(frozen=True, slots=True)
class Device:
    """An input. rate: Hz that it likes best. default: what the system uses unless told otherwise."""

    index: int
    name: str
    rate: int
    channels: int
    default: bool


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What C libraries write to file descriptor 2 vanishes; Python's own stderr goes where it went.

    ALSA and JACK write there of every device that this machine does not have, PortAudio when one is unplugged.
    """
    before = sys.stderr
    before.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nothing:  # noqa: PTH123 - it is no path
        os.dup2(nothing.fileno(), 2)
    sys.stderr = os.fdopen(kept, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    _move_logs(before, sys.stderr)
    try:
        yield
    finally:
        _move_logs(sys.stderr, before)
        sys.stderr.flush()
        sys.stderr = before
        os.dup2(kept, 2)
        os.close(kept)


def _move_logs(old: TextIO, new: TextIO) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is old:
            handler.setStream(new)


@contextlib.contextmanager
def portaudio() -> Iterator[Any]:
    """PortAudio while the block runs. Raises DependencyError where it is not installed."""
    os.environ.setdefault("PULSE_LATENCY_MSEC", PULSE_MS)
    try:
        import pyaudio
    except ImportError as err:
        raise DependencyError(f"a microphone needs pyaudio ({err}): {_INSTALL}") from err
    try:
        with quiet():
            system = pyaudio.PyAudio()
    except OSError as err:
        raise AudioError(f"this machine's sound does not start ({err}): check it with arecord -l") from err
    try:
        yield system
    finally:
        with quiet():
            system.terminate()


def devices(system: Any) -> list[Device]:
    """All inputs."""
    try:
        default = int(system.get_default_input_device_info()["index"])
    except OSError:
        default = -1
    found = []
    for index in range(system.get_device_count()):
        info = system.get_device_info_by_index(index)
        if info["maxInputChannels"] > 0:
            channels, rate = int(info["maxInputChannels"]), round(info["defaultSampleRate"])
            found.append(Device(index, str(info["name"]), rate, channels, index == default))
    return found


def choose(found: Sequence[Device], wanted: str | None) -> Device:
    """The device of an index or of a part of its name, the default for None.

    Raises AudioError where there is none at all, UsageError where none, or more than one, is meant.
    """
    if not found:
        raise AudioError("this machine has no microphone: connect one, or send a file with --file")
    if wanted is None:
        return next((device for device in found if device.default), found[0])
    if wanted.isdecimal():
        matching = [device for device in found if device.index == int(wanted)]
    else:
        matching = [device for device in found if wanted.lower() in device.name.lower()]
        matching = [device for device in matching if device.name.lower() == wanted.lower()] or matching
    if len(matching) != 1:
        which = "no microphone is" if not matching else "more than one microphone is"
        names = ", ".join(f"{device.index} {device.name!r}" for device in matching or found)
        raise UsageError(f"{which} called {wanted!r}: choose one of {names}")
    return matching[0]


class MicrophoneSource(SoundSource):
    """What a microphone hears. wanted: its index or a part of its name. Raises AudioError where it cannot be opened."""

    live = True

    def __init__(self, wanted: str | None = None) -> None:
        self._blocks: deque[tuple[int, bytes]] = deque(maxlen=QUEUED_BLOCKS)
        self._position = 0  # of the next block, at the device's rate
        self._arrived: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._held = contextlib.ExitStack()
        try:
            system = self._held.enter_context(portaudio())
            self._held.enter_context(quiet())  # to the end: a device may go at any time
            self.device = choose(devices(system), wanted)
            self.rate, self._channels, self._stream = self._open(system)
        except BaseException:
            self._held.close()
            raise

    def stop(self) -> None:
        """Ends with what was heard so far."""
        self._stopped.set()
        if self._arrived is not None:
            self._arrived.set()

    def close(self) -> None:
        """Gives the device back."""
        self._stopped.set()
        self._held.close()

    async def sound(self) -> AsyncIterator[tuple[int, Samples]]:
        """As it is heard; a position that jumps tells of lost blocks."""
        self._loop, self._arrived = asyncio.get_running_loop(), asyncio.Event()
        self._blocks.clear()
        patience, resampler, base, expected, done = FIRST_SECONDS, Resampler(self.rate), 0, -1, 0
        with quiet():
            self._stream.start_stream()
        while not self._stopped.is_set():
            await self._wait(patience)
            while not self._stopped.is_set() and self._blocks:
                at, data = self._blocks.popleft()
                if at != expected:
                    resampler, base, done = Resampler(self.rate), math.ceil(at * LISTENING_RATE / self.rate), 0
                samples = np.frombuffer(data, np.float32).reshape(-1, self._channels).mean(axis=1)
                expected = at + len(samples)
                heard = resampler.push(samples)
                if len(heard):
                    yield base + done, heard
                    done += len(heard)
            patience = SILENT_SECONDS

    async def _wait(self, seconds: float) -> None:
        """Until a block is there. Raises AudioError where none comes."""
        if self._arrived is None or self._blocks:
            return
        self._arrived.clear()
        try:
            await within(self._arrived.wait(), seconds)
        except asyncio.TimeoutError as err:
            raise AudioError(
                f"the microphone {self.device.name!r} gives no sound any more: connect it again, or choose another of "
                "txt2vid devices with --device"
            ) from err

    def _open(self, system: Any) -> tuple[int, int, Any]:
        """At 48 kHz and one channel where the device does that, else as it likes it."""
        most = min(self.device.channels, _MAX_CHANNELS)
        forms = [(rate, channels) for rate in (LISTENING_RATE, self.device.rate) for channels in (1, most)]
        problem: Exception | None = None
        for rate, channels in dict.fromkeys(forms):
            try:
                with quiet():
                    stream = self._stream_of(system, rate, channels)
            except (OSError, ValueError) as err:  # noqa: PERF203 - four times at most
                problem = err
            else:
                self._held.callback(_close, stream)
                return rate, channels, stream
        raise AudioError(
            f"the microphone {self.device.name!r} cannot be opened ({problem}): close other programs that use it, or "
            "choose another of txt2vid devices with --device"
        ) from problem

    def _stream_of(self, system: Any, rate: int, channels: int) -> Any:
        import pyaudio

        return system.open(
            rate=rate,
            channels=channels,
            format=pyaudio.paFloat32,
            input=True,
            input_device_index=self.device.index,
            frames_per_buffer=round(rate * BLOCK_SECONDS),
            stream_callback=self._heard,
            start=False,
        )

    def _heard(self, data: bytes | None, frames: int, times: object, flags: int) -> tuple[None, int]:
        """Called by PortAudio in a thread of its own."""
        del times, flags
        if data:
            self._blocks.append((self._position, data))
        self._position += frames
        if self._loop is not None and self._arrived is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._arrived.set)
        return None, 0  # paContinue


def _close(stream: Any) -> None:
    with quiet(), contextlib.suppress(OSError):
        stream.close()
