"""WHIP and WHEP with a real server and aiortc as an independent peer."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

pytest.importorskip("aiortc")
import aioice
from aiortc.rtcicetransport import candidate_to_aioice
from starlette.testclient import TestClient

from tests.server.conftest import SMALL, TOKEN, WATCH_TOKEN, Server, serving
from tests.server.peers import FRAGMENT, SDP, Tone, ask, asked, line, offer, on_loopback, until  # noqa: F401
from txt2vid.server import whip
from txt2vid.transports import offers, restart
from txt2vid.transports.signalling import credentials

BOTH = ("audio", "video")


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    """A server of these tests' own: what comes and goes there is counted."""
    with serving(tmp_path_factory.mktemp("relay"), "--face", hero, *SMALL, "--mark") as running:
        yield running


def sdp(**wants: Any) -> str:
    """An offer, of a peer that is not there any more."""

    async def main() -> str:
        connection = await offer(**wants)
        text = str(connection.localDescription.sdp)
        await connection.close()
        return text

    return asyncio.run(main())


def test_a_microphone_moves_the_face_that_the_other_sees_and_is_heard(relay: Server) -> None:
    async def main() -> None:
        async with line(relay, "/whep/hero", takes=BOTH) as down, line(relay, "/whip/hero", sends=Tone()):
            await until(lambda: len(down.pictures) > 75 and len(down.sounds) > 150, "three seconds came")
        loud = np.array([level for _, _, level in down.sounds]) > 1000
        assert loud.any()
        assert not loud.all()
        begun = [number for number, now in enumerate(np.diff(loud.astype(int))) if now > 0]
        assert len(begun) >= 2
        assert set(np.diff([pts for _, pts, _ in down.sounds])) <= {960}
        assert {pts % 3600 for _, pts, _ in down.pictures} == {0}
        assert np.ptp([mean for _, _, mean in down.pictures[10:]]) > 1  # the mark, and lips

    asyncio.run(main())
    assert relay.state("hero")["live"] is False


def test_what_a_peer_is_told(relay: Server) -> None:
    async def main() -> None:
        async with line(relay, "/whep/hero", takes=BOTH) as down:
            headers = down.answer.headers
            assert headers["Content-Type"].startswith(SDP)
            assert down.place.startswith("/whep/hero/")
            assert headers["ETag"].startswith('"')
            text = down.answer.body.decode()
            assert "H264" in text
            assert "opus" in text
            assert "127.0.0.1" in text
            candidates = [each.split()[4] for each in text.splitlines() if each.startswith("a=candidate:")]
            assert candidates[0] == "127.0.0.1"  # as HTTP; the machine's others are closed to all but itself
            await until(lambda: relay.state("hero")["viewers"] == 1, "it is a viewer")

    asyncio.run(main())
    assert relay.state("hero")["viewers"] == 0


def test_peers_without_h264_get_vp8_and_sound_alone_will_do(relay: Server) -> None:
    async def main() -> None:
        async with line(relay, "/whep/hero", takes=BOTH, codec="video/VP8") as down:
            text = down.answer.body
            assert b"VP8" in text
            assert b"H264" not in text
            await until(lambda: len(down.pictures) > 25, "pictures")
        async with line(relay, "/whep/hero", takes=("audio",)) as down:
            await until(lambda: len(down.sounds) > 50, "sound")

    asyncio.run(main())


