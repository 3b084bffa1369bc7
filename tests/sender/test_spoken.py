"""Sound that becomes text at the sender: with the embedded ear, its real process, and a real websocket server."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.sender.conftest import Stage, accept
from txt2vid.core import wire
from txt2vid.core.media import LISTENING_RATE, Samples
from txt2vid.errors import SpeechError, Txt2VidError, UsageError
from txt2vid.ffmpeg import AudioReader
from txt2vid.sender.client import Client, SendOptions
from txt2vid.sender.ear import Ear, EarOptions
from txt2vid.sender.resample import Resampler
from txt2vid.sender.sources import FileSource, SoundSource
from txt2vid.sender.spoken import WAITING_SENTENCES, SpokenText

pytest.importorskip("pocketsphinx", reason="the extra stt is not installed")

PACKET = LISTENING_RATE // 50


class Quick(SoundSource):
    """A file, again and again, as quickly as it is taken; or, with live, as a microphone that does not wait."""

    def __init__(self, path: Path, times: int = 1, *, live: bool = False, pause: float = 1.0) -> None:
        with AudioReader(path) as reader:
            resampler = Resampler(reader.rate)
            parts = [resampler.push(chunk.samples.mean(axis=1)) for chunk in reader]
        sound = np.concatenate([*parts, resampler.flush(), np.zeros(round(pause * LISTENING_RATE), np.float32)])
        self._sound, self._times, self.live = sound, times, live
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    async def sound(self) -> AsyncIterator[tuple[int, Samples]]:
        position = 0
        for _ in range(self._times):
            for at in range(0, len(self._sound), PACKET):
                if self.stopped:
                    return
                yield position, self._sound[at : at + PACKET]
                position += PACKET
                await asyncio.sleep(0)


def send(stage: Stage, source: SpokenText) -> None:
    async def main() -> None:
        async with stage.open():
            await source.open()
            await Client(SendOptions(url=stage.url), source).run()

    asyncio.run(main())


def fails(options: EarOptions, error: type[Exception], words: str) -> None:
    ear = Ear(options)
    try:
        with pytest.raises(error, match=words):
            asyncio.run(ear.open())
    finally:
        ear.close()


def test_a_file_becomes_text_on_the_wire(stage: type[Stage], speech: Path) -> None:
    served = stage(accept)
    send(served, SpokenText(FileSource(speech), Ear(EarOptions()), "espeak", "en-us"))
    (peer,) = served.peers
    assert peer.hello.audio is None
    assert peer.packets == []
    (text,) = peer.texts
    assert text.text.startswith("Hello ")
    assert text.text.endswith(".")
    assert (text.tts, text.voice) == ("espeak", "en-us")
    assert peer.got[-1] == wire.End()


@pytest.mark.parametrize("live", [False, True])
def test_a_server_that_is_behind_makes_a_file_wait_and_a_microphone_drop(
    speech: Path, caplog: pytest.LogCaptureFixture, live: bool
) -> None:
    source, taken = SpokenText(Quick(speech, 8, live=live), Ear(EarOptions())), []

    async def main() -> None:
        await source.open()
        async for text in source.texts():
            taken.append(text)
            while len(taken) == 1 and not (live and "left out" in caplog.text):
                await asyncio.sleep(0.02)
                if not live and len(source._ready) == WAITING_SENTENCES:
                    break

    try:
        asyncio.run(main())
    finally:
        source.close()
    assert len(taken) < 8 if live else len(taken) == 8


def test_muted_and_silent_say_nothing(stage: type[Stage], speech: Path) -> None:
    served = stage(accept)
    source = SpokenText(Quick(speech, 3), Ear(EarOptions()))
    source.muted = True
    send(served, source)
    assert served.peers[0].got == [wire.End()]


def test_what_was_said_before_the_stop_is_sent(stage: type[Stage], speech: Path) -> None:
    served = stage(accept)
    source = SpokenText(FileSource(speech), Ear(EarOptions()))

    async def main() -> None:
        async with served.open():
            await source.open()
            client = Client(SendOptions(url=served.url), source)

            async def stop() -> None:
                await asyncio.sleep(1.2)
                client.stop()
                await asyncio.Event().wait()

            await client.run(stop)

    asyncio.run(main())
    assert [type(message) for message in served.peers[0].got] == [wire.Text, wire.End]


def test_an_ear_that_dies_is_told(stage: type[Stage], speech: Path) -> None:
    ear = Ear(EarOptions())
    source = SpokenText(Quick(speech, 500), ear)
    assert ear._process is not None
    pid = ear._process.pid

    async def main(served: Stage) -> None:
        async with served.open():
            await source.open()
            asyncio.get_running_loop().call_later(1.0, os.kill, pid, signal.SIGKILL)
            await Client(SendOptions(url=served.url), source).run()

    with pytest.raises(SpeechError, match=r"pocketsphinx ended by itself \(signal 9\): try another"):
        asyncio.run(main(stage(accept)))


def test_ears_that_cannot_hear(tmp_path: Path) -> None:
    fails(EarOptions(model=tmp_path), SpeechError, "holds no model of pocketsphinx")
    fails(EarOptions(language="de"), UsageError, "hears English only")
    fails(EarOptions("vosk"), Txt2VidError, "vosk' needs|vosk needs")
    (tmp_path / "hmm").mkdir()
    for name in ("hmm/mdef", "a.lm.bin", "a.dict"):
        (tmp_path / name).write_bytes(b"no model")
    fails(EarOptions(model=tmp_path), SpeechError, r"ended by itself \(exit code 1\): try another --stt-model")


def test_closing_leaves_no_process() -> None:
    ear = Ear(EarOptions())
    assert ear._process is not None
    process = ear._process
    ear.close()
    ear.close()
    assert process.poll() is not None
