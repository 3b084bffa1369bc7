"""WHEP in real browsers: Chromium takes H.264, Firefox here VP8 (its H.264 is fetched from elsewhere)."""

from __future__ import annotations

import pytest

pytest.importorskip("aiortc")

from tests.server.browsers import Browser
from tests.server.conftest import Server

WATCH = """(async () => {
  const peer = new RTCPeerConnection(), video = document.createElement("video"), stream = new MediaStream();
  for (const kind of ["audio", "video"]) peer.addTransceiver(kind, {direction: "recvonly"});
  peer.ontrack = ({track}) => { stream.addTrack(track); video.srcObject = stream; };
  Object.assign(video, {muted: true, autoplay: true});
  document.body.append(video);
  await peer.setLocalDescription(await peer.createOffer());
  await new Promise((done) => setTimeout(done, 500));
  const request = {method: "POST", headers: {"Content-Type": "application/sdp"}, body: peer.localDescription.sdp};
  const answer = await fetch("/whep/hero", request);
  await peer.setRemoteDescription({type: "answer", sdp: await answer.text()});
  Object.assign(window, {peer, video, place: answer.headers.get("Location")});
})()"""


def test_a_browser_watches_on_the_servers_own_machine(window: Browser, server: Server) -> None:
    window.goto(f"http://127.0.0.1:{server.port}/call")
    window.run(WATCH)
    window.until("video.videoWidth === 128")
    window.run("void (window.shown = video.currentTime)")
    window.until("video.currentTime > shown + 1")
    stats = "(async () => [...(await peer.getStats()).values()].map((it) => it.mimeType ?? ''))()"
    codecs = window.run(stats)
    assert ("video/H264" if window.name == "chromium" else "video/VP8") in codecs
    assert window.run("fetch(place, {method: 'DELETE'}).then((answer) => answer.status)") == 200
    window.run("peer.close()")
    window.leave()
