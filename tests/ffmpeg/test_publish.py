from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.ffmpeg.streams import DEADLINE, encode, offsets
from txt2vid.errors import UsageError
from txt2vid.ffmpeg.publish import Publisher, publisher, redacted, secrets, shown

NGINX_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
RTMP = """load_module {module}; daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{}} rtmp {{ server {{ listen 127.0.0.1:{port}; application live {{ live on; }} }} }}"""


@pytest.fixture(scope="module")
def ts() -> bytes:
    """12 seconds, a keyframe at its beginning."""
    return encode(300)[0]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as end:
        end.bind(("127.0.0.1", 0))
        return int(end.getsockname()[1])


def live(ts: bytes, speed: float = 4) -> Callable[[], AsyncIterator[bytes]]:
    """Subscriptions of a stream that is a few times as fast as life, and goes on and on."""

    async def chunks() -> AsyncIterator[bytes]:
        step = len(ts) // 300 // 188 * 188
        for at in range(0, len(ts), step):
            yield ts[at : at + step]
            await asyncio.sleep(0.04 / speed)

    return chunks


async def publish(url: str, ts: bytes, until: Callable[[Publisher], bool]) -> Publisher:
    """Publishes until a condition holds."""
    publishing = Publisher(url, live(ts))
    task = asyncio.create_task(publishing.run())
    try:
        end = time.monotonic() + DEADLINE
        while not until(publishing):
            assert time.monotonic() < end, (publishing.state, publishing.error)
            assert not task.done(), task.exception()
            await asyncio.sleep(0.02)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert publishing.state == "closed"
    return publishing


@contextmanager
def running(*command: object) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def receive(source: str, path: Path, *options: str) -> list[object]:
    return ["ffmpeg", "-v", "fatal", "-nostdin", "-y", *options, "-i", source, "-t", "2", "-c", "copy", path]


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[str]:
    if shutil.which("nginx") is None or not NGINX_MODULE.exists():
        pytest.skip("no nginx with RTMP here: sudo apt install nginx libnginx-mod-rtmp")
    port = free_port()
    (tmp_path / "conf").write_text(RTMP.format(module=NGINX_MODULE, folder=tmp_path, port=port))
    with running("nginx", "-p", tmp_path, "-e", tmp_path / "log", "-c", tmp_path / "conf"):
        end = time.monotonic() + DEADLINE
        while True:
            assert time.monotonic() < end
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield f"rtmp://127.0.0.1:{port}/live/secretkey"


def test_rtmp(tmp_path: Path, nginx: str, ts: bytes, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "got.flv"
    caplog.set_level(logging.DEBUG)
    with running(*receive(nginx, path)) as reader:
        publishing = asyncio.run(publish(nginx, ts, lambda _: reader.poll() is not None))
    assert publishing.sent > 10_000
    found = offsets(path)
    assert max(map(abs, found), default=0) < 0.004  # FLV counts milliseconds
    assert path.stat().st_size > 10_000
    assert "secretkey" not in caplog.text
    assert "-f flv" in caplog.text


@pytest.mark.parametrize("scheme", ["srt", "udp"])
def test_datagrams(tmp_path: Path, ts: bytes, scheme: str) -> None:
    protocols = subprocess.run(["ffmpeg", "-v", "error", "-protocols"], capture_output=True, text=True, check=True)
    if scheme not in protocols.stdout.split():
        pytest.skip(f"this ffmpeg has no {scheme}")
    port, path = free_port(socket.SOCK_DGRAM), tmp_path / "got.ts"
    url = f"{scheme}://127.0.0.1:{port}"
    with running(*receive(url + ("?mode=listener" if scheme == "srt" else ""), path)) as reader:
        asyncio.run(publish(url, ts, lambda _: reader.poll() is not None))
        assert reader.returncode == 0
    assert max(map(abs, offsets(path)), default=0) < 0.004


def test_a_receiver_that_dies_and_comes_back(tmp_path: Path, ts: bytes, caplog: pytest.LogCaptureFixture) -> None:
    port, path = free_port(), tmp_path / "got.flv"
    url = f"rtmp://127.0.0.1:{port}/live/secretkey"
    options = ("-listen", "1", "-f", "flv")
    command = [*receive(url, path, *options)]

    async def check() -> None:
        with running(*command[:-5], "-c", "copy", path) as first:  # without an end of its own
            publishing = Publisher(url, live(ts))
            task = asyncio.create_task(publishing.run())

            async def wait_for(condition: Callable[[], bool]) -> None:
                end = time.monotonic() + DEADLINE
                while not condition():
                    assert time.monotonic() < end, (publishing.state, publishing.error)
                    await asyncio.sleep(0.02)

            await wait_for(lambda: path.exists() and path.stat().st_size > 1000)
            first.kill()
            await wait_for(lambda: publishing.state == "waiting" and publishing.error != "")
            path.unlink()
        with running(*command):
            await wait_for(lambda: path.exists() and path.stat().st_size > 1000)
            assert publishing.restarts >= 1
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(check())
    assert "secretkey" not in caplog.text
    assert f"rtmp://127.0.0.1:{port}/…" in caplog.text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtmp://a.tv/live/key", ["-flvflags", "no_duration_filesize", "-f", "flv", "rtmp://a.tv/live/key"]),
        ("rtmps://a.tv/live/key", ["-f", "flv", "rtmps://a.tv/live/key"]),
        ("srt://a.tv:9000?passphrase=p", ["-f", "mpegts", "srt://a.tv:9000?passphrase=p"]),
        ("rtsp://u:p@a.tv/x", ["-rtsp_transport", "tcp", "-f", "rtsp", "rtsp://u:p@a.tv/x"]),
        ("udp://239.0.0.1:1234", ["-f", "mpegts", "udp://239.0.0.1:1234?pkt_size=1316"]),
        ("udp://[::1]:1?ttl=2", ["-f", "mpegts", "udp://[::1]:1?ttl=2&pkt_size=1316"]),
        ("udp://h:1?pkt_size=188", ["-f", "mpegts", "udp://h:1?pkt_size=188"]),
        ("/dev/video9", ["-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-f", "v4l2", "/dev/video9"]),
        ("v4l2:///dev/video10", ["-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-f", "v4l2", "/dev/video10"]),
    ],
)
def test_arguments(url: str, expected: list[str]) -> None:
    found = publisher(url)
    assert found[-len(expected) :] == expected
    assert ("copy" in found) == ("v4l2" not in found)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://a.tv/x", "rtmp://, rtmps://, srt://"),
        ("-y", "choose one of"),
        ("file:///etc/passwd", "choose one of"),
        ("/dev/sda", "choose one of"),
        ("/dev/video1/../sda", "choose one of"),
        ("rtmp:///live", "names no host"),
        ("srt://a.tv", "names no port"),
        ("udp://a.tv:99999", "check its host and port"),
    ],
)
def test_what_cannot_be_published_to(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        publisher(url)


def test_no_secret_is_shown() -> None:
    url = "rtmp://user:pass@a.tv:1935/live/key?token=abc"
    assert shown(url) == "rtmp://a.tv:1935/…"
    assert shown("srt://a.tv:9?passphrase=hidden") == "srt://a.tv:9/…"
    text = redacted(f"Cannot open {url}: key, user:pass and abc are wrong", secrets(url))
    assert not any(secret in text for secret in ("user", "pass", "key", "abc"))
    with pytest.raises(UsageError) as caught:
        publisher("ftp://user:pass@a.tv/key")
    assert "pass" not in str(caught.value)
