"""Who may do what: decisions about the heads of requests. Nothing here reads, waits or logs.

Three questions, each answered by an HTTP status (`Refusal`) or by None:
the Host header (a page elsewhere must not reach us under a name of its own: DNS rebinding), the Origin of a websocket
and of what changes something (browsers do not keep pages of other sites from either), and the token:
the server's, which lets do all, the watching token, with which one only looks, or a call's pass.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from txt2vid.core.wire import MAX_TOKEN
from txt2vid.errors import UsageError

ONLY_WATCHES = "this token is for watching alone, and this takes the server's own: give the one of serve --token"
_DEFAULT_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The head of a request.

    token: of its query. open_to_all: whether it is for something that never needs a token. viewing: whether it is for
    something that only looks (streams, the page's data). changes: whether its method is more than a look.
    secure: whether it came over our own TLS.
    passed: whether it holds a pass of the call that it is about; None where it is about none.
    """

    kind: Literal["http", "websocket"]
    host: str | None = None
    origin: str | None = None
    authorization: str | None = None
    token: str | None = None
    open_to_all: bool = False
    viewing: bool = False
    changes: bool = False
    secure: bool = False
    passed: bool | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status and one line that says what to do."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class Access:
    """What the server's owner allows.

    token: None where everyone who reaches the port may do everything. watch_token: lets look and do nothing else, None
    where there is no such token. public_viewing: looking needs no token.
    local_names: only loopback's names and `hosts` are taken as Host (`Access.of` decides). hosts, origins: allowed
    beside the usual ones, in small letters; a host without a port.
    """

    token: str | None = None
    watch_token: str | None = None
    public_viewing: bool = False
    local_names: bool = True
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        host: str,
        token: str | None,
        *,
        watch_token: str | None = None,
        public_viewing: bool = False,
        hosts: tuple[str, ...] = (),
        origins: tuple[str, ...] = (),
    ) -> Access:
        """For a server bound to `host`. Raises UsageError where others would get in without a token, or one is none."""
        _check_token(token, "--token")
        _check_token(watch_token, "--watch-token")
        if token is None and not is_loopback(host):
            raise UsageError(
                f"--host {host} lets other machines in, which needs a token: "
                'add --token "$(openssl rand -hex 16)", or leave --host out'
            )
        if watch_token is not None:
            _check_pair(token, watch_token, public_viewing=public_viewing)
        return cls(
            token,
            watch_token,
            public_viewing,
            local_names=token is None,
            hosts=frozenset(name.lower() for name in hosts),
            origins=frozenset(origin.lower().rstrip("/") for origin in origins),
        )

    def refusal(self, asked: Asked) -> Refusal | None:
        """Why a request is not let in, or None. A speaker's token may still come in its hello."""
        if self.local_names and not self._is_ours(asked.host):
            return Refusal(
                421, "this server answers to localhost alone: restart it with --allow-host NAME to add a name"
            )
        if (asked.kind == "websocket" or asked.changes) and self._is_foreign(asked):
            return Refusal(403, "a page of another site may not speak here: restart with --allow-origin to let it")
        if asked.passed is False:
            return Refusal(401, "this is of a call, and needs a pass of it: join the call first")
        if asked.passed or (asked.kind == "websocket" and not asked.viewing):
            return None
        if asked.open_to_all or (asked.viewing and self.public_viewing):
            return None
        tokens = bearer(asked.authorization), asked.token
        if self.knows(*tokens):
            return None
        if self.only_watches(*tokens):
            return None if asked.viewing else Refusal(403, ONLY_WATCHES)
        return Refusal(401, "this needs the server's token: add ?token=… to the URL, or Authorization: Bearer …")

    def knows(self, *tokens: str | None) -> bool:
        """Whether one of them is the server's token, or it has none. Takes as long for any wrong one."""
        return self.token is None or _is_among(self.token, tokens)

    def only_watches(self, *tokens: str | None) -> bool:
        """Whether one of them is the watching token, and none the server's own. Takes as long for any wrong one."""
        return self.watch_token is not None and _is_among(self.watch_token, tokens) and not self.knows(*tokens)

    @property
    def for_viewers(self) -> str | None:
        """The token of a link with which one can only watch: "" where that needs none, None where there is no such."""
        return "" if self.token is not None and self.public_viewing else self.watch_token

    def _is_ours(self, host: str | None) -> bool:
        name, _ = split_host(host or "")
        return is_loopback(name) or name in self.hosts

    def _is_foreign(self, asked: Asked) -> bool:
        """Programs send no Origin; browsers always send one to websockets, and with what changes something."""
        if asked.origin is None:
            return False
        origin = asked.origin.lower()
        try:
            parts = urlsplit(origin)
        except ValueError:  # a bracket that is not closed
            return True
        if origin in self.origins or (parts.netloc and parts.netloc in self.origins):
            return False
        if asked.secure and parts.scheme != "https":  # a page that anyone between could have written
            return True
        default = _DEFAULT_PORTS.get(parts.scheme, "")
        return not parts.netloc or _with_port(parts.netloc, default) != _with_port((asked.host or "").lower(), default)


def _check_token(token: str | None, option: str) -> None:
    """Raises UsageError."""
    if token is not None and not token.strip():
        raise UsageError(f'the token of {option} is empty: write, for instance, {option} "$(openssl rand -hex 16)"')
    if token is not None and not is_token(token):
        raise UsageError(
            f"a token has 1 to {MAX_TOKEN} letters, digits or signs of ASCII, and no spaces, as headers want it. "
            f'Write, for instance, {option} "$(openssl rand -hex 16)"'
        )


def _check_pair(token: str | None, watch_token: str, *, public_viewing: bool) -> None:
    """Raises UsageError where a token for watching makes no sense beside the rest."""
    if token is None:
        raise UsageError(
            "--watch-token lets others watch and not speak, but without a token everybody may speak: "
            'add --token "$(openssl rand -hex 16)"'
        )
    if public_viewing:
        raise UsageError("--public-viewing lets everybody watch, and --watch-token some: leave one of them out")
    if _is_among(token, (watch_token,)):
        raise UsageError(
            "--token and --watch-token are the same, so that whoever watches could speak: "
            'write another, for instance --watch-token "$(openssl rand -hex 16)"'
        )


def _is_among(known: str, tokens: Iterable[str | None]) -> bool:
    """Whether one of them is it. Takes as long for any wrong one."""
    wanted = known.encode()
    return sum(hmac.compare_digest(wanted, (token or "").encode("utf-8", "replace")) for token in tokens) > 0


def is_token(text: str) -> bool:
    """Whether all ways to tell a token can carry it: a header, a query, a hello."""
    return 0 < len(text) <= MAX_TOKEN and all("!" <= character <= "~" for character in text)


def bearer(authorization: str | None) -> str | None:
    """The token of an Authorization header (RFC 6750), None where it holds none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def split_host(host: str) -> tuple[str, str]:
    """The name in small letters without IPv6's brackets, and the port or ""."""
    host = host.strip().lower()
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name.rstrip("."), port


def is_loopback(host: str) -> bool:
    """Whether a name or an address is only ever this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _with_port(host: str, default: str) -> tuple[str, str]:
    name, port = split_host(host)
    return name, port or default
