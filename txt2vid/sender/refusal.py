"""Why a connection ended, or was never made: one sentence each, and whether trying again may help."""

from __future__ import annotations

import socket
import ssl

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    NegotiationError,
    WebSocketException,
)

from txt2vid.core.wire import CLOSE_CODES, FATAL, SUBPROTOCOL, Error
from txt2vid.sender.trust import distrust

SHOWN = 300  # characters of a server's own words
_HINTS = {
    "protocol": "install the same version of txt2vid on both machines",
    "token": "add --token with the server's, or set TXT2VID_TOKEN",
    "session": "choose another --session",
    "face": "choose another --face, or leave it out",
    "audio": "try --codec pcm",
    "text": "try another --tts or --voice, or leave them out",
    "replaced": "stop the other sender, then run this again",
    "busy": "add --interrupt, or --wait for its end",
    "full": "add --wait, or try again later",
    "rate": "try again; if it comes back, report it",
    "engine": "look at the server's log, then try again",
    "stopping": "start the server again, and add --wait here",
}
_CODES = {number: code for code, number in CLOSE_CODES.items()}
_NOT_UNDERSTOOD = {1002, 1003, 1007, 1009}  # RFC 6455: protocol error, unsupported, not consistent, too big
_TOKEN_STATUS = {401, 403}
_BUSY_STATUS = {429, 500, 502, 503, 504}
_START = "start one with: txt2vid serve --face FACE"


class LostError(Exception):
    """A connection ended, or was never made. again: whether trying again may help. hint: what else to type."""

    def __init__(self, message: str, *, again: bool = True, hint: str = "") -> None:
        super().__init__(message)
        self.again, self.hint = again, hint

    @property
    def sentence(self) -> str:
        """What was wrong, and what to type."""
        return f"{self}: {self.hint}" if self.hint and self.hint not in str(self) else str(self)


def of_error(error: Error) -> LostError:
    """The server's own reason."""
    code = error.code if error.code in CLOSE_CODES else "protocol"
    hint = _HINTS.get(code, "look at the server's log")
    return LostError(f"the server says: {_words(error.message)}", again=code not in FATAL, hint=hint)


def of_exception(err: BaseException) -> LostError:
    """The reason in what a websocket, or the network beneath it, raises."""
    if isinstance(err, ConnectionClosed):
        return _of_close(err)
    if isinstance(err, InvalidStatus):
        return _of_status(err)
    if isinstance(err, NegotiationError):
        return LostError(f"what answers there does not speak {SUBPROTOCOL}", again=False, hint=_HINTS["protocol"])
    if isinstance(err, InvalidMessage) and isinstance(err.__cause__, EOFError | OSError):
        return LostError("the server hung up before it answered", hint=_START)
    if isinstance(err, InvalidURI | InvalidHandshake | WebSocketException):
        return LostError(f"what answers there is no txt2vid server ({_words(str(err))})", again=False, hint=_START)
    return _of_network(err)


def _of_close(err: ConnectionClosed) -> LostError:
    number, reason = (err.rcvd.code, err.rcvd.reason) if err.rcvd else (0, "")
    if err.sent and err.sent.code in _NOT_UNDERSTOOD:  # our own library's verdict
        number = err.sent.code
    code = _CODES.get(number, "")
    again = code not in FATAL and number not in _NOT_UNDERSTOOD
    hint = _HINTS.get(code or ("" if again else "protocol"), "")
    why = _words(reason) or (code and f"it closed with {code!r}") or (number and f"it closed with {number}")
    return LostError(
        f"the server ended the connection ({why})" if why else "the connection broke", again=again, hint=hint
    )


def _of_status(err: InvalidStatus) -> LostError:
    status = err.response.status_code
    words = _words(bytes(err.response.body or b"").decode(errors="replace"))
    if status in _TOKEN_STATUS and not words:
        return LostError(
            f"the server lets nobody in without a token (HTTP {status})", again=False, hint=_HINTS["token"]
        )
    if status in _BUSY_STATUS:
        return LostError(f"the server has no room now (HTTP {status})", hint="add --wait, or try again later")
    hint = _START if status not in _TOKEN_STATUS else _HINTS["token"]
    if "wss://" in words:  # it speaks TLS alone, and says so
        hint = ""
    return LostError(
        f"the server refuses with HTTP {status}" + (f" ({words})" if words else ""), again=False, hint=hint
    )


def _of_network(err: BaseException) -> LostError:
    if doubt := distrust(err):
        return LostError(doubt[0], again=False, hint=doubt[1])
    if isinstance(err, ssl.SSLError):
        return LostError("it speaks no TLS", again=False, hint="write ws:// instead of wss://")
    if isinstance(err, socket.gaierror):
        return LostError("there is no machine of that name", hint="check the address")
    if isinstance(err, TimeoutError) or not str(err):  # asyncio's own in 3.10 is another class, without words
        return LostError("nothing answers in time", hint="check the address, and whether a firewall is between")
    return LostError("nothing listens there", hint=_START)


def _words(text: str) -> str:
    """Somebody else's words as part of a line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line[:SHOWN].rstrip(" .:")
