"""One request to one mirror: where it may lead, which answers fit, and what a failure is called.

What goes wrong is told in words of our own and the names of hosts: paths and query strings may hold tokens.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from urllib.error import URLError
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, UnknownHandler

from txt2vid.errors import UsageError

REDIRECTS = 10
"""So many in a row are followed: Hugging Face and GitHub need one or two."""

_REDIRECTING = (301, 302, 303, 307, 308)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_NETWORK = (OSError, HTTPException, ValueError)
"""What urllib and http.client raise; ValueError for names that no host can have, and for odd proxies."""


class MirrorError(Exception):
    """This mirror did not give the file; the text is the reason, without the mirror's name."""


class AnewError(MirrorError):
    """What is there cannot be continued from this mirror: all of the file must be asked for."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A file, or the rest of it.

    start: the first byte that is wanted. validator: an ETag or a date; if the mirror's file is another one by now,
    all of it comes instead (RFC 9110, If-Range). timeout: seconds without a byte.
    """

    url: str
    start: int
    validator: str | None
    timeout: float

    def headers(self) -> dict[str, str]:
        """The request's headers."""
        headers = {"User-Agent": "txt2vid", "Accept-Encoding": "identity"}
        if self.start:
            headers["Range"] = f"bytes={self.start}-"
            if self.validator:
                headers["If-Range"] = self.validator
        return headers


def check(url: str, *, https_only: bool) -> None:
    """Raises UsageError where this is no address of a file on the web."""
    parts = _parts(url)
    if parts is None or (https_only and parts.scheme != "https"):
        raise UsageError("a mirror is given as https://HOST/PATH, without a user or a password: check its spelling")


def shown(url: str) -> str:
    """The name of a mirror: its host alone."""
    return urlsplit(url).hostname or "?"


def address(url: str) -> str:
    """A mirror's address, without what may be secret in it."""
    return urlsplit(url)._replace(query="", fragment="").geturl()


def followed(url: str, location: str | None) -> str:
    """Where a redirect leads. Raises MirrorError unless that is https, or the same host by http."""
    if not location:
        raise MirrorError("a redirect to nowhere")
    try:
        target = urljoin(url, location)
    except ValueError as err:
        raise MirrorError("a redirect to no address") from err
    parts = _parts(target)
    if parts is None:
        raise MirrorError("a redirect to no address of the web")
    if parts.scheme == "https" or (urlsplit(url).scheme, urlsplit(url).netloc) == ("http", parts.netloc):
        return target
    raise MirrorError(f"a redirect to {parts.hostname} without https")


def first_byte(status: int, headers: Message, start: int, size: int) -> int:
    """The byte with which the body of an answer begins: `start`, or 0 where all of the file comes.

    size: of the whole file, in bytes. Raises AnewError where the file
    must be asked for without a range, MirrorError where this mirror is of no use.
    """
    if status == HTTPStatus.OK:
        length = headers.get("Content-Length")
        if length is not None and length != str(size):
            raise MirrorError(f"has {length if length.isdecimal() else 'no'} bytes instead of {size}")
        return 0
    if start and status == HTTPStatus.PARTIAL_CONTENT:
        told = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
        if told is None or int(told[1]) != start or told[3] not in ("*", str(size)):
            raise AnewError("sends another part than the one asked for")
        return start
    if start and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise AnewError("has no such part of the file")
    raise MirrorError(f"HTTP {status}{_phrase(status)}")


def validator(headers: Message) -> str | None:
    """What names this very version of the file: a strong ETag, or else its date."""
    tag = headers.get("ETag", "")
    strong = tag.startswith('"') and tag.endswith('"') and tag.isascii() and tag.isprintable()
    return tag if strong else headers.get("Last-Modified")


@contextmanager
def opened(ask: Ask) -> Iterator[HTTPResponse]:
    """The answer to a request, after redirects, whatever its status. Raises MirrorError where none comes."""
    url = ask.url
    for _ in range(REDIRECTS + 1):
        with _open(url, ask) as response:
            if response.status not in _REDIRECTING:
                yield response
                return
            url = followed(url, response.headers.get("Location"))
    raise MirrorError("too many redirects")


def read(response: HTTPResponse, most: int, timeout: float) -> bytes:
    """Some bytes of an answer, at its end none. Raises MirrorError where it breaks off."""
    try:
        return response.read1(most)
    except _NETWORK as err:
        raise MirrorError(reason(err, timeout)) from err


def reason(err: Exception, timeout: float) -> str:
    """What an error of the network is called, in a few words."""
    cause = err.reason if isinstance(err, URLError) and isinstance(err.reason, Exception) else err
    if isinstance(cause, TimeoutError):
        return f"no byte for {timeout:g} s"
    if isinstance(cause, socket.gaierror):
        return "no host of this name is found"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(cause, ConnectionError):
        return "the connection broke off"
    if str(cause).startswith("Tunnel connection failed"):
        return "the proxy refuses"
    return f"no proper answer ({type(cause).__name__})"


def _open(url: str, ask: Ask) -> HTTPResponse:
    try:
        request = Request(url, headers=ask.headers())  # noqa: S310 - http and https alone, see _opener
        response = _opener().open(request, timeout=ask.timeout)
    except _NETWORK as err:
        raise MirrorError(reason(err, ask.timeout)) from err
    if not isinstance(response, HTTPResponse):  # for the type checker: these handlers have no other answers
        raise MirrorError("no answer")
    return response


def _opener() -> OpenerDirector:
    """Knows http, https and proxies; neither files nor FTP. Redirects and refusals are answers like any other."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), UnknownHandler()):
        opener.add_handler(handler)
    return opener


def _parts(url: str) -> SplitResult | None:
    """The parts of an address by http or https, None where it is none, or holds a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or "@" in parts.netloc:
        return None
    return parts if url.isascii() and url.isprintable() and " " not in url else None


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
