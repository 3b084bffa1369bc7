"""The hops of a call, one after the other, as a caller takes them: where it ends is what is wrong."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs, urlsplit

from txt2vid.core.wire import SUBPROTOCOL
from txt2vid.errors import DependencyError, ServerError, UsageError
from txt2vid.sender import address
from txt2vid.sender.trust import distrust, trusting
from txt2vid.server.ice import IceServer

SECONDS = 10.0  # for a hop: a browser's ICE gives up about then


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop. needed: without it there is no call at all; the others have something that takes their place."""

    what: str
    works: bool
    detail: str
    needed: bool = True


@dataclass(slots=True)
class Relay:
    """The server that is looked at, and what is known of it. token: never shown."""

    scheme: str
    host: str
    port: int
    token: str | None = None
    ca: str | None = None
    session: str = ""
    servers: list[IceServer] = field(default_factory=list)

    @classmethod
    def of(cls, url: str, token: str | None = None, ca: str | None = None) -> Relay:
        """From what people type. Raises UsageError where it is no address."""
        found = urlsplit(address.speak_url(url))
        secure = found.scheme == "wss"
        if ca is not None:
            trusting(ca, found.geturl())  # raises
        given = parse_qs(found.query).get("token", [None])[0]
        port = found.port or (443 if secure else 80)
        return cls("https" if secure else "http", found.hostname or "", port, token or given, ca)

    @property
    def context(self) -> ssl.SSLContext | None:
        """For TLS; None for plain HTTP."""
        if self.scheme == "http":
            return None
        return trusting(self.ca, f"https://{self.host}") if self.ca else ssl.create_default_context()

    def ask(
        self, method: str, path: str, body: str | None = None, kind: str = "application/sdp"
    ) -> tuple[http.client.HTTPResponse, str]:
        """An answer and its text. Raises OSError, http.client.HTTPException."""
        context = self.context
        made = (
            http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
            if context is None
            else http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=context)
        )
        headers = {"Content-Type": kind} if body is not None else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        with closing(made) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read(1 << 20).decode("utf-8", "replace")


def hops(relay: Relay) -> Iterator[Hop]:
    """All hops in their order; after one that is needed and fails there are no more."""
    steps: list[tuple[str, Callable[[Relay], str], bool]] = [
        ("TCP", _tcp, True),
        ("TLS", _tls, True),
        ("HTTP", _http, True),
        ("token", _token, True),
        ("websocket", _websocket, True),
        ("WebRTC", _plugin, False),
    ]
    for what, step, needed in steps:
        hop = _try(what, partial(step, relay), needed=needed)
        yield hop
        if not hop.works:
            return
    for link in relay.servers:
        yield _try(link.url.partition(":")[0].upper(), partial(_ice_server, link), needed=False)
    yield _try("UDP and codec", partial(_udp, relay), needed=False)


def _try(what: str, step: Callable[[], str], *, needed: bool) -> Hop:
    try:
        return Hop(what, True, step(), needed)
    except (ServerError, DependencyError, UsageError) as err:
        return Hop(what, False, " ".join(str(err).split()), needed)
    except (OSError, http.client.HTTPException, asyncio.TimeoutError) as err:
        why = distrust(err)
        detail = f"{why[0]}: {why[1]}" if why else str(err) or type(err).__name__
        if isinstance(err, ssl.SSLError) and not why:
            detail = f"no TLS there ({err.reason}): write http:// for a server that was started without"
        return Hop(what, False, " ".join(detail.split()), needed)


def _tcp(relay: Relay) -> str:
    try:
        with socket.create_connection((relay.host, relay.port), SECONDS) as connection:
            return f"{relay.host} is {connection.getpeername()[0]}, port {relay.port} is open"
    except socket.gaierror as err:
        raise ServerError(f"{relay.host} has no address ({err.strerror}): check the name") from err
    except OSError as err:
        raise ServerError(
            f"nothing answers at {relay.host} port {relay.port} ({err.strerror or err}): "
            "is txt2vid serve running there, and does the firewall let TCP through?"
        ) from err


