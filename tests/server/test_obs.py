"""OBS sends sound and pictures: the sound speaks, the pictures are left out. By its offer, and by its library."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

pytest.importorskip("aiortc")
from aiortc import sdp

from tests.server.conftest import SMALL, TOKEN, Server, serving
from tests.server.peers import asked, until

PACKAGE = "node-datachannel@0.33.4"  # libdatachannel, as OBS has it, for Node
BEARER = {"Authorization": f"Bearer {TOKEN}"}
RATE, PACKET = 48_000, 960
OFFER = """\
v=0
o=rtc 570915426 0 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=group:LS 0 1
a=msid-semantic:WMS *
a=ice-options:ice2,trickle
a=fingerprint:sha-256 54:6D:52:62:BD:A4:5E:CA:68:00:B2:E8:34:E4:0F:25:B9:15:DD:BA:75:3E:F9:E9:ED:10:B0:7C:2E:57:5B:2A
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=sendonly
a=ssrc:2001 cname:obs
a=ssrc:2001 msid:stream stream-audio
a=msid:stream stream-audio
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
a=setup:actpass
a=ice-ufrag:zgyi
a=ice-pwd:AXSWfbn9NFL8bav0h9PemU
m=video 9 UDP/TLS/RTP/SAVPF 96
c=IN IP4 0.0.0.0
a=mid:1
a=sendonly
a=ssrc:2002 cname:obs
a=ssrc:2002 msid:stream stream-video
a=msid:stream stream-video
a=rtcp-mux
a=rtpmap:96 H264/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 goog-remb
a=fmtp:96 profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1
a=setup:actpass
a=ice-ufrag:zgyi
a=ice-pwd:AXSWfbn9NFL8bav0h9PemU
""".replace("\n", "\r\n")


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, hero: Path) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("relay"), "--face", hero, *SMALL, "--token", TOKEN) as running:
        yield running


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder with the sender and its library."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not installed")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path), PACKAGE]
    if subprocess.run(install, capture_output=True, check=False).returncode:
        pytest.skip("npm cannot install the library here")
    shutil.copy(Path(__file__).with_name("obs.mjs"), tmp_path)
    (tmp_path / "packets.json").write_text(json.dumps([base64.b64encode(each).decode() for each in beeps()]))
    return tmp_path


def beeps() -> list[bytes]:
    """A second of Opus in stereo, as OBS encodes it: sound for its first half."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.rate, encoder.format, encoder.layout = RATE, "s16", "stereo"
    at = np.arange(RATE) / RATE
    sound = (0.6 * np.sin(2 * math.pi * 440 * at) * (at < 0.5) * 32767).astype(np.int16)
    made: list[bytes] = []
    for begin in range(0, RATE, PACKET):
        frame = av.AudioFrame.from_ndarray(np.repeat(sound[begin : begin + PACKET], 2)[None], "s16", "stereo")
        frame.rate = RATE
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return made


def test_an_offer_of_sound_and_pictures_is_answered_for_the_sound(relay: Server) -> None:
    answer = asked(relay, "POST", "/whip/hero", OFFER, **BEARER)
    assert answer.status == 201, answer.body
    sound, pictures = sdp.SessionDescription.parse(answer.body.decode()).media
    assert (sound.kind, sound.direction, [codec.name for codec in sound.rtp.codecs]) == ("audio", "recvonly", ["opus"])
    assert (pictures.kind, pictures.direction) == ("video", "inactive")
    assert (sound.rtp.muxId, pictures.rtp.muxId) == ("0", "1")
    assert sound.ice_candidates
    place = answer.headers["Location"]
    assert asked(relay, "DELETE", place).status == 401
    assert asked(relay, "DELETE", place, **BEARER).status == 200


def test_an_offer_without_the_token_is_refused(relay: Server) -> None:
    assert asked(relay, "POST", "/whip/hero", OFFER).status == 401


def test_the_library_of_obs_speaks_and_its_pictures_are_left_out(relay: Server, library: Path) -> None:
    url = f"http://127.0.0.1:{relay.port}/whip/hero"
    with subprocess.Popen(
        ["node", "obs.mjs", url, TOKEN, "packets.json"],
        cwd=library,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as sender:
        try:
            asyncio.run(spoken(relay, sender))
            _, errors = sender.communicate()
            assert sender.returncode == 0, errors
        finally:
            sender.kill()
    assert relay.ask("/api/sessions/hero", **BEARER).json["live"] is False


async def spoken(relay: Server, sender: subprocess.Popen[str]) -> None:
    """Waits until two seconds of what it sends were heard."""

    def heard() -> float:
        assert sender.poll() is None, sender.stderr and sender.stderr.read()
        lines = asked(relay, "GET", "/metrics", **BEARER).body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("txt2vid_heard_seconds"))

    await until(lambda: heard() > 2, "two seconds were heard")
