"""The server that is measured: one of our own, or one that runs already."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

from txt2vid.bench.program import Program
from txt2vid.errors import Txt2VidError, UsageError
from txt2vid.sender.trust import distrust, trusting

START_SECONDS = 120.0  # for a server on a machine that does much else
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure. sizes in pixels, times in seconds. url: of a server that runs already; None starts one.

    ca: the certificate that is trusted at an https:// url.
    """

    face: Path
    size: int = 512
    fps: Fraction = Fraction(25)
    seconds: float = 60.0
    sessions: tuple[int, ...] = (1, 4, 8, 12, 16)
    codec: str = "opus"
    container: str = "ts"
    url: str | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A server. http: its address, without a slash at the end. session: the first face's. pid: None where not ours.

    started: when it was spawned, on time.monotonic(). ca: the certificate that is trusted, where it speaks TLS.
    """

    http: str
    session: str
    container: str
    pid: int | None = None
    started: float = 0.0
    ca: Path | None = None

    @property
    def speak(self) -> str:
        """Where senders connect."""
        return f"ws{self.http.removeprefix('http')}/speak"

    def stream(self, session: str | None = None) -> str:
        """Where a session is watched."""
        return f"{self.http}/s/{session or self.session}/stream.{self.container}"

    @property
    def trust(self) -> ssl.SSLContext | None:
        """For connections to it; None where it speaks no TLS. Raises MediaError where `ca` is no certificate."""
        return None if self.ca is None else trusting(str(self.ca), self.http)

    @property
    def watched(self) -> dict[str, str]:
        """What a viewer has to be told of it."""
        return {"url": self.stream(), **({} if self.ca is None else {"ca": str(self.ca.absolute())})}


@contextmanager
def serving(options: Options, *, sessions: int = 1) -> Iterator[Target]:
    """A server with one face and room for so many sessions beside the face's own; the one at `options.url` as it is.

    Raises Txt2VidError where it does not start, or does not answer.
    """
    if options.url is not None:
        yield _running(options)
        return
    command = [sys.executable, "-m", "txt2vid", "serve", "--face", str(options.face), "--size", str(options.size)]
    command += ["--fps", str(options.fps), "--mark", "--port", "0", "--json"]
    command += ["--max-sessions", str(sessions + 1), "--max-viewers", str(sessions + 8)]
    with Program(command, "txt2vid serve") as server:
        told = server.wait_for(None, START_SECONDS)
        if "url" not in told:
            raise Txt2VidError(f"txt2vid serve: {told.get('error', server.words)}")
        http = str(told["url"]).rstrip("/")
        yield Target(http, str(told["session"]), options.container, int(told["pid"]), server.started)


def _running(options: Options) -> Target:
    """The server at a URL, as it describes itself."""
    parts = urlsplit(options.url or "")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UsageError(f"{options.url} is no address of a server: write, for instance, http://127.0.0.1:8080")
    if parts.scheme == "https" and options.ca is None:
        raise UsageError(f"{options.url} is watched with a certificate: add --ca FILE, as serve --tls-save writes it")
    http = f"{parts.scheme}://{parts.netloc}"
    target = Target(http, "", options.container, ca=options.ca)
    trust = target.trust
    try:
        with urllib.request.urlopen(f"{http}/api/sessions", timeout=ANSWER_SECONDS, context=trust) as answer:  # noqa: S310 - http(s)
            sessions = json.load(answer)["sessions"]
        return replace(target, session=str(sessions[0]["name"]))
    except (OSError, ValueError, LookupError, TypeError) as err:
        if doubt := distrust(getattr(err, "reason", err)):
            raise Txt2VidError(f"{http}: {doubt[0]}: {doubt[1]}") from err
        raise Txt2VidError(f"no txt2vid server answers at {http} ({err}): start it with txt2vid serve --mark") from err
