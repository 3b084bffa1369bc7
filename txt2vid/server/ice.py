"""The STUN and TURN servers that peers are told of: by option, TURN's with credentials that end by themselves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

from txt2vid.errors import UsageError

TURN_SECONDS = 12 * 3600  # that credentials hold: the longest call
_URL = re.compile(r"(stuns?|turns?):[A-Za-z0-9.\-\[\]:]+(\?transport=(udp|tcp))?")
_LINK = re.compile(r'<(?P<url>[^>]+)>; rel="ice-server"(?:; username="(?P<user>[^"]*)"; credential="(?P<word>[^"]*)")?')


@dataclass(frozen=True, slots=True)
class IceServer:
    """One server, as browsers want it (RTCIceServer)."""

    url: str
    username: str | None = None
    credential: str | None = None

    @classmethod
    def of_link(cls, link: str) -> IceServer | None:
        """Of a header as `link` makes it; None where it is about something else."""
        found = _LINK.match(link)
        return None if found is None else cls(found["url"], found["user"], found["word"])

    def link(self) -> str:
        """The Link header of WHIP (RFC 9725, 4.6)."""
        login = f'; username="{self.username}"; credential="{self.credential}"; credential-type="password"'
        return f'<{self.url}>; rel="ice-server"' + (login if self.username else "")

    def for_peer(self) -> dict[str, str]:
        """As browsers' RTCPeerConnection takes it (W3C WebRTC, RTCIceServer)."""
        login = {"username": self.username or "", "credential": self.credential or ""}
        return {"urls": self.url, **(login if self.username else {})}


@dataclass(frozen=True, slots=True)
class IceServers:
    """All of them. secret: shared with the TURN servers (coturn's static-auth-secret)."""

    urls: tuple[str, ...] = ()
    secret: str | None = None

    @classmethod
    def of(cls, urls: tuple[str, ...], secret: str | None) -> IceServers:
        """From the options. Raises UsageError where they make no sense."""
        for url in urls:
            if not _URL.fullmatch(url):
                raise UsageError(
                    f"--ice-server {url} is no address of a STUN or TURN server: write stun:HOST:3478 or turn:HOST:3478"
                )
        if secret is None and any(url.startswith("turn") for url in urls):
            raise UsageError(
                "a TURN server wants credentials: add --turn-secret-file FILE with its static-auth-secret in it"
            )
        return cls(urls, secret)

    def now(self, seconds: float | None = None) -> list[IceServer]:
        """What a peer that comes now is told. seconds: since 1970.

        TURN's name is the time at which it ends and something random, its password an HMAC of that
        (draft-uberti-behave-turn-rest-00, 2.2).
        """
        servers = []
        for url in self.urls:
            if not url.startswith("turn") or self.secret is None:
                servers.append(IceServer(url))
                continue
            until = int((time.time() if seconds is None else seconds) + TURN_SECONDS)
            username = f"{until}:{secrets.token_hex(4)}"
            digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
            servers.append(IceServer(url, username, base64.b64encode(digest).decode()))
        return servers

    def for_peers(self) -> list[dict[str, str]]:
        """What a browser that calls now is told."""
        return [server.for_peer() for server in self.now()]
