"""Requests to one service, over httpx: its key goes to its host alone, and nothing waits for ever.

Redirects are not followed, certificates are checked, answers are bounded. Failures that may pass (a lost connection,
429, 5xx, silence) are tried again while there is patience; what remains is a SpeechError of one line.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from txt2vid.cloud.keys import Secret
from txt2vid.errors import SpeechError, UsageError

T = TypeVar("T")
SECONDS_VARIABLE = "TXT2VID_CLOUD_SECONDS"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
STREAM_SECONDS = 120.0  # that the sound of one sentence may take to come
MAX_ANSWER = 48 << 20  # bytes: three minutes of sound in base64
QUOTED = 160  # characters of a service's own words
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})

for _name in ("httpx", "httpcore"):  # at their debug level they log headers, and keys in them
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service is waited for. Seconds.

    connect: until it is reached. silence: between two bytes. total: of one sentence, all attempts together. attempts:
    so many. pause: before the second attempt; it doubles.
    """

    connect: float = 5.0
    silence: float = 8.0
    total: float = 20.0
    attempts: int = 3
    pause: float = 0.5

    @classmethod
    def of_environment(cls) -> Patience:
        """TXT2VID_CLOUD_SECONDS is the silence; the rest follows from it. Raises UsageError where it is no time."""
        text, usual = os.environ.get(SECONDS_VARIABLE), cls()
        if not text:
            return usual
        try:
            seconds = float(text)
        except ValueError:
            seconds = 0.0
        if not 0.05 <= seconds <= 600:
            raise UsageError(f"{SECONDS_VARIABLE}={text[:20]!r} is no time: write seconds from 0.05 to 600")
        return cls(min(seconds, usual.connect), seconds, 2.5 * seconds, pause=min(usual.pause, seconds / 10))


@dataclass(frozen=True, slots=True)
class Signed:
    """A header with a secret, and what stands before that."""

    header: str
    secret: Secret
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """A service. name: for people. base: its address, without a slash at the end. variable: what overrides that.

    sign: the headers with keys, asked for each request. check: what to do at 401 and 403.
    """

    name: str
    base: str
    variable: str
    sign: Callable[[], Sequence[Signed]]
    check: str

    @property
    def url(self) -> str:
        """Where it is asked. Raises UsageError where the override is no https address nor on this machine."""
        return checked_url(os.environ.get(self.variable) or self.base, self.variable)


