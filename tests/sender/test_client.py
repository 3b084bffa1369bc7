"""The client against a real websocket server that behaves by script: faults at the wire."""

from __future__ import annotations

import asyncio
import math
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.sender.conftest import Peer, Script, Stage, accept
from txt2vid.core import wire
from txt2vid.core.media import LISTENING_RATE
from txt2vid.errors import AudioError, ServerError
from txt2vid.ffmpeg.opus import OpusDecoder
from txt2vid.sender.client import Client, SendOptions
from txt2vid.sender.sources import FileSource, GivenText, Source
from txt2vid.sender.status import Status

PACKET = 960
TOKEN = "secret"  # noqa: S105
RATE = 16_000


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """1.3 s at 16 kHz: a tone that grows."""
    return write(tmp_path / "tone.wav", 1.3)


def write(path: Path, seconds: float) -> Path:
    at = np.arange(round(seconds * RATE)) / RATE
    samples = (0.8 * at / seconds * np.sin(2 * math.pi * 300 * at) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return path


def send(stage: Stage, source: Source, **options: object) -> Status:
    async def main() -> Status:
        async with stage.open():
            return await Client(SendOptions(url=stage.url, **options), source).run()  # type: ignore[arg-type]

    return asyncio.run(main())


def fails(stage: Stage, source: Source, **options: object) -> str:
    with pytest.raises(ServerError) as caught:
        send(stage, source, **options)
    return str(caught.value)


def positions(*peers: Peer) -> list[int]:
    return [packet.position for peer in peers for packet in peer.packets]


def test_a_file_arrives_whole_and_in_real_time(sound: Path) -> None:
    stage = Stage(accept)
    start = time.monotonic()
    status = send(stage, FileSource(sound), session="mine", face="hero", token=TOKEN)
    assert time.monotonic() - start >= 1.2
    (peer,) = stage.peers
    assert peer.hello == wire.Hello(session="mine", face="hero", token=TOKEN, audio=wire.AudioFormat())
    assert positions(peer) == [i * PACKET for i in range(65)]
    assert peer.got[-1] == wire.End()
    assert (status.session, status.texts, status.reconnects, status.dropped) == ("stage", 0, 0, 0)
    assert status.seconds == pytest.approx(1.3)
    decoder = OpusDecoder()
    heard = np.concatenate([decoder.decode(packet.payload) for packet in peer.packets])
    at = np.arange(len(heard)) / LISTENING_RATE
    assert np.corrcoef(heard, at * np.sin(2 * math.pi * 300 * at))[0, 1] > 0.95


def test_pcm_is_what_the_file_holds(sound: Path) -> None:
    stage = Stage(accept)
    send(stage, FileSource(sound), codec="pcm")
    (peer,) = stage.peers
    assert peer.hello.audio == wire.AudioFormat("pcm_s16le", LISTENING_RATE)
    assert {len(packet.payload) for packet in peer.packets} == {2 * PACKET}
    heard = np.frombuffer(b"".join(packet.payload for packet in peer.packets), "<i2") / 32767
    at = np.arange(len(heard)) / LISTENING_RATE
    assert np.abs(heard - 0.8 * at / 1.3 * np.sin(2 * math.pi * 300 * at))[: -LISTENING_RATE // 100].max() < 0.02


def test_texts_arrive_with_who_speaks_them() -> None:
    stage = Stage(accept)
    status = send(stage, GivenText("Hello.", "espeak", "de"), interrupt=True)
    (peer,) = stage.peers
    assert peer.hello.audio is None
    assert peer.got == [wire.Text("Hello.", 1, True, "espeak", "de"), wire.End()]
    assert status.texts == 1


def test_an_interruption_goes_before_the_sound(sound: Path) -> None:
    async def busy(peer: Peer) -> None:
        await peer.greet(epoch=255)
        await peer.hear()

    stage = Stage(busy)
    send(stage, FileSource(sound), interrupt=True)
    (peer,) = stage.peers
    assert peer.got[0] == wire.Interrupt(0)
    assert {packet.epoch for packet in peer.packets} == {0}


def test_sound_follows_the_epoch_of_others_but_not_an_old_one(sound: Path) -> None:
    async def cut(peer: Peer) -> None:
        await peer.greet(epoch=5)
        for epoch in (6, 4):
            count = 10 if epoch == 6 else 25
            await peer.hear(lambda count=count: len(peer.packets) >= count)  # type: ignore[misc]
            await peer.say(wire.Stats(0, 0, 0, 0, 0, 0, 0, 0, epoch))
        await peer.hear()

    stage = Stage(cut)
    status = send(stage, FileSource(sound))
    epochs = [packet.epoch for packet in stage.peers[0].packets]
    assert epochs == sorted(epochs)
    assert (epochs[0], epochs[-1]) == (5, 6)
    assert status.stats is not None
    assert status.stats.epoch == 4


def breaks(after: int) -> Script:
    """A server that takes some packets, lets pongs pass, and then is gone without a word.

    Pongs tell what has arrived, not what was read: so it still reads what had come, as our own server does.
    """

    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.hear(lambda: len(peer.packets) >= after)
        peer.socket.transport.abort()
        await peer.hear()

    return script


def test_a_lost_connection_is_made_again_and_nothing_is_lost(sound: Path) -> None:
    stage = Stage(breaks(20), breaks(10), accept)
    status = send(stage, FileSource(sound))
    assert status.reconnects == 2
    assert [peer.hello.resume for peer in stage.peers] == [None, "again", "again"]
    assert set(positions(*stage.peers)) == {i * PACKET for i in range(65)}
    for peer in stage.peers:  # a stretch each: what may be lost is sent again, in order
        assert np.diff(positions(peer)).tolist() == [PACKET] * (len(peer.packets) - 1)
    assert status.dropped == 0


def test_texts_that_a_new_server_does_not_know_are_said_again() -> None:
    async def forgets(peer: Peer) -> None:
        await peer.greet(resume="first")
        peer.got.append(wire.decode_client(str(await peer.socket.recv())))
        await peer.socket.ping()
        await peer.socket.close(1012)

    async def new(peer: Peer) -> None:
        await peer.greet(resume="second")
        await peer.hear()

    stage = Stage(forgets, new)
    send(stage, GivenText("Once more."))
    assert [peer.texts for peer in stage.peers] == [[wire.Text("Once more.", 1)]] * 2


def refuses(code: str, message: str = "it said no") -> Script:
    async def script(peer: Peer) -> None:
        await peer.socket.recv()
        await peer.refuse(code, message)

    return script


@pytest.mark.parametrize("code", sorted(wire.CLOSE_CODES))
def test_a_refusal_is_told_with_what_to_type(code: str, sound: Path) -> None:
    said = fails(Stage(refuses(code)), FileSource(sound))
    assert "127.0.0.1" in said
    assert "it said no" in said
    assert ": " in said.partition("it said no")[2]


@pytest.mark.parametrize("code", sorted(wire.CLOSE_CODES.keys() - wire.FATAL))
def test_what_may_pass_is_tried_again(code: str) -> None:
    async def later(peer: Peer) -> None:
        await peer.greet()
        await peer.refuse(code)

    stage = Stage(later, refuses(code), accept)
    assert send(stage, GivenText("Hello.")).reconnects == 2


@pytest.mark.parametrize("code", sorted(wire.FATAL))
def test_what_cannot_pass_is_not(code: str) -> None:
    async def later(peer: Peer) -> None:
        await peer.greet()
        await peer.refuse(code)

    stage = Stage(later, accept)
    fails(stage, GivenText("Hello."))
    assert len(stage.peers) == 1


@pytest.mark.parametrize("code", ["token", "busy"])
def test_a_close_code_alone_is_enough(code: str) -> None:
    async def closes(peer: Peer) -> None:
        await peer.socket.recv()
        await peer.socket.close(wire.CLOSE_CODES[code])

    assert code in fails(Stage(closes), GivenText("Hello."))


def test_attempts_are_counted() -> None:
    async def later(peer: Peer) -> None:
        await peer.greet()
        await peer.refuse("stopping", "it goes down")

    stage = Stage(later, refuses("full"), refuses("full"), refuses("full"), accept)
    said = fails(stage, GivenText("Hello."), attempts=2)
    assert len(stage.peers) == 3
    assert "--wait" in said
    stage = Stage(later, accept)
    assert "it goes down" in fails(stage, GivenText("Hello."), attempts=0)
    assert len(stage.peers) == 1


def test_who_waits_gets_in() -> None:
    stage = Stage(refuses("busy"), refuses("full"), accept)
    assert send(stage, GivenText("Hello."), wait=True).texts == 1


GARBAGE: list[str | bytes] = ["", "{", "[]", '{"type":"dance"}', b"\x01\x02", '{"type":"ready"}', '{"type":"spoken"}']


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
@pytest.mark.parametrize("greets", [True, False])
def test_a_server_that_talks_nonsense(garbage: str | bytes, greets: bool) -> None:
    async def script(peer: Peer) -> None:
        if greets:
            await peer.greet()
        await peer.socket.send(garbage)
        await peer.socket.wait_closed()

    assert "no sense" in fails(Stage(script), GivenText("Hello."))


def test_a_message_that_is_too_long() -> None:
    async def script(peer: Peer) -> None:
        await peer.greet()
        await peer.socket.send("x" * (wire.MAX_MESSAGE + 1))
        await peer.socket.wait_closed()

    assert "same version" in fails(Stage(script, accept), GivenText("Hello."))


def test_a_server_that_reads_nothing_is_left_and_the_file_waits(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("txt2vid.sender.connection.DEAD_SECONDS", 1.5)

    async def stalls(peer: Peer) -> None:
        await peer.greet()
        peer.socket.transport.pause_reading()
        await peer.socket.wait_closed()

    stage = Stage(stalls, accept)
    status = send(stage, FileSource(sound))
    assert status.reconnects == 1
    assert stage.peers[1].hello.resume == "again"
    assert positions(stage.peers[1]) == [i * PACKET for i in range(65)]


def test_a_server_that_never_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("txt2vid.sender.connection.END_SECONDS", 0.2)
    monkeypatch.setattr("txt2vid.sender.connection.CHARACTER_SECONDS", 0.01)

    async def mute(peer: Peer) -> None:
        await peer.greet()
        await peer.socket.wait_closed()

    assert "has not shown everything" in fails(Stage(mute), GivenText("Hello."))


def test_nobody_listens() -> None:
    async def main() -> None:
        async with Stage(accept).open() as stage:
            url = stage.url
        await Client(SendOptions(url=url), GivenText("Hello.")).run()

    with pytest.raises(ServerError, match="txt2vid serve"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404.*txt2vid serve"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "--token"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\ngo \x1b[31m!", "403.*go"),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "--wait"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no txt2vid server"),
        (b"", "hung up"),
    ],
)
def test_somebody_else_listens(answer: bytes, says: str) -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(other, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await Client(SendOptions(url=f"ws://127.0.0.1:{port}/speak"), GivenText("Hello.")).run()

    with pytest.raises(ServerError, match=says) as caught:
        asyncio.run(main())
    assert str(caught.value).isprintable()


def test_a_server_without_our_protocol() -> None:
    from websockets.asyncio.server import serve

    async def main() -> None:
        async with serve(lambda socket: socket.wait_closed(), "127.0.0.1", 0, close_timeout=0.5) as server:
            port = server.sockets[0].getsockname()[1]
            await Client(SendOptions(url=f"ws://127.0.0.1:{port}/speak"), GivenText("Hello.")).run()

    with pytest.raises(ServerError, match=r"txt2vid\.v1"):
        asyncio.run(main())


def test_a_source_that_fails_ends_the_sending(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "a.wav", 1))
    (tmp_path / "a.wav").unlink()
    with pytest.raises(AudioError, match=r"a\.wav"):
        send(Stage(accept), source)


def test_muted_sound_is_silence_in_its_place(sound: Path) -> None:
    stage = Stage(accept)

    async def main() -> None:
        async with stage.open():
            client = Client(SendOptions(url=stage.url, codec="pcm"), FileSource(sound))
            client.mute(True)
            await client.run()

    asyncio.run(main())
    (peer,) = stage.peers
    assert positions(peer) == [i * PACKET for i in range(65)]
    assert not any(b"".join(packet.payload for packet in peer.packets))


def test_stopping_shows_what_was_sent(tmp_path: Path) -> None:
    stage = Stage(accept)

    async def main() -> None:
        async with stage.open():
            client = Client(SendOptions(url=stage.url), FileSource(write(tmp_path / "long.wav", 60)))
            task = asyncio.ensure_future(client.run())
            while not (stage.peers and stage.peers[0].packets):
                assert not task.done()
                await asyncio.sleep(0.01)
            client.stop()
            await task

    asyncio.run(main())
    assert stage.peers[0].got[-1] == wire.End()
    assert len(stage.peers[0].packets) < 1000
