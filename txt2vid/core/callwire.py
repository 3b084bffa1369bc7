"""The websocket protocol "txt2vid.call.v1" as values: what a caller and the relay say (docs/calls.md has it in words).

JSON objects with a "type", text frames alone; everything that comes from a caller is checked here.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

from txt2vid.core.checks import WireError, decoded
from txt2vid.core.wire import MAX_NAME, MAX_TOKEN, Expression, is_name

SUBPROTOCOL = "txt2vid.call.v1"
MAX_MESSAGE = 4096  # bytes of a caller's message: a join with everything in it has a fifth of that
MAX_CALLER = 40  # characters of a caller's name

# Close codes, each with its error code in the message before it; numbers as in wire.CLOSE_CODES where both know it.
CLOSE_CODES: Mapping[str, int] = {
    "protocol": 4000,  # a message that makes no sense
    "room": 4004,  # no such room, or not any more
    "hero": 4005,  # no such hero, or it cannot be drawn (a warning: the connection stays)
    "expression": 4017,  # one that is not known, or too many (a warning: the connection stays)
    "rate": 4029,  # too much in too short a time
    "full": 4030,  # the room and its lobby are full, or the server is
    "replaced": 4031,  # another connection took this member's place
    "engine": 4050,  # the relay cannot draw
    "stopping": 4051,  # the relay goes down
}
GOODBYE = 1000  # after "bye"
_JOINERS = "\u200c\u200d"  # format characters that names are written with: Persian, and emoji made of several


def is_caller(text: str) -> bool:
    """Whether a caller may be called so: others see it, so nothing in it is invisible or turns the text around."""
    return 0 < len(text) <= MAX_CALLER and all(each.isprintable() or each in _JOINERS for each in text)


def caller(text: str | None) -> str:
    """A caller's name as others see it: composed (NFC), no spaces around it; "" where there is none."""
    return unicodedata.normalize("NFC", text or "").strip()


@dataclass(frozen=True, slots=True)
class Join:
    """The first message. name: None or empty is nobody's in particular. hero: None is the server's first face.

    resume: what `Welcome` gave before the connection broke.
    """

    TYPE: ClassVar[str] = "join"
    name: str | None = None
    hero: str | None = None
    resume: str | None = None

    def __post_init__(self) -> None:
        if self.name and not is_caller(self.name):
            raise WireError(f"a caller's name has at most {MAX_CALLER} characters, all of which can be seen")
        if self.hero is not None and not is_name(self.hero):
            raise WireError(f"a hero's name has 1 to {MAX_NAME} of A-Z a-z 0-9 . _ -")
        if len(self.resume or "") > MAX_TOKEN:
            raise WireError(f"a secret has at most {MAX_TOKEN} characters")


@dataclass(frozen=True, slots=True)
class ChooseHero:
    """Another face from now on."""

    TYPE: ClassVar[str] = "hero"
    hero: str

    def __post_init__(self) -> None:
        if not is_name(self.hero):
            raise WireError(f"a hero's name has 1 to {MAX_NAME} of A-Z a-z 0-9 . _ -")


@dataclass(frozen=True, slots=True)
class Mute:
    """The caller's microphone is off, or on again: what the others are shown."""

    TYPE: ClassVar[str] = "mute"
    on: bool


@dataclass(frozen=True, slots=True)
class Leave:
    """The caller hangs up: its place is free at once."""

    TYPE: ClassVar[str] = "leave"


@dataclass(frozen=True, slots=True)
class ReadAlong:
    """Whether the caller wants captions: what is said in the room, from now on."""

    TYPE: ClassVar[str] = "captions"
    on: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Does the relay hear? It answers with `Pong`."""

    TYPE: ClassVar[str] = "ping"


@dataclass(frozen=True, slots=True)
class Hero:
    """A face that callers may choose. picture: the URL path of a small JPEG, which needs the pass."""

    name: str
    picture: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """A place in the room. id: the member's. session: the one that the member speaks in.

    token: the pass, for that session and for watching the room's. resume: for the next connection.
    ice_servers: as RTCPeerConnection takes them. limits: what the relay takes.
    """

    TYPE: ClassVar[str] = "welcome"
    id: str
    session: str
    token: str
    resume: str
    hero: str
    ice_servers: tuple[dict[str, str], ...] = ()
    heroes: tuple[Hero, ...] = ()
    limits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lobby:
    """The room is full. position: 1 is whoever comes in next."""

    TYPE: ClassVar[str] = "lobby"
    position: int


@dataclass(frozen=True, slots=True)
class Member:
    """One in the room, as all see it. here: False while its connection is broken and its place kept.

    expression: the mood that it chose, "" for none.
    """

    id: str
    name: str
    session: str
    hero: str
    muted: bool
    here: bool
    expression: str = ""


@dataclass(frozen=True, slots=True)
class InRoom:
    """Who is in the room, in the order in which they came; told to all members at every change."""

    TYPE: ClassVar[str] = "room"
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Heroes:
    """What may be chosen in this room now: somebody has added a picture."""

    TYPE: ClassVar[str] = "heroes"
    heroes: tuple[Hero, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A member is going to say this, in seconds of the session. words: when each begins, with the space behind it.

    now: the session's time as this is told. zero: seconds of the streams' time stamps where the session's time is 0.
    """

    TYPE: ClassVar[str] = "caption"
    session: str
    start: float
    stop: float
    words: tuple[tuple[float, str], ...]
    now: float
    zero: float


@dataclass(frozen=True, slots=True)
class Unsaid:
    """An interruption: from `at` on nothing is said that was told before."""

    TYPE: ClassVar[str] = "cut"
    session: str
    at: float


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to `Ping`: browsers do not tell pages of the websocket's own pings."""

    TYPE: ClassVar[str] = "pong"


@dataclass(frozen=True, slots=True)
class CallError:
    """What was wrong, in a sentence; the connection closes after it with CLOSE_CODES[code], unless it is a warning."""

    TYPE: ClassVar[str] = "error"
    code: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Bye:
    """The call is over for this connection, which closes with 1000. why: "left", "over", or "stopping"."""

    TYPE: ClassVar[str] = "bye"
    why: str


CallerMessage = Join | ChooseHero | Mute | Expression | Leave | ReadAlong | Ping
RelayMessage = Welcome | Lobby | InRoom | Heroes | Said | Unsaid | Pong | CallError | Bye
_CALLER: dict[str, type[CallerMessage]] = {
    kind.TYPE: kind for kind in (Join, ChooseHero, Mute, Expression, Leave, ReadAlong, Ping)
}


def encode(message: CallerMessage | RelayMessage) -> str:
    """A message as JSON; fields that are None are left out."""
    body = {name: value for name, value in asdict(message).items() if value is not None}
    return json.dumps({"type": message.TYPE, **body}, ensure_ascii=False, separators=(",", ":"))


def decode_caller(data: str | bytes) -> CallerMessage:
    """What a caller said. Raises WireError where it makes no sense, or is too long."""
    if isinstance(data, bytes):
        raise WireError("messages of a call are text frames: sound goes to /whip or /speak")
    if len(data.encode("utf-8", "replace")) > MAX_MESSAGE:
        raise WireError(f"a message has at most {MAX_MESSAGE} bytes")
    return decoded(data, _CALLER)
