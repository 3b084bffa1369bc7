"""WHIP and WHEP clients of npm's, written by others, in a page of another site that the server lets in."""

from __future__ import annotations

import asyncio
import functools
import http.server
import math
import shutil
import subprocess
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("aiortc")

from tests.server import browsers
from tests.server.browsers import Browser
from tests.server.conftest import SMALL, TOKEN, Server, serving
from tests.server.peers import until

PACKAGES = ("whip-whep@1.2.0", "@eyevinn/whip-web-client@1.1.7", "esbuild@0.25.0")
LOUD = """async (stream) => {
  const context = new AudioContext(), analyser = context.createAnalyser();
  await context.resume();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  for (;;) {
    analyser.getFloatTimeDomainData(samples);
    if (Math.max(...samples) > 0.1) return true;
    await new Promise((done) => setTimeout(done, 50));
  }
}"""
SPEAK = """async (url, token) => {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  const {WHIPClient} = await import("/node_modules/whip-whep/whip.js");
  const peer = new RTCPeerConnection(), client = new WHIPClient();
  peer.addTransceiver(stream.getAudioTracks()[0], {direction: "sendonly"});
  await client.publish(peer, url, token);
  Object.assign(window, {speaker: client, speaking: peer});
}"""
WATCH = """async (url, token) => {
  const {WHEPClient} = await import("/node_modules/whip-whep/whep.js");
  const peer = new RTCPeerConnection(), client = new WHEPClient(), video = document.createElement("video");
  for (const kind of ["audio", "video"]) peer.addTransceiver(kind, {direction: "recvonly"});
  const stream = new MediaStream();
  peer.ontrack = ({track}) => { stream.addTrack(track); video.srcObject = stream; };
  Object.assign(video, {muted: true, autoplay: true});
  document.body.append(video);
  await client.view(peer, url, token);
  Object.assign(window, {watcher: client, watching: peer, video, stream});
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a site with the clients in it."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("site")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.skip("npm cannot install the clients here")
    bundle = ["node_modules/.bin/esbuild", "--bundle", "--format=esm", "--outfile=eyevinn.js"]
    subprocess.run(
        [*bundle, "node_modules/@eyevinn/whip-web-client/dist/whip-client.modern.js"], cwd=folder, check=True
    )
    (folder / "index.html").write_text("<!doctype html><title>elsewhere</title><body></body>")
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, hero: Path, site: str) -> Iterator[Server]:
    arguments = ("--face", hero, *SMALL, "--token", TOKEN, "--allow-origin", site)
    with serving(tmp_path_factory.mktemp("relay"), *arguments) as running:
        yield running


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, site: str) -> Iterator[Browser]:
    """A page of that site whose microphone hears beeps."""
    at = np.arange(4 * 48_000) / 48_000
    sound = 0.7 * np.sin(2 * math.pi * 440 * at) * (at % 1 < 0.5)
    folder = tmp_path_factory.mktemp("page")
    with wave.open(str(folder / "beeps.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    with browsers.chromium(folder, folder / "beeps.wav") as opened:
        opened.goto(f"{site}/index.html")
        yield opened


def test_the_authors_of_whip_speak_watch_restart_and_leave(relay: Server, page: Browser) -> None:
    base = f"http://127.0.0.1:{relay.port}"
    page.run(f"({WATCH})('{base}/whep/hero', '{TOKEN}')")
    page.run(f"({SPEAK})('{base}/whip/hero', '{TOKEN}')")
    page.until("video.videoWidth === 128")
    assert page.run(f"({LOUD})(stream)")
    page.run("void (window.ufrag = watching.localDescription.sdp.match(/ice-ufrag:(.*)/)[1])")
    page.run("watcher.restart()")
    page.until("watching.localDescription.sdp.match(/ice-ufrag:(.*)/)[1] !== ufrag")
    page.until("watching.iceConnectionState === 'connected' || watching.iceConnectionState === 'completed'")
    page.run("void (window.shown = video.getVideoPlaybackQuality().totalVideoFrames)")
    page.until("video.getVideoPlaybackQuality().totalVideoFrames > shown + 25")
    page.run("Promise.all([watcher.stop(), speaker.stop()])")
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    state = relay.ask("/api/sessions/hero", **bearer).json
    assert (state["viewers"], state["live"]) == (0, False)


def received(relay: Server) -> float:
    """Bytes of sound."""
    text = relay.ask("/metrics", Authorization=f"Bearer {TOKEN}").body.decode()
    return float(text.partition('txt2vid_received_bytes_total{session="hero"}')[2].split()[0])


def test_eyevinns_client_speaks(relay: Server, page: Browser) -> None:
    url = f"http://127.0.0.1:{relay.port}/whip/hero"
    page.run(f"""(async () => {{
      const {{WHIPClient}} = await import("/eyevinn.js");
      window.client = new WHIPClient({{endpoint: "{url}", opts: {{authkey: "{TOKEN}"}}}});
      await client.ingest(await navigator.mediaDevices.getUserMedia({{audio: true}}));
    }})()""")
    before = received(relay)
    asyncio.run(until(lambda: received(relay) > before, "it is heard"))
    page.run("client.destroy()")


def test_other_sites_pages_get_nothing(relay: Server) -> None:
    foreign = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = relay.ask("/whip/hero", "OPTIONS", **foreign)
    assert answer.headers["Access-Control-Allow-Origin"] is None
    assert relay.ask("/whip/hero", "POST", Origin="https://evil.example").status == 403