def checked_url(url: str, variable: str) -> str:
    """The address without a slash at its end. Raises UsageError where keys must not be sent to it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
        parts = urlsplit("")
    safe = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    if not safe or not host or port == 0 or parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"{variable} is no address that a key may be sent to: write https://HOST[/PATH]")
    return url.rstrip("/")


class Client:
    """Asks one service; several threads may at once. Nothing is sent before the first request."""

    def __init__(self, service: Service, patience: Patience | None = None) -> None:
        self._service, self._patience = service, patience or Patience.of_environment()
        self._url = service.url
        secure = urlsplit(self._url).scheme == "https"
        self._http = httpx.Client(
            headers={"User-Agent": "txt2vid"},
            timeout=httpx.Timeout(self._patience.silence, connect=self._patience.connect),
            follow_redirects=False,
            verify=secure,  # the rest stays on this machine
            trust_env=secure,  # a proxy sees no more of https than hosts, but all of http
        )
        weakref.finalize(self, self._http.close)

    def json(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer as a JSON object; a request with a body is a POST. Raises SpeechError."""
        return self._tried(lambda deadline: self._object(path, body, deadline))

    def stream(self, path: str, body: Mapping[str, Any]) -> Iterator[bytes]:
        """The answer's bytes as they come; tried again until the first has come. Raises SpeechError."""
        with contextlib.ExitStack() as stack:
            first, rest = self._tried(lambda _: self._begun(path, body, stack))
            yield first
            try:
                yield from rest
            except _Failure as failure:
                raise failure.told(self._service) from failure

    def _tried(self, attempt: Callable[[float], T]) -> T:
        """What an attempt gives, which is told until when it may take."""
        deadline, pause, left = time.monotonic() + self._patience.total, self._patience.pause, self._patience.attempts
        while True:
            left -= 1
            try:
                return attempt(deadline)
            except _Failure as failure:
                wait = max(pause, failure.wait)
                if not failure.passes or not left or time.monotonic() + wait > deadline:
                    raise failure.told(self._service) from failure
            time.sleep(wait)
            pause *= 2

    def _object(self, path: str, body: Mapping[str, Any] | None, deadline: float) -> dict[str, Any]:
        with contextlib.ExitStack() as stack:
            data = b"".join(self._received(path, body, deadline, stack))
        try:
            value = json.loads(data)
        except ValueError as err:
            raise _Failure("answered something that is no JSON", passes=True) from err
        if not isinstance(value, dict):
            raise _Failure("answered something that is no JSON object")
        return value

    def _begun(self, path: str, body: Mapping[str, Any], kept: contextlib.ExitStack) -> tuple[bytes, Iterator[bytes]]:
        """The first bytes of an answer, and the rest; `kept` closes it."""
        with contextlib.ExitStack() as stack:
            parts = self._received(path, body, time.monotonic() + STREAM_SECONDS, stack)
            first = next(parts, b"")
            kept.push(stack.pop_all())
        return first, parts

    def _received(
        self, path: str, body: Mapping[str, Any] | None, deadline: float, stack: contextlib.ExitStack
    ) -> Iterator[bytes]:
        size = 0
        try:
            method, signed = "GET" if body is None else "POST", self._service.sign()
            headers = {each.header: each.prefix + each.secret.reveal() for each in signed}
            request = self._http.build_request(method, self._url + path, json=body, headers=headers)
            response = self._http.send(request, stream=True)
            stack.callback(response.close)
            if response.status_code != HTTPStatus.OK:
                raise self._refused(response, signed)
            for part in response.iter_bytes():
                size += len(part)
                if size > MAX_ANSWER:
                    raise _Failure("sent more than a sentence can be")
                if time.monotonic() > deadline:
                    raise _Failure("takes too long")
                yield part
        except httpx.TimeoutException as err:
            raise _Failure("gives no answer in time", passes=True) from err
        except httpx.RemoteProtocolError as err:
            raise _Failure("broke its answer off", passes=True) from err
        except httpx.HTTPError as err:
            raise _Failure(f"cannot be reached ({_why(err)})", passes=True) from err
        except (httpx.InvalidURL, ValueError) as err:
            raise _Failure("has an address that cannot be asked", check=self._service.variable) from err

    def _refused(self, response: httpx.Response, signed: Sequence[Signed]) -> _Failure:
        status = response.status_code
        if 300 <= status < 400:
            words = f"sends elsewhere ({status}), where its key is not sent"
            return _Failure(words, check=f"check {self._service.variable}")
        words = _words(response, signed)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return _Failure(f"refuses the key ({status}{words})", check=self._service.check, status=status)
        passes = status in _PASSING
        what = (
            "is asked too often" if status == HTTPStatus.TOO_MANY_REQUESTS else "failed" if passes else "refuses this"
        )
        return _Failure(f"{what} ({status}{words})", passes=passes, wait=_retry_after(response), status=status)


class _Failure(Exception):  # noqa: N818 - becomes an error of ours, or passes
    """One attempt failed. passes: another one may not. wait: seconds until the service wants to be asked again.

    check: what to do about it. status: of HTTP, 0 where there is none.
    """

    def __init__(
        self, words: str, *, passes: bool = False, wait: float = 0.0, status: int = 0, check: str = "try again later"
    ) -> None:
        super().__init__(words)
        self.words, self.passes, self.wait, self.status, self.check = words, passes, wait, status, check

    def told(self, service: Service) -> SpeechError:
        """As people read it."""
        return SpeechError(f"{service.name} {self.words}: {self.check}")


def status_of(error: SpeechError) -> int:
    """The status of HTTP that an error of a `Client` came of, 0 where it came of none."""
    return error.__cause__.status if isinstance(error.__cause__, _Failure) else 0


def _retry_after(response: httpx.Response) -> float:
    """Seconds of Retry-After (RFC 9110, 10.2.3), 0 where it says nothing sensible."""
    text = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _why(error: httpx.HTTPError) -> str:
    """The reason in the words of the system: those of httpx may quote headers."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if "CERTIFICATE_VERIFY_FAILED" in str(cause):
            return "its certificate is not trusted"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _words(response: httpx.Response, signed: Sequence[Signed]) -> str:
    """What the service says itself, without keys, bounded."""
    try:
        data = b""
        for part in response.iter_bytes(4096):
            data += part
            if len(data) > 64 << 10:
                break
        value = json.loads(data)
    except (httpx.HTTPError, ValueError):
        return ""
    error = value.get("error", value.get("message")) if isinstance(value, dict) else None
    text = error.get("message") if isinstance(error, dict) else error
    if not isinstance(text, str) or not text.strip():
        return ""
    for each in signed:
        text = each.secret.hidden_in(text)
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f": {text[:QUOTED]}" + ("…" if len(text) > QUOTED else "")
