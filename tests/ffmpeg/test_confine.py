"""No file makes ffmpeg read another: playlists and scripts are refused, whatever their own name is."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from txt2vid.errors import AudioError, MediaError, VideoError
from txt2vid.ffmpeg import AudioReader, VideoReader, confine, probe, program

Make = Callable[..., Path]

SCRIPTS = {
    "concat": "ffconcat version 1.0\nfile '{target}'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\n{target}\n#EXT-X-ENDLIST\n",
    "hls key": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{target}"\n#EXTINF:1,\na.ts\n',
    "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1" '
    'bandwidth="1"><BaseURL>{target}</BaseURL></Representation></AdaptationSet></Period></MPD>\n',
    "imf": '<?xml version="1.0"?>\n<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"/>\n{target}',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP 0\n",
    "rtsp": "rtsptext\nrtsp://127.0.0.1:{port}/x\n",
    "lavfi": "amovie={target}",
    "vobsub": "# VobSub index file, v7\nid: en, index: 0\ntimestamp: 00:00:00:000, filepos: 000000000\n",
    "sbg": "-SE\na: 200+10/50\n00:00 a\n",
}
NAMES = {"hls": "m3u8", "hls key": "m3u8", "dash": "mpd", "concat": "ffconcat", "imf": "cpl", "vobsub": "idx"}


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A listening socket that no ffmpeg may ever reach."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.mark.parametrize("kind", SCRIPTS)
@pytest.mark.parametrize("how", ["file", "http"])
def test_scripts_are_refused(make: Make, tmp_path: Path, server: socket.socket, kind: str, how: str) -> None:
    make("secret.wav", "-f", "lavfi", "-i", "sine=duration=1")
    port = server.getsockname()[1]
    target = {
        "file": tmp_path / "secret.wav",
        "http": f"http://127.0.0.1:{port}/secret.wav",
    }[how]
    for suffix in ("mov", "ogg", "mp3", NAMES.get(kind, kind)):
        script = tmp_path / f"list.{suffix}"
        script.write_text(SCRIPTS[kind].format(target=target, port=port))
        with pytest.raises(MediaError, match=r"is a (playlist|text)"):
            probe(script)
    with pytest.raises(BlockingIOError):  # nobody connected
        server.accept()


@pytest.mark.parametrize("kind", ["concat", "hls"])
def test_a_playlist_is_named_as_one(tmp_path: Path, kind: str) -> None:
    script = tmp_path / "list.m3u8"
    script.write_text(SCRIPTS[kind].format(target="secret.wav", port=0))
    with pytest.raises(AudioError, match=rf"playlist or script \({kind}"):
        AudioReader(script)
    with pytest.raises(VideoError, match=rf"playlist or script \({kind}"):
        VideoReader(script)


def test_without_the_fence_the_scripts_would_work(make: Make, tmp_path: Path) -> None:
    """The scripts of these tests are real: an unconfined ffprobe follows them."""
    make("secret.wav", "-f", "lavfi", "-i", "sine=duration=1")
    script = tmp_path / "list.ffconcat"
    script.write_text(SCRIPTS["concat"].format(target="secret.wav"))
    code, out, err = program.capture(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", str(script)], 30)
    assert (code, "pcm_s16le" in out) == (0, True), err


def test_a_quicktime_reference_is_not_followed(make: Make) -> None:
    """A QuickTime film may keep its samples in another file, named by the alias in its data reference (`dref`)."""
    film = make("film.mov", "-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono:d=1", "-c:a", "pcm_s16le")
    secret = make("secret.bin", "-f", "lavfi", "-i", "sine=duration=2", "-f", "s16le")
    film.write_bytes(_with_alias(film.read_bytes(), str(secret).encode()))
    unconfined = ["ffmpeg", "-v", "error", "-enable_drefs", "1", "-use_absolute_path", "1", "-i", str(film)]
    done = subprocess.run([*unconfined, "-f", "s16le", "-"], check=True, capture_output=True, timeout=30)
    assert any(done.stdout), "the alias is no working one"
    with AudioReader(film) as reader, pytest.raises(AudioError, match="no sound that can be decoded"):
        next(reader)


def _with_alias(film: bytes, target: bytes) -> bytes:
    """The film with its self-reference (a `url ` box of 12 bytes) made an `alis` box, and its parents' sizes mended."""
    at = film.index(b"\x00\x00\x00\x0curl \x00\x00\x00\x01", film.index(b"moov"))
    path = target + b"\x00" * (len(target) % 2)
    alias = bytes(10) + bytes(28) + bytes(12) + bytes(64) + bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    alias += struct.pack(">HH", 2, len(path)) + path + struct.pack(">HH", 0xFFFF, 0)
    box = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    changed = bytearray(film[:at] + box + film[at + 12 :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = film.rindex(parent, 0, at) - 4
        (size,) = struct.unpack_from(">I", changed, start)
        struct.pack_into(">I", changed, start, size + len(box) - 12)
    return bytes(changed)


def test_the_whitelist() -> None:
    allowed = set(confine.demuxers().split(","))
    assert allowed >= {
        "mov",
        "mp4",
        "wav",
        "mp3",
        "flac",
        "ogg",
        "matroska",
        "webm",
        "avi",
        "aiff",
        "mpegts",
        "aac",
        "gif",
    }
    assert not allowed & confine.DENIED
    assert not allowed & {"alsa", "lavfi", "x11grab", "v4l2", "video4linux2", "pulse", "fbdev", "kmsgrab", "openal"}