@pytest.mark.parametrize("path", ["/whip/hero", "/whep/hero"])
def test_offers_that_are_none(relay: Server, path: str) -> None:
    good = sdp(sends=Tone(), takes=("video",))
    assert asked(relay, "POST", path, "hello").status == 400
    assert asked(relay, "POST", path, b"\xff\xfe").status == 400
    assert asked(relay, "POST", path, "").status == 400
    assert asked(relay, "POST", path, good, "application/json").status == 415
    assert asked(relay, "POST", path, good + "a=x:" + "y" * 100_000).status == 413
    assert asked(relay, "POST", path, good.replace("a=fingerprint", "a=nothing")).status == 400
    assert asked(relay, "POST", path, good[: len(good) // 2]).status in (400, 422)
    assert asked(relay, "POST", path, good, Origin="https://evil.example").status == 403
    assert asked(relay, "GET", path).status == 405
    assert relay.ask("/healthz").status == 200


def test_offers_of_what_cannot_be(relay: Server) -> None:
    silent, deaf = sdp(takes=BOTH), sdp(sends=Tone())
    answers = [
        asked(relay, "POST", "/whip/hero", silent),
        asked(relay, "POST", "/whip/hero", deaf.replace("opus/48000/2", "theirs/48000/2")),
        asked(relay, "POST", "/whep/hero", deaf),
    ]
    assert [answer.status for answer in answers] == [422, 422, 422]
    assert all(answer.body.count(b"\n") == 1 and b"offer to" in answer.body for answer in answers)
    assert asked(relay, "POST", "/whep/nobody", silent).status == 404
    assert asked(relay, "POST", "/whip/hero?face=nobody", deaf).status == 404
    assert asked(relay, "POST", "/whip/-no-name", deaf).status == 404
    assert relay.state("hero")["live"] is False


def test_options_tell_what_may_be_posted(relay: Server) -> None:
    answer = asked(relay, "OPTIONS", "/whip/hero")
    assert (answer.status, answer.headers["Accept-Post"]) == (204, SDP)
    assert answer.headers["Access-Control-Allow-Origin"] is None


def test_candidates_that_come_later(relay: Server) -> None:
    async def main() -> None:
        connection = await offer(sends=Tone())
        text = connection.localDescription.sdp
        early = "".join(each for each in text.splitlines(keepends=True) if "candidate" not in each)
        answer = await ask(relay, "POST", "/whip/hero", early)
        assert answer.status == 201
        place, tag = answer.headers["Location"], answer.headers["ETag"]
        found = [each for each in text.splitlines() if each.startswith("a=candidate")]
        fragment = "\r\n".join(["a=mid:0", *found, "a=end-of-candidates", ""])
        patches = [
            (await ask(relay, "PATCH", place, fragment, FRAGMENT)).status,
            (await ask(relay, "PATCH", place, fragment, SDP, **{"If-Match": tag})).status,
            (await ask(relay, "PATCH", place, fragment, FRAGMENT, **{"If-Match": '"other"'})).status,
            (await ask(relay, "PATCH", place, "a=candidate:x\r\n", FRAGMENT, **{"If-Match": tag})).status,
            (
                await ask(relay, "PATCH", place, "a=ice-ufrag:new\r\n", FRAGMENT, **{"If-Match": "*"})
            ).status,  # no ice-pwd
            (await ask(relay, "PATCH", place + "x", fragment, FRAGMENT, **{"If-Match": tag})).status,
            (await ask(relay, "PATCH", place.replace("hero", "twin"), fragment, FRAGMENT)).status,
            (await ask(relay, "PATCH", place, fragment, FRAGMENT, **{"If-Match": tag})).status,
        ]
        assert patches == [428, 415, 412, 204, 400, 404, 404, 204]
        flood = "a=mid:0\r\n" + f"{found[0]}\r\n" * 100
        assert (await ask(relay, "PATCH", place, flood, FRAGMENT, **{"If-Match": tag})).status == 400
        assert relay.state("hero")["live"] is True
        assert (await ask(relay, "DELETE", place)).status == 200
        assert (await ask(relay, "DELETE", place)).status == 200, "it has ended, as was asked"
        assert (await ask(relay, "DELETE", place + "x")).status == 404
        assert (await ask(relay, "DELETE", place.replace("hero", "twin"))).status == 404
        assert (await ask(relay, "PATCH", place, fragment, FRAGMENT, **{"If-Match": tag})).status == 404
        assert relay.state("hero")["live"] is False
        await connection.close()

    asyncio.run(main())


def test_ice_restarts_find_another_path_for_the_same_connection(relay: Server) -> None:
    """Aiortc itself cannot ask for one, so its agent is exchanged as a browser would: RFC 8445, 9."""

    async def main() -> None:
        async with line(relay, "/whep/hero", takes=BOTH) as down:
            await until(lambda: down.pictures, "pictures")
            end = down.connection.getTransceivers()[0].receiver.transport.transport
            path = restart.Path(end, ())
            agent = aioice.Connection(ice_controlling=True)
            await agent.gather_candidates()
            mine = restart.fragment(agent, "0")
            answer = await ask(relay, "PATCH", down.place, mine, FRAGMENT, **{"If-Match": "*"})
            assert answer.status == 200
            assert answer.headers["ETag"] != down.answer.headers["ETag"]
            text = answer.body.decode()
            agent.remote_username, agent.remote_password = credentials(text)
            for candidate in offers.candidates(text):
                await agent.add_remote_candidate(candidate_to_aioice(candidate))
            await agent.connect()
            await path._take_over(agent)
            before = len(down.pictures)
            await until(lambda: len(down.pictures) > before + 25, "pictures over it")
            assert down.connection.connectionState == "connected"
            late = await ask(relay, "PATCH", down.place, mine, FRAGMENT, **{"If-Match": down.answer.headers["ETag"]})
            assert late.status == 412

    asyncio.run(main())


def test_one_speaks_at_a_time(relay: Server) -> None:
    async def main() -> None:
        async with line(relay, "/whip/hero", sends=Tone()):
            second = await ask(relay, "POST", "/whip/hero", await asyncio.to_thread(sdp, sends=Tone()))
            assert (second.status, second.body) == (409, b"somebody else speaks in this session\n")

    asyncio.run(main())


def test_a_token_is_asked_for(guarded: Server) -> None:
    text = sdp(sends=Tone())
    assert asked(guarded, "POST", "/whip/hero", text).status == 401
    assert asked(guarded, "POST", "/whep/hero", text).status == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    answer = asked(guarded, "POST", "/whip/hero", text, **bearer)
    assert answer.status == 201
    assert asked(guarded, "DELETE", answer.headers["Location"]).status == 401
    assert asked(guarded, "DELETE", answer.headers["Location"], **bearer).status == 200
    assert TOKEN not in guarded.log


def test_the_watching_token_watches_and_speaks_not(guarded: Server) -> None:
    watching = {"Authorization": f"Bearer {WATCH_TOKEN}"}
    assert asked(guarded, "POST", "/whip/hero", sdp(sends=Tone()), **watching).status == 403
    answer = asked(guarded, "POST", "/whep/hero", sdp(takes=BOTH), **watching)
    assert answer.status == 201
    place = answer.headers["Location"]
    assert asked(guarded, "PATCH", place, "a=candidate:x\r\n", FRAGMENT, **watching).status == 428
    assert asked(guarded, "DELETE", place, **watching).status == 200
    speaking = asked(guarded, "POST", "/whip/hero", sdp(sends=Tone()), Authorization=f"Bearer {TOKEN}").headers
    assert asked(guarded, "DELETE", speaking["Location"], **watching).status == 403
    assert asked(guarded, "DELETE", speaking["Location"], Authorization=f"Bearer {TOKEN}").status == 200
    assert WATCH_TOKEN not in guarded.log


def test_whoever_comes_and_goes_leaves_nothing(relay: Server) -> None:
    process = psutil.Process(relay.process.pid)

    async def visit() -> None:
        async with line(relay, "/whep/hero", takes=BOTH) as down:
            await until(lambda: down.pictures, "a picture")

    asyncio.run(visit())
    files, threads = process.num_fds(), process.num_threads()
    for _ in range(8):
        asyncio.run(visit())
    assert relay.state("hero")["viewers"] == 0
    back = until(lambda: process.num_fds() <= files and process.num_threads() <= threads, "as before")
    asyncio.run(back)


def test_the_server_ends_with_peers_connected(tmp_path: Path, hero: Path) -> None:
    async def main() -> None:
        with serving(tmp_path / "serve", "--face", hero, *SMALL) as server:
            connection = await offer(takes=BOTH)
            answer = await ask(server, "POST", "/whep/hero", connection.localDescription.sdp)
            assert answer.status == 201
            server.process.terminate()
            assert await asyncio.to_thread(server.process.wait, 30) == 0
            assert "the server is going down" in server.log
            await connection.close()

    asyncio.run(main())


def test_without_the_plugin_the_server_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("aiortc", "txt2vid.transports.webrtc"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiortc", None)
    from starlette.applications import Starlette

    from txt2vid.server.ice import IceServers

    there = whip.Whip(None, IceServers(), ())  # type: ignore[arg-type]  # nobody asks the hub
    asyncio.run(there.start())
    client = TestClient(Starlette(routes=there.routes()))
    answer = client.post("/whip/hero", content="v=0", headers={"Content-Type": SDP})
    assert answer.status_code == 501
    assert "pip install 'txt2vid[webrtc]'" in answer.text
