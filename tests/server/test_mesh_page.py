"""The mesh page in a real browser, whose camera shows a head that moves, drawn by the mesh engine."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image

pytest.importorskip("aiortc")
from tests.server.browsers import Chromium, chromium
from tests.server.conftest import TOKEN, Server
from tests.server.heads import HEIGHT, WIDTH, camera_file, nobody
from txt2vid.core import landmarkwire
from txt2vid.core.landmarkwire import Landmarks
from txt2vid.core.media import Pixels
from txt2vid.faces.many import FaceTracker

STATE = "document.querySelector('#state').dataset.state"
WORDS = "document.querySelector('#state-words').textContent"
NOTICE = "document.querySelector('#notice').innerText"
TROUBLE = "document.querySelector('#trouble').innerText"
GOT = """(() => {
  window.got = [];
  const open = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (...given) {
    const channel = open.apply(this, given);
    channel.addEventListener("message", ({data}) => got.push(data));
    return channel;
  };
})()"""  # what comes over the data channel
NEWEST = """(() => {
  const newest = got.filter((data) => data instanceof ArrayBuffer).slice(-%d);
  return newest.map((data) => btoa(String.fromCharCode(...new Uint8Array(data))));
})()"""
FACES = "got.filter((data) => data instanceof ArrayBuffer && new Uint8Array(data)[2] > 0).length"
PAINTED = """(() => {
  const canvas = document.querySelector('%s'), plain = new OffscreenCanvas(64, 48).getContext("2d");
  return new Promise((resolve) => requestAnimationFrame(() => {
    plain.drawImage(canvas, 0, 0, 64, 48);
    const {data} = plain.getImageData(0, 0, 64, 48);
    resolve(data.filter((value, at) => at %% 4 === 3 && value > 20).length);
  }));
})()"""


def camera(file: Path) -> tuple[str, ...]:
    fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    return (*fake, f"--use-file-for-fake-video-capture={file}")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, head: list[Pixels]) -> Iterator[Chromium]:
    """A browser whose camera shows the head for three seconds, and nobody for two."""
    folder = tmp_path_factory.mktemp("page")
    file = camera_file(folder / "head.y4m", [*head, *[nobody()] * 20], 10)
    with chromium(folder, more=camera(file)) as opened:
        opened.before_pages(GOT)
        opened.resize(1280, 860)
        yield opened


def begin(page: Chromium, server: Server, query: str = "") -> None:
    page.goto(f"http://localhost:{server.port}/mesh{query}")
    page.until("document.body.dataset.painter")
    page.click("#begin")
    page.until(f"{STATE} === 'live' && {WORDS}.startsWith('Live')")


def newest(page: Chromium, count: int) -> list[Landmarks]:
    return [landmarkwire.decode(base64.b64decode(each)) for each in page.run(NEWEST % count)]


def test_landmarks_are_those_that_the_library_sees(page: Chromium, lens: Server, head: Sequence[Pixels]) -> None:
    tracker = FaceTracker()
    known = [tracker.track(frame)[0].landmarks for frame in head]
    begin(page, lens)
    page.until(f"{FACES} >= 12")
    seen = [each for each in newest(page, 500) if each.faces]
    best: list[tuple[float, int]] = []
    for each in seen:
        points = each.faces[0].points * (WIDTH, HEIGHT, WIDTH)  # where the browser is busy, it sends smaller pictures
        off = [float(np.linalg.norm(points[:, :2] - one[:, :2], axis=1).mean()) for one in known]
        best.append((min(off), int(np.argmin(off))))
    assert np.median([off for off, _ in best]) < 2, "pixels of 640, for what the browser's encoder took away"
    assert len({which for _, which in best}) > 5, "it moves"
    page.until("/^\\d+ ms$/.test(document.querySelector('#trip').textContent)")
    page.until("Number(document.querySelector('#fps').textContent) > 2")
    assert page.trouble() == []


def test_a_face_that_leaves_and_returns_is_told_of(page: Chromium) -> None:
    page.until(f"{NOTICE} === 'The face has left. It is followed again as soon as it is back.'")
    page.until("document.querySelector('#faces-seen').textContent === '1'")
    page.until("document.querySelector('#notice').hidden")
    page.until(f"(await {PAINTED % '#overlay'}) > 20")
    assert page.run("document.body.dataset.painter") in ("webgl webgl", "2d 2d")
    assert page.trouble() == []


def test_the_page_comes_back_after_its_tracker_has_died(page: Chromium, lens: Server) -> None:
    for child in psutil.Process(lens.process.pid).children():
        if child.nice() > 0:  # studios are not that kind
            child.kill()
    page.until(f"{STATE} === 'reconnecting'")
    page.until(f"{STATE} === 'live' && document.querySelector('#faces-seen').textContent === '1'")
    assert lens.metric("txt2vid_observer_restarts_total") >= 1
    page.forget()  # the browser's own reports


def test_sliders_act_at_once(page: Chromium) -> None:
    serial = newest(page, 1)[0].serial  # before: answers may come while the sliders are still being moved
    for name, value in (("faces", "4"), ("detection", "0.9"), ("tracking", "0.25")):
        page.run(f"void (document.querySelector('#{name}').value = '{value}')")
        page.run(f"void document.querySelector('#{name}').dispatchEvent(new Event('input'))")
    page.until(f"new Uint8Array(got.at(-1))[1] === {serial + 3}")
    assert [page.run(f"document.querySelector('#{name}-value').value") for name in ("faces", "detection")] == [
        "4",
        "0.90",
    ]


def test_the_view_turns_by_keys_and_by_hand(page: Chromium) -> None:
    def look() -> str:
        return str(
            page.run(
                "new Promise((resolve) => requestAnimationFrame(() => {"
                "const deep = document.querySelector('#deep');"
                "deep.dispatchEvent(new KeyboardEvent('keydown', {key: '='}));"
                "deep.dispatchEvent(new KeyboardEvent('keydown', {key: '-'})); resolve(deep.toDataURL()); }))"
            )
        )

    page.run("void document.querySelector('#stop').click()")  # the face at rest is shown
    page.until(f"{STATE} === 'idle'")
    before = look()
    assert look() == before
    page.run("void document.querySelector('#deep').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))")
    turned = look()
    assert turned != before
    page.run(
        "(() => { const deep = document.querySelector('#deep'); deep.setPointerCapture = () => {};"
        "for (const [kind, x] of [['pointerdown', 10], ['pointermove', 60], ['pointerup', 60]])"
        "deep.dispatchEvent(new PointerEvent(kind, {pointerId: 7, clientX: x, clientY: 9})); })()"
    )
    assert look() not in (before, turned)
    assert page.trouble() == []


def test_the_camera_is_let_go(page: Chromium) -> None:
    page.until("fetch('/metrics').then((answer) => answer.text()).then((text) => /^txt2vid_cameras 0/m.test(text))")
    assert page.run("document.querySelector('#local').srcObject") is None


def test_the_server_draws(page: Chromium, lens: Server) -> None:
    begin(page, lens, "?annotated=1")
    page.until("document.querySelector('#remote').getVideoPlaybackQuality().totalVideoFrames > 5")
    assert page.run("document.querySelector('#annotated').checked && !document.querySelector('#remote').hidden")
    page.click("#annotated")
    page.until(f"document.querySelector('#remote').hidden && {STATE} === 'live'")
    assert page.trouble() == []
    page.click("#stop")


def test_the_code_is_the_link(page: Chromium, guarded: Server) -> None:
    page.goto(f"http://localhost:{guarded.port}/mesh")
    page.until("!document.querySelector('#token-form').hidden")
    page.run(f"void (document.querySelector('#token-field').value = '{TOKEN}')")
    page.click("#token-form button")
    page.until(f"{STATE} === 'live'")
    link = str(page.run("document.querySelector('#link').textContent"))
    assert TOKEN not in link
    page.run("void document.querySelector('#code').scrollIntoView({block: 'center'})")
    page.until("document.querySelector('#code').complete")
    picture = np.asarray(Image.open(io.BytesIO(page.picture())).convert("L"))
    told, _, _ = cv2.QRCodeDetector().detectAndDecode(cv2.resize(picture, None, fx=2, fy=2))
    assert told == link
    page.click("#stop")
    page.run("void sessionStorage.clear()")
    page.goto(link)
    page.until("document.querySelector('#link').textContent")
    assert page.run("document.querySelector('#token-form').hidden && !location.search")


def refusing(page: Chromium, server: Server, name: str) -> str:
    """What the page says where the browser answers so."""
    page.goto(f"http://localhost:{server.port}/mesh")
    error = f"Object.assign(new DOMException('no', '{name}'))"
    page.run(f"void (navigator.mediaDevices.getUserMedia = () => Promise.reject({error}))")
    page.click("#begin")
    page.until(f"{TROUBLE} !== ''")
    return str(page.run(TROUBLE))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "The camera is not allowed"),
        ("NotFoundError", "There is no camera"),
        ("NotReadableError", "another program may have it"),
    ],
)
def test_without_a_camera_it_says_why(page: Chromium, lens: Server, name: str, words: str) -> None:
    assert words in refusing(page, lens, name)
    assert page.run(f"{STATE} === 'idle' && !document.querySelector('#begin').disabled")
    assert page.trouble() == []


def test_without_webrtc_and_webgl(tmp_path: Path, lens: Server, head: list[Pixels]) -> None:
    """Single pictures go over a websocket, and a plain canvas shows what comes back."""
    file = camera_file(tmp_path / "head.y4m", head)
    with chromium(tmp_path, more=(*camera(file), "--disable-3d-apis")) as page:
        page.before_pages("delete window.RTCPeerConnection")
        begin(page, lens)
        page.until(f"{WORDS} === 'Live, by websocket: There is no WebRTC here'")
        page.until("document.querySelector('#faces-seen').textContent === '1'")
        page.until("/^\\d+ ms$/.test(document.querySelector('#trip').textContent)")
        assert page.run("document.body.dataset.painter") == "2d 2d"
        page.until(f"(await {PAINTED % '#overlay'}) > 20")
        page.click("#annotated")
        page.until("!document.querySelector('#still').hidden && document.querySelector('#still').width === 640")
        assert page.trouble() == []
