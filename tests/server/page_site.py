"""A site for the viewer page alone: its files, a scripted list of sessions, and live streams that ffmpeg makes."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from txt2vid.core.captions import Caption
from txt2vid.server.captions import Captions, captions_response

PAGES = Path(__file__).parents[2] / "txt2vid" / "server" / "pages"
POLICY = "default-src 'self'; media-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"


class Site:
    """What it serves can be changed while it runs. Time: `zero` is the sessions' beginning, by time.monotonic()."""

    def __init__(self) -> None:
        self.url = ""
        self.zero = time.monotonic() - 1000.0  # streams never begin at 0
        self.names = ["anna", "ben"]
        self.token: str | None = None
        self.refuse = 0  # HTTP status that streams get instead
        self.again = False  # a stream whose encoder ends goes on with a new one
        self.anew = False  # new encoders count from 1 s: sound begins some ms before, and MP4 knows no negative time
        self.encoders: set[subprocess.Popen[bytes]] = set()
        self.requests: list[str] = []  # paths, with their queries
        self.captions: dict[str, Captions] = {}  # of sessions that were asked for theirs
        self._loop: asyncio.AbstractEventLoop | None = None

    def reset(self) -> None:
        """As it was, but for its clock and its streams, which go on."""
        self.names, self.token, self.refuse, self.again, self.anew = ["anna", "ben"], None, 0, False, False
        self.requests.clear()

    @property
    def now(self) -> float:
        """Seconds of the sessions."""
        return time.monotonic() - self.zero

    def signal(self, number: int) -> None:
        """To every encoder: SIGSTOP stalls, SIGCONT lets it hurry after the time it missed, SIGKILL ends it."""
        for encoder in list(self.encoders):
            encoder.send_signal(number)

    def app(self) -> Starlette:
        """The routes."""
        routes = [
            Route("/api/sessions", self._list),
            Route("/api/sessions/{name}", self._status),
            Route("/s/{name}/stream.mp4", self._stream),
            Route("/s/{name}/captions", self._captions),
            Mount("/", StaticFiles(directory=PAGES, html=True)),
        ]
        return Starlette(routes=routes)

    def _refusal(self, request: Request) -> Response | None:
        self.requests.append(str(request.url))
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": "This needs the server's token."}, 401)
        return None

    async def _list(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(
            {"sessions": [self._described(name) for name in self.names], "may_speak": True}
        )

    async def _status(self, request: Request) -> Response:
        return self._refusal(request) or JSONResponse(self._described(request.path_params["name"]))

    def _described(self, name: str) -> dict[str, Any]:
        streams = {kind: f"/s/{name}/stream.{kind}" for kind in ("ts", "mp4", "mkv", "avi")}
        about = {"face": "hero", "width": 320, "height": 320, "fps": 25.0, "viewers": len(self.encoders)}
        live = {"live": name == "anna", "time": self.now, "zero": 0, "stats": {"av_offset": 2.4}}
        return {"name": name, "streams": streams, **about, **live}

    async def _stream(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        if request.path_params["name"] not in self.names:
            return JSONResponse({"error": "There is no such session."}, 404)
        if self.refuse:
            return JSONResponse({"error": "Too many viewers."}, self.refuse)
        return StreamingResponse(self._encoded(request.path_params["name"]), media_type="video/mp4")

    async def _captions(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        self._loop = asyncio.get_running_loop()
        captions = self.captions.setdefault(request.path_params["name"], Captions())
        return captions_response(request, captions)

    def tell(self, name: str, *sentences: Caption) -> None:
        """What is said in a session whose captions somebody reads; all at once."""
        assert self._loop is not None

        def tell() -> None:
            for each in sentences:
                self.captions[name].tell(each)

        self._loop.call_soon_threadsafe(tell)

    def cut(self, name: str, at: float) -> None:
        """An interruption there."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.captions[name].cut, at)

    def end_captions(self) -> None:
        """Readers' connections end; they may come back."""
        ended, self.captions = self.captions, {}
        for captions in ended.values():
            assert self._loop is not None
            self._loop.call_soon_threadsafe(captions.close)

    async def _encoded(self, name: str) -> AsyncIterator[bytes]:
        while True:
            encoder = subprocess.Popen(self._command(name), stdout=subprocess.PIPE)
            self.encoders.add(encoder)
            try:
                assert encoder.stdout is not None
                while chunk := await asyncio.to_thread(encoder.stdout.read1, 1 << 16):  # type: ignore[attr-defined]
                    yield chunk
            finally:
                self.encoders.discard(encoder)
                encoder.kill()
                encoder.communicate()
            if not self.again:
                return

    def _command(self, name: str) -> list[str]:
        size = {"anna": "320x320", "ben": "320x240"}.get(name, "160x160")
        picture = ["-re", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25"]
        sound = ["-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000"]
        h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p"]
        flags = "empty_moov+default_base_moof+frag_every_frame+frag_discont"
        start = ["-avoid_negative_ts", "disabled", "-output_ts_offset", f"{1 if self.anew else self.now:.6f}"]
        out = [*start, "-f", "mp4", "-movflags", flags, "-flush_packets", "1", "pipe:1"]
        return ["ffmpeg", "-v", "error", "-nostdin", *picture, *sound, *h264, "-c:a", "aac", "-b:a", "64k", *out]


def colours() -> dict[str, dict[str, str]]:
    """Scheme -> name -> #rrggbb, as style.css has them."""
    light, dark = re.findall(r":root \{(.*?)\}", (PAGES / "style.css").read_text(), re.DOTALL)
    found = [dict(re.findall(r"--([\w-]+): (#\w{6});", text)) for text in (light, dark)]
    return {"light": found[0], "dark": found[0] | found[1]}


async def _with_policy(app: Starlette, scope: Any, receive: Any, send: Any) -> None:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"content-security-policy", POLICY.encode())]
        await send(message)

    await app(scope, receive, sending if scope["type"] == "http" else send)


@contextmanager
def site() -> Iterator[Site]:
    """The site on a free port of this machine, in a thread."""
    made = Site()
    app = made.app()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        await _with_policy(app, scope, receive, send)

    config = uvicorn.Config(guarded, log_level="warning", timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield made
        finally:
            made.again = False
            made.end_captions()
            server.should_exit = True
            made.signal(signal.SIGKILL)
            thread.join()