def _tls(relay: Relay) -> str:
    context = relay.context
    if context is None:
        local = address.is_loopback(f"http://{relay.host}")
        return "this machine needs none" if local else "none, so browsers give no microphone: serve --tls-self-signed"
    with (
        socket.create_connection((relay.host, relay.port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=relay.host) as secure,
    ):
        return f"{secure.version()}, and the certificate is trusted"


def _http(relay: Relay) -> str:
    answer, text = relay.ask("GET", "/healthz")
    try:
        said = json.loads(text)
        state, version = said["status"], said["version"]
    except (ValueError, KeyError, TypeError) as err:
        raise ServerError(
            f"what answers there ({answer.status} {text.strip()[:80]!r}) is no txt2vid serve: check the address"
        ) from err
    if state != "ok":
        raise ServerError(f"the server says {state!r}: look at its log")
    return f"txt2vid {version}"


def _token(relay: Relay) -> str:
    answer, text = relay.ask("GET", "/api/sessions")
    if answer.status != 200:
        raise ServerError(text.strip() or f"the server answers {answer.status}")
    said = json.loads(text)
    found = said["sessions"]
    relay.session = str(found[0]["name"]) if found else ""
    if relay.token is None:
        return "none is needed"
    return "taken" if said.get("may_speak", True) else "taken, but it is for watching alone: with it no call is begun"


def _websocket(relay: Relay) -> str:
    from websockets.exceptions import InvalidHandshake
    from websockets.sync.client import connect
    from websockets.typing import Subprotocol

    scheme = "wss" if relay.scheme == "https" else "ws"
    host = f"[{relay.host}]" if ":" in relay.host else relay.host
    try:
        with connect(
            f"{scheme}://{host}:{relay.port}/speak",
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            ssl=relay.context,
            open_timeout=SECONDS,
            close_timeout=1,
            proxy=None,
        ) as connection:
            if connection.subprotocol != SUBPROTOCOL:
                raise ServerError(f"it does not speak {SUBPROTOCOL}: update txt2vid there")
    except InvalidHandshake as err:
        raise ServerError(f"no websocket ({err}): does a proxy before the server pass Upgrade on?") from err
    return f"speaks {SUBPROTOCOL}"


def _plugin(relay: Relay) -> str:
    answer, text = relay.ask("OPTIONS", f"/whep/{relay.session}")
    if answer.status != 204:
        raise ServerError(
            f"{text.strip()[:200] or answer.status} (calls go over the websocket then, half a second later)"
        )
    for link in answer.headers.get_all("Link") or []:
        found = IceServer.of_link(link)
        if found is not None:
            relay.servers.append(found)
    return f"the plugin is there, with {len(relay.servers) or 'no'} STUN or TURN server(s)"


def _ice_server(link: IceServer) -> str:
    try:
        from txt2vid.transports import probe
    except ModuleNotFoundError as err:
        raise _missing(err) from err
    return asyncio.run(probe.ice_server(link.url, link.username, link.credential, SECONDS))


def _udp(relay: Relay) -> str:
    try:
        from txt2vid.transports import probe
    except ModuleNotFoundError as err:
        raise _missing(err) from err
    servers = [(link.url, link.username, link.credential) for link in relay.servers]
    loopback = address.is_loopback(f"http://{relay.host}")

    def answered(offer: str) -> tuple[str, str]:
        answer, text = relay.ask("POST", f"/whep/{relay.session}", offer)
        if answer.status != 201:
            raise ServerError(f"the offer is answered {answer.status}: {text.strip()[:200]}")
        return text, answer.headers["Location"]

    def left(place: str) -> None:
        relay.ask("DELETE", place)

    return asyncio.run(probe.watch(answered, left, servers, SECONDS, loopback=loopback))


def _missing(err: ModuleNotFoundError) -> DependencyError:
    return DependencyError(f"not tried, since {err.name} is not installed here: pip install 'txt2vid[webrtc]'")
