from __future__ import annotations

import asyncio
import random
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.wire import Text
from txt2vid.errors import UsageError
from txt2vid.sender import outbox, pace
from txt2vid.sender.address import shown, speak_url
from txt2vid.sender.outbox import Cut, Item, Outbox, Sound
from txt2vid.sender.packets import LONGEST_FILL, PACKET, Level, packetizer
from txt2vid.sender.resample import Resampler
from txt2vid.sender.sources import pieces, read_lines
from txt2vid.textwire.codec import LONG


def sound(number: int) -> Sound:
    return Sound(number * PACKET, b"x", 0.02)


async def taken(box: Outbox) -> list[Item]:
    """All that may be sent now."""
    items: list[Item] = []
    while True:
        task = asyncio.ensure_future(box.take())
        for _ in range(3):
            await asyncio.sleep(0)
        if not task.done():
            task.cancel()
            return items
        item = task.result()
        if item is None:
            return items
        items.append(item)


def test_a_microphones_backlog_is_bounded() -> None:
    async def main() -> None:
        box = Outbox(live=True)
        for number in range(100):
            await box.put(sound(number))
        items = await taken(box)
        assert items == [sound(number) for number in range(75, 100)]
        assert box.dropped == pytest.approx(1.5)

    asyncio.run(main())


def test_a_file_waits_and_a_window_bounds_what_is_under_way() -> None:
    async def main() -> None:
        box = Outbox(live=False)

        async def fill() -> None:
            for number in range(200):
                await box.put(sound(number))
            box.close()

        items: list[Item] = []
        filling = asyncio.ensure_future(fill())
        while not filling.done() or not items or items[-1] != sound(199):
            got = await taken(box)
            assert len(got) * 0.02 <= outbox.WINDOW_SECONDS
            items += got
            box.acknowledge(box.mark())
        assert items == [sound(number) for number in range(200)]
        assert await box.take() is None
        assert box.dropped == 0

    asyncio.run(main())


def test_what_may_be_lost_goes_again() -> None:
    async def main() -> None:
        box = Outbox(live=False)
        for item in (sound(0), sound(1), sound(2)):
            await box.put(item)
            await taken(box)
            if item == sound(0):
                box.acknowledge(box.mark())
        box.again(resumed=True)
        assert await taken(box) == [sound(1), sound(2)]

    asyncio.run(main())


def test_texts_wait_until_others_are_spoken() -> None:
    async def main() -> None:
        box = Outbox(live=False)
        got: list[Item] = []
        for number in range(1, 8):
            await box.put(Text("a" * 5000, number))
            got += await taken(box)
            if len(got) < number:
                break
        assert [item.id for item in got if isinstance(item, Text)] == [1, 2, 3, 4]
        box.spoken(1)
        assert await taken(box) == [Text("a" * 5000, 5)]

    asyncio.run(main())


def test_an_interruption_overtakes_sound_but_no_text() -> None:
    async def main() -> None:
        box = Outbox(live=True)
        await box.put(sound(0))
        await box.put(Text("stays"))
        box.cut()
        await box.put(sound(1))
        assert await taken(box) == [Cut(), Text("stays"), sound(1)]

    asyncio.run(main())


@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=300))
def test_pacing_does_not_drift(hiccups: list[float]) -> None:
    pacer, now = pace.Pacer(LISTENING_RATE), 1000.0
    for number, hiccup in enumerate(hiccups):
        now += pacer.wait(number * PACKET, now)
        assert now - 1000 >= number * 0.02 - 1e-6
        assert now - 1000 <= number * 0.02 + pace.LATE + 1e-6 or hiccup > 0.02
        now += min(hiccup, 0.015)
    assert now - 1000 <= len(hiccups) * 0.02 + 0.05


def test_after_a_stall_there_is_no_burst() -> None:
    pacer = pace.Pacer(LISTENING_RATE)
    assert pacer.wait(0, 0.0) == 0
    assert pacer.wait(PACKET, 10.0) == 0
    assert pacer.wait(2 * PACKET, 10.0) == pytest.approx(0.02)


def test_attempts_come_less_often_but_do_come() -> None:
    waits = list(islice(pace.delays(random.Random(1)), 12))
    assert 0.18 < waits[0] < 0.32
    assert all(wait <= pace.LONGEST_DELAY * 1.25 for wait in waits)
    assert min(waits[6:]) > 3
    assert len(set(waits)) == 12


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("ws://a:1/speak", "ws://a:1/speak"),
        ("http://a:8080", "ws://a:8080/speak"),
        ("https://a/", "wss://a/speak"),
        ("wss://a/voice/", "wss://a/voice/speak"),
        ("a", "ws://a:8080/speak"),
        ("a:9", "ws://a:9/speak"),
        ("[::1]:9", "ws://[::1]:9/speak"),
        ("ws://a?token=b", "ws://a/speak?token=b"),
    ],
)
def test_addresses(address: str, url: str) -> None:
    assert speak_url(address) == url


@pytest.mark.parametrize("address", ["ftp://a", "ws://", "ws://a:b", "", "ws://a b"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="write, for instance"):
        speak_url(address)


def test_secrets_are_not_shown() -> None:
    assert shown("ws://me:pass@a:1/speak?token=b") == "ws://a:1/speak"


@pytest.mark.parametrize("codec", ["opus", "pcm"])
def test_gaps_keep_their_length(codec: str) -> None:
    packets, block = packetizer(codec, 24_000), np.full(PACKET, 0.1, np.float32)
    out = packets.push(0, block) + packets.push(PACKET + 480, block)
    far = 10 * LONGEST_FILL + 7
    out += packets.push(far, block) + packets.push(far + PACKET, block) + packets.flush()
    positions = [packet.position for packet in out]
    assert positions == sorted(set(positions))
    assert positions[:3] == [0, PACKET, 2 * PACKET]
    assert positions[-2:] == [far, far + PACKET]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_any_rate_becomes_48_khz_in_its_place(rate: int) -> None:
    at = np.arange(rate) / rate
    resampler, parts = Resampler(rate), np.array_split(np.sin(2 * np.pi * 440 * at).astype(np.float32), 37)
    heard = [resampler.push(part) for part in parts]
    heard.append(resampler.flush())
    result = np.concatenate(heard)
    assert abs(len(result) - LISTENING_RATE) <= 2
    middle = np.arange(4800, 43_200)
    assert np.abs(result[middle] - np.sin(2 * np.pi * 440 * middle / LISTENING_RATE)).max() < 0.01


def test_levels_rise_at_once_and_fall_slowly() -> None:
    level = Level()
    assert level.of(np.zeros(PACKET, np.float32)) == -90
    assert level.of(np.full(PACKET, 0.5, np.float32)) == pytest.approx(-6.02, abs=0.01)
    assert level.of(np.zeros(PACKET, np.float32)) == pytest.approx(-6.42, abs=0.01)


def test_long_texts_are_cut_between_sentences() -> None:
    sentence = "This is a sentence of some length, and it ends here. "
    parts = list(pieces(sentence * 1000))
    assert all(0 < len(part) <= LONG and part.endswith("here.") for part in parts)
    assert " ".join(parts).split() == (sentence * 1000).split()
    assert list(pieces(" … \n")) == []
    assert list(pieces("caf\udce9")) == ["caf?"]


def test_lines_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"a\n\xff\n" + "é".encode() * 70_000 + b"\nlast")
    with path.open("rb") as file:
        lines = list(read_lines(file.fileno()))
    assert lines[:2] == ["a", "\ufffd"]
    assert "".join(lines[2:-1]) == "é" * 70_000
    assert lines[-1] == "last"
