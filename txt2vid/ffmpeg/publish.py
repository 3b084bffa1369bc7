"""`--publish URL`: a session's stream to a media server, a listener or a video device, by an ffmpeg that copies it."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Literal
from urllib.parse import urlsplit

from txt2vid.core.tasks import within
from txt2vid.errors import FFmpegError, UsageError
from txt2vid.ffmpeg import program
from txt2vid.ffmpeg.fed import Fed

FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0  # seconds before ffmpeg is started again: doubled each time
STEADY_SECONDS = 10.0  # that it must have run for the next wait to be the first again
STALL_SECONDS = 10.0  # that the receiver may take nothing
LOOK_SECONDS = 0.5  # into the stream, until ffmpeg knows the codecs
DATAGRAM = 1316  # bytes: seven packets of MPEG-TS, the most that fits a network's frame

State = Literal["starting", "sending", "waiting", "closed"]

_FORMATS = {"rtmp": "flv", "rtmps": "flv", "srt": "mpegts", "udp": "mpegts", "rtsp": "rtsp", "rtsps": "rtsp"}
_DEVICE = re.compile(r"(?:v4l2://)?(/dev/video\d+)")
_KNOWN = "rtmp://, rtmps://, srt://, rtsp://, rtsps://, udp://, v4l2:///dev/videoN"

_log = logging.getLogger(__name__)


def publisher(url: str) -> list[str]:
    """The arguments of ffmpeg for an output: codecs, muxer, place. Raises UsageError at what cannot be published to."""
    if device := _DEVICE.fullmatch(url):
        return ["-map", "0:v:0", "-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-f", "v4l2", device[1]]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as err:
        raise UsageError(f"--publish {shown(url)} is no URL: check its host and port") from err
    if parts.scheme not in _FORMATS:
        raise UsageError(f"--publish {shown(url)} has no scheme that is known: choose one of {_KNOWN}")
    if not host:
        raise UsageError(f"--publish {shown(url)} names no host: write {parts.scheme}://HOST…")
    if port is None and parts.scheme in ("srt", "udp"):
        raise UsageError(f"--publish {shown(url)} names no port: write {parts.scheme}://{host}:PORT")
    if parts.scheme == "udp" and "pkt_size=" not in parts.query:
        url += ("&" if parts.query else "?") + f"pkt_size={DATAGRAM}"
    muxer = _FORMATS[parts.scheme]
    options = {
        "flv": ["-flvflags", "no_duration_filesize"],
        "mpegts": ["-muxdelay", "0", "-muxpreload", "0", "-pes_payload_size", "0"],
        "rtsp": ["-rtsp_transport", "tcp"],
    }
    return ["-map", "0:v:0", "-map", "0:a:0", "-c", "copy", *options[muxer], "-f", muxer, url]


def shown(url: str) -> str:
    """The URL as logs and errors may hold it: scheme, host and port. Names, paths and queries may be keys."""
    if _DEVICE.fullmatch(url):
        return url
    scheme, found, rest = url.partition("://")
    if not found:
        return "URL" if "@" in url or "/" in url or len(url) > 20 else repr(url)
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = place.rpartition("@")[2]
    return f"{scheme}://{host}{'/…' if len(rest) > len(place) else ''}"


class Publisher:
    """Publishes to one URL until it is cancelled; ffmpeg is started again whenever it ends, first soon, then less soon.

    url: what `publisher` knows, UsageError otherwise; others on this machine see it in the process list while ffmpeg
    runs, stream key and all (ffmpeg takes it nowhere else). subscribe: gives a new subscription of the MPEG-TS, from a
    keyframe on, whose queue is bounded by who made it; called for each ffmpeg. Its `close`, if any, is called.

    state: "starting" until data was taken, "sending", "waiting" for the next attempt, "closed". restarts: attempts
    after the first. sent: bytes that ffmpeg has taken. error: what ended the last one, without secrets.
    """

    def __init__(self, url: str, subscribe: Callable[[], AsyncIterator[bytes]]) -> None:
        self._output = publisher(url)
        self._secrets = secrets(url)
        self.name = shown(url)
        self._subscribe = subscribe
        self.state: State = "starting"
        self.restarts = 0
        self.sent = 0
        self.error = ""

    async def run(self) -> None:
        """Publishes; ends by being cancelled. Leaves no process. Raises DependencyError where there is no ffmpeg."""
        wait = FIRST_WAIT
        hidden = _Redact(self._secrets)
        logger = logging.getLogger(program.__name__)
        logger.addFilter(hidden)  # which logs arguments
        try:
            while True:
                self.state, begun = "starting", time.monotonic()
                try:
                    await self._publish()
                except FFmpegError as err:
                    self.error = redacted(str(err), self._secrets)
                    _log.warning("publishing to %s: %s: again in %g s", self.name, self.error, wait)
                if time.monotonic() - begun > STEADY_SECONDS:
                    wait = FIRST_WAIT
                self.state = "waiting"
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                self.restarts += 1
        finally:
            self.state = "closed"
            logger.removeFilter(hidden)

    async def _publish(self) -> None:
        """One ffmpeg, until it ends, hangs, or the stream does."""
        fed = Fed(self._command)
        chunks = self._subscribe()
        try:
            await fed.open()
            async for chunk in chunks:
                try:
                    await within(fed.write(chunk), STALL_SECONDS)
                except asyncio.TimeoutError as err:
                    raise FFmpegError(f"nothing was taken for {STALL_SECONDS:g} s") from err
                self.sent += len(chunk)
                self.state = "sending"
        finally:
            if (close := getattr(chunks, "close", None)) is not None:
                close()
            await fed.close()

    def _command(self, source: int, sink: int) -> list[str]:
        del sink  # nothing comes back
        look = ["-analyzeduration", str(round(LOOK_SECONDS * 1e6))]
        command = [program.find("ffmpeg"), "-hide_banner", "-nostdin", "-v", "error", *look]
        return [*command, "-f", "mpegts", "-i", f"pipe:{source}", *self._output]


def secrets(url: str) -> list[str]:
    """The parts of a URL that no log may hold, longest first."""
    if _DEVICE.fullmatch(url):
        return []
    _, _, rest = url.partition("://")
    place = re.split(r"[/?#]", rest, maxsplit=1)[0]
    after = rest[len(place) :].lstrip("/?#")
    parts = {rest, after, place.rpartition("@")[0], *place.rpartition("@")[0].split(":"), *re.split(r"[/?#&=]", after)}
    return sorted((part for part in parts if len(part) > 2), key=len, reverse=True)


def redacted(text: str, hidden: list[str]) -> str:
    """The text with dots where secrets were."""
    for secret in hidden:
        text = text.replace(secret, "…")
    return text


class _Redact(logging.Filter):
    """Takes secrets out of log records."""

    def __init__(self, hidden: list[str]) -> None:
        super().__init__()
        self._hidden = hidden

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets every record through, with dots where secrets were."""
        record.msg, record.args = redacted(record.getMessage(), self._hidden), ()
        return True
