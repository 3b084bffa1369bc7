"""The mesh page's server side: who is let in, what comes back, and that nothing stays."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

pytest.importorskip("aiortc")
from tests.server.cameras import Shot, encoded, offering, shown
from tests.server.conftest import PATIENCE, TOKEN, Server
from tests.server.peers import Tone, asked, on_loopback, until  # noqa: F401 - on_loopback is a fixture
from txt2vid.core import landmarkwire
from txt2vid.core.landmarkwire import SUBPROTOCOL, Landmarks
from txt2vid.core.media import Pixels
from txt2vid.faces.many import FaceTracker


def nearest(seen: Landmarks, known: Sequence[np.ndarray[Any, Any]]) -> tuple[float, int]:
    """How far the landmarks are, on average and in pixels, from those of the nearest of these, and which that is."""
    points = seen.faces[0].points[:, :2] * (seen.width, seen.height)
    off = [float(np.linalg.norm(points - each[:, :2], axis=1).mean()) for each in known]
    return min(off), int(np.argmin(off))


def library(head: Sequence[Pixels]) -> list[np.ndarray[Any, Any]]:
    tracker = FaceTracker()
    return [tracker.track(frame)[0].landmarks for frame in head]


async def empty(server: Server) -> None:
    await until(lambda: server.metric("txt2vid_cameras") == 0, "a camera that is left")


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_landmarks_come_back(lens: Server, head: list[Pixels], codec: str) -> None:
    known = library(head)

    async def run() -> None:
        track = Shot(encoded(head, codec), 15)
        async with shown(lens, track, codec=codec) as camera:
            await until(lambda: len(camera.seen) > 15, "landmarks")
            camera.channel.send('{"settings": 77, "faces": 2, "detection": 0.6, "tracking": 0.4}')
            await until(lambda: camera.seen[-1][1].serial == 77, "settings that hold")
            await until(lambda: camera.seen[-1][1].captured == camera.seen[-1][1].captured, "a clock")
            assert lens.metric("txt2vid_cameras") == 1
        found = [nearest(seen, known) for _, seen in camera.seen if seen.faces]
        assert len(found) > 10
        assert np.median([off for off, _ in found]) < 1.5
        assert max(off for off, _ in found) < 6
        assert len({frame for _, frame in found}) > 5
        at, seen = camera.seen[-1]
        assert -50 < at * 1000 - seen.captured < 20_000
        assert (seen.width, seen.height, seen.fps) == (640, 480, 30)
        await empty(lens)

    asyncio.run(run())


def test_pictures_come_back_with_the_mesh_drawn_into_them(lens: Server, head: list[Pixels]) -> None:
    async def run() -> None:
        async with shown(lens, Shot(encoded(head), 15), annotated=True) as camera:
            await until(lambda: len(camera.back) > 5, "pictures")
            assert camera.seen
        drawn = camera.back[-1].to_ndarray(format="bgr24")
        assert drawn.shape == (480, 640, 3)
        bare = min(np.abs(drawn.astype(int) - frame)[100:380, 220:420].mean() for frame in head)
        assert bare > 6, "no frame of the camera looks like it"
        await empty(lens)

    asyncio.run(run())


def test_there_is_room_for_so_many_and_who_vanishes_leaves_it(lens: Server, head: list[Pixels]) -> None:
    packets = encoded(head)

    async def run() -> None:
        async with contextlib.AsyncExitStack() as stack:
            cameras = [await stack.enter_async_context(shown(lens, Shot(packets, 15))) for _ in range(2)]
            third, _ = await offering(Shot(packets, 15), "h264", False)
            answer = await asyncio.to_thread(asked, lens, "POST", "/mesh/peers", third.localDescription.sdp)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
            assert answer.body == b"2 cameras are the most here: try again later\n"
            await third.close()
            await until(lambda: all(camera.seen for camera in cameras), "landmarks for both")
            await cameras[0].connection.close()  # without a word to the server's HTTP
            await until(lambda: lens.metric("txt2vid_cameras") == 1, "one that is left")
        await empty(lens)

    asyncio.run(run())


def test_offers_that_make_no_sense(lens: Server, head: list[Pixels]) -> None:
    async def run() -> list[tuple[str, str, str, int]]:
        bare, _ = await offering(None, "", False)
        one_way, _ = await offering(Shot(encoded(head[:1]), 15), "h264", False)
        sound, _ = await offering(None, "", False)
        sound.addTransceiver(Tone(), "sendonly")
        await sound.setLocalDescription(await sound.createOffer())
        text = {name: each.localDescription.sdp for name, each in (("bare", bare), ("one", one_way), ("sound", sound))}
        for each in (bare, one_way, sound):
            await each.close()
        begin = text["one"].index("m=application")
        return [
            ("/mesh/peers", "v=0\r\njunk", "application/sdp", 400),
            ("/mesh/peers", "no offer at all", "application/sdp", 400),
            ("/mesh/peers", text["one"], "text/plain", 415),
            ("/mesh/peers", text["one"] + "a=x\r\n" * 20_000, "application/sdp", 413),
            ("/mesh/peers", text["bare"], "application/sdp", 422),
            ("/mesh/peers", text["sound"], "application/sdp", 422),
            ("/mesh/peers", text["one"][:begin], "application/sdp", 422),
            ("/mesh/peers?annotated=1", text["one"], "application/sdp", 422),
        ]

    for path, offer, kind, status in asyncio.run(run()):
        answer = asked(lens, "POST", path, offer, kind)
        assert answer.status == status, (path, answer.body)
        assert answer.body.count(b"\n") == 1
    assert lens.ask("/mesh/peers/nobody", "DELETE").status == 200, "it has gone already"
    assert lens.metric("txt2vid_cameras") == 0


def test_words_that_make_no_sense_end_it(lens: Server, head: list[Pixels]) -> None:
    async def run() -> None:
        async with shown(lens, Shot(encoded(head), 15)) as camera:
            await until(lambda: camera.seen, "landmarks")
            camera.channel.send('{"faces": 99}')
            await until(lambda: camera.words, "the last word")
            assert "faces is a number from 1 to 8" in json.loads(camera.words[0])["bye"]
            await empty(lens)

    asyncio.run(run())


def frames(server: Server, query: str = "", protocol: str = SUBPROTOCOL, **headers: str) -> ClientConnection:
    url = f"ws://127.0.0.1:{server.port}/mesh/frames{query}"
    return connect(url, subprotocols=[Subprotocol(protocol)], additional_headers=headers, compression=None)


def ending(line: ClientConnection) -> tuple[str, int]:
    """The last word, and the close code."""
    words = ""
    try:
        while True:
            message = line.recv(PATIENCE)
            words = json.loads(message)["bye"] if isinstance(message, str) else words
    except ConnectionClosed as closed:
        return words, closed.rcvd.code if closed.rcvd else 0


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_single_pictures_by_websocket(lens: Server, head: list[Pixels], kind: str) -> None:
    known = library(head)
    code = {"WEBP": landmarkwire.WEBP, "JPEG": landmarkwire.JPEG}[kind]
    data = b""
    with frames(lens) as line:
        for number, frame in enumerate(head[:3]):
            file = io.BytesIO()
            Image.fromarray(frame[:, :, ::-1]).save(file, kind, quality=80)
            data = file.getvalue()
            line.send(landmarkwire.encode_picture(data, 1000.5 + number, code))
            answer = line.recv(PATIENCE)
            assert isinstance(answer, bytes)
            seen = landmarkwire.decode(answer)
            assert (seen.captured, seen.frame) == (1000.5 + number, number + 1)
            off, which = nearest(seen, known)
            assert off < 1.5
            assert which == number
        line.send('{"settings": 5, "tracking": 0.9}')
        line.send(landmarkwire.encode_picture(data, 1, code))
        assert landmarkwire.decode(bytes(line.recv(PATIENCE))).serial == 5  # type: ignore[arg-type]
    asyncio.run(empty(lens))


def test_single_pictures_come_back_with_the_mesh(lens: Server, head: list[Pixels]) -> None:
    with frames(lens, "?annotated=1") as line:
        line.send(landmarkwire.encode_picture(bytes(cv2.imencode(".jpg", head[0])[1]), 1))
        answers = [line.recv(PATIENCE), line.recv(PATIENCE)]
        assert [bytes(each)[0] for each in answers if isinstance(each, bytes)] == [1, 2]
        drawn = cv2.imdecode(np.frombuffer(bytes(answers[1])[1:], np.uint8), cv2.IMREAD_COLOR)  # type: ignore[arg-type]
        assert np.abs(drawn.astype(int) - head[0])[150:330, 250:390].mean() > 6


def test_single_pictures_that_make_no_sense(lens: Server) -> None:
    huge = bytes(cv2.imencode(".jpg", np.zeros((1500, 1500, 3), np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 10])[1])
    for message, words in (
        (b"junk", "this is no picture of version 1"),
        (landmarkwire.encode_picture(b"junk", 0), "neither a JPEG nor a WebP"),
        (landmarkwire.encode_picture(huge, 0), "1500x1500 are too large"),
        ("junk", "settings are one JSON object"),
    ):
        with frames(lens) as line:
            line.send(message)
            said, code = ending(line)
            assert words in said
            assert code in (4000, 4400)
    with frames(lens, protocol="other") as line:
        assert ending(line)[1] == 4400
    asyncio.run(empty(lens))


def test_a_token_opens_all_and_a_shared_link_the_mesh_alone(guarded: Server) -> None:
    assert guarded.ask("/mesh").status == 200
    assert guarded.ask("/mesh/topology").json["edges"]
    for path, method in (("/mesh/about", "GET"), ("/mesh/link.svg", "GET"), ("/mesh/peers", "POST")):
        assert guarded.ask(path, method).status == 401
        assert guarded.ask(f"{path}?token=wrong", method).status == 401
    link = guarded.ask(f"/mesh/about?annotated=1&token={TOKEN}").json["link"]
    page, _, query = link.partition("?")
    assert page == f"http://127.0.0.1:{guarded.port}/mesh"
    assert query.startswith("annotated=1&token=")
    assert TOKEN not in link
    key = query.rpartition("=")[2]
    assert guarded.ask("/mesh/about", Authorization=f"Bearer {key}").json["link"] == f"{page}?token={key}"
    assert guarded.ask(f"/mesh/peers?token={key}", "POST").status == 415
    for path in ("/api/sessions", "/metrics", "/stream.ts"):
        assert guarded.ask(f"{path}?token={key}").status == 401
    for query, code in (("", 4401), ("?token=wrong", 4401)):
        with frames(guarded, query) as line:
            assert ending(line)[1] == code
    with frames(guarded, f"?token={key}") as line:
        line.send("{}")
        line.ping().wait(PATIENCE)


def test_pages_of_other_sites_show_no_camera(lens: Server) -> None:
    assert lens.ask("/mesh/peers", "POST", None, Origin="http://elsewhere.example").status == 403
    with pytest.raises(Exception, match="403"), frames(lens, Origin="http://elsewhere.example"):
        pass


def test_what_is_no_page(lens: Server) -> None:
    assert lens.ask("/mesh/frames").status == 426
    assert lens.ask("/mesh", "POST").status == 405
    assert lens.ask("/mesh/nothing").status == 404
    code = lens.ask("/mesh/link.svg")
    assert code.headers["Content-Type"].startswith("image/svg+xml")
    assert code.body.startswith(b"<svg")
