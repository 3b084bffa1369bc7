"""The websocket protocol "txt2vid.v1" as values: messages <-> what crosses the wire (docs/protocol.md has it in words).

Text frames are JSON objects with a "type"; binary frames are sound, a header of eight bytes and one packet, or packed
texts (txt2vid.textwire), whose first byte is PACKED or more.
Everything that comes from the wire is checked here, so nobody else has to.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

from txt2vid.core.checks import WireError as WireError  # part of what this module offers
from txt2vid.core.checks import decoded
from txt2vid.core.media import LISTENING_RATE
from txt2vid.core.options import UNKNOWN_TAGS

VERSION = 1
SUBPROTOCOL = "txt2vid.v1"

MAX_MESSAGE = 64 * 1024  # bytes of one message: a second of PCM at 16 kHz, or a long page of text; more closes (1009)
MAX_TEXT = 10_000  # characters of one text message: about ten minutes of speech
MAX_NAME = 64  # characters of a session's or a face's name
MAX_TOKEN = 512  # characters
MAX_PACKET_SECONDS = 1.0  # of sound in one binary message
PCM_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz
OPUS_RATE = LISTENING_RATE  # Hz: what positions of Opus count in, whatever the encoder heard (RFC 7587)
EPOCHS = 256  # epochs on the wire are counted modulo this

AUDIO = 1  # the kind of binary message that is sound
PACKED = 0x80  # the least first byte of one that is a packed text; all of its other bits are the text's
_HEADER = struct.Struct(">BBHI")  # kind, epoch, position >> 32, position & 0xFFFFFFFF
HEADER_BYTES = _HEADER.size

# Close codes of ours (RFC 6455 leaves 4000 to 4999 to applications), each with its error code in the message before it.
CLOSE_CODES: Mapping[str, int] = {
    "protocol": 4000,  # a message that makes no sense: garbage, the wrong order, an unknown version
    "token": 4001,  # missing or wrong
    "session": 4004,  # no such session may be made
    "face": 4005,  # no such face
    "busy": 4009,  # the session has a sender already
    "audio": 4015,  # a codec, rate or packet that cannot be decoded
    "text": 4016,  # a text that cannot be spoken (a warning: the connection stays)
    "expression": 4017,  # an expression that is not known (a warning: the connection stays)
    "rate": 4029,  # too much in too short a time
    "full": 4030,  # no room for another session
    "replaced": 4031,  # another connection resumed this one
    "engine": 4050,  # the session ended on the server's side
    "stopping": 4051,  # the server is going down
}
FATAL = frozenset({"protocol", "token", "session", "face", "audio", "replaced"})
"""Errors after which trying again is of no use."""


def is_name(text: str) -> bool:
    """Whether a session or a face may be called so: it becomes part of URLs, of metrics and of log lines."""
    return re.fullmatch(rf"[A-Za-z0-9_][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}", text) is not None


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """codec: "opus" (48 kHz, mono, RFC 6716) or "pcm_s16le" (mono). rate: Hz of the positions, and of PCM."""

    codec: str = "opus"
    rate: int = OPUS_RATE

    def __post_init__(self) -> None:
        if self.codec not in ("opus", "pcm_s16le"):
            raise WireError(f"audio codec {self.codec[:MAX_NAME]!r} is not known: opus and pcm_s16le are", "audio")
        rates = (OPUS_RATE,) if self.codec == "opus" else PCM_RATES
        if self.rate not in rates:
            raise WireError(f"{self.codec} at {self.rate} Hz is not taken: {', '.join(map(str, rates))} are", "audio")


@dataclass(frozen=True, slots=True)
class Hello:
    """The sender's first message. session, face, token: None is the server's first, the session's own, none.

    resume: what `Ready` gave to this sender before its connection broke; it then takes its session over.
    interrupt: take it over from whoever speaks there, who is told "busy" and may come back when this sender has left.
    text_codec: the name of the model with which texts could be packed (txt2vid.textwire).
    """

    TYPE: ClassVar[str] = "hello"
    version: int = VERSION
    session: str | None = None
    face: str | None = None
    token: str | None = None
    audio: AudioFormat | None = None
    resume: str | None = None
    interrupt: bool = False
    text_codec: str | None = None

    def __post_init__(self) -> None:
        if self.version != VERSION:
            raise WireError(f"version {self.version} is not spoken here, {VERSION} is")
        for name, code in ((self.session, "session"), (self.face, "face")):
            if name is not None and not is_name(name):
                raise WireError(f"{name[:MAX_NAME]!r} is no name: use 1 to {MAX_NAME} of A-Z a-z 0-9 . _ -", code)
        if len(self.token or "") > MAX_TOKEN or len(self.resume or "") > MAX_TOKEN:
            raise WireError(f"a token has at most {MAX_TOKEN} characters", "token")
        if len(self.text_codec or "") > MAX_NAME:
            raise WireError(f"a text codec's name has at most {MAX_NAME} characters")


@dataclass(frozen=True, slots=True)
class Text:
    """Words to speak. id: the sender's own, comes back in `Spoken`. interrupt: drop what is being said before.

    tts, voice: who speaks, language: which one (BCP 47); None is the server's choice. unknown_tags: one of
    UNKNOWN_TAGS, likewise.
    """

    TYPE: ClassVar[str] = "text"
    text: str
    id: int = 0
    interrupt: bool = False
    tts: str | None = None
    voice: str | None = None
    language: str | None = None
    unknown_tags: str | None = None

    def __post_init__(self) -> None:
        if self.unknown_tags is not None and self.unknown_tags not in UNKNOWN_TAGS:
            raise WireError(f"unknown_tags are one of {', '.join(UNKNOWN_TAGS)}")
        if not 0 < len(self.text) <= MAX_TEXT:
            raise WireError(f"a text has 1 to {MAX_TEXT} characters, not {len(self.text)}")
        if any(len(name or "") > MAX_NAME for name in (self.tts, self.voice, self.language)):
            raise WireError(f"a voice's name has at most {MAX_NAME} characters, and so has a language")


@dataclass(frozen=True, slots=True)
class Expression:
    """The face shows something now. name: of `core.expressions`, not checked here. strength: 0 to 1.

    seconds: how long; None is until another mood, or as long as a gesture takes.
    """

    TYPE: ClassVar[str] = "expression"
    name: str
    strength: float = 1.0
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.name) <= MAX_NAME:
            raise WireError(f"an expression's name has 1 to {MAX_NAME} characters")


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop speaking now. epoch: what sound that is sent from now on carries; anything older is dropped."""

    TYPE: ClassVar[str] = "interrupt"
    epoch: int

    def __post_init__(self) -> None:
        if not 0 <= self.epoch < EPOCHS:
            raise WireError(f"an epoch is 0 to {EPOCHS - 1}, not {self.epoch}")


@dataclass(frozen=True, slots=True)
class End:
    """Nothing follows; the server answers `Ended` once all has been shown."""

    TYPE: ClassVar[str] = "end"


@dataclass(frozen=True, slots=True)
class Ready:
    """The answer to hello. streams: container -> URL path. epoch: what sound must carry now.

    limits: what the server takes: "message" bytes, "text" characters, "seconds" of sound in a message.
    text_codec: what hello named, where the server has the same model: texts may come packed. None: as JSON only.
    """

    TYPE: ClassVar[str] = "ready"
    session: str
    face: str
    epoch: int
    resume: str
    streams: dict[str, str] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    version: int = VERSION
    text_codec: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Once a second. All delays in milliseconds.

    time: seconds of the session. buffered: sound that waits in the jitter buffer. playout: from a sample's arrival to
    its place in the stream, encoder not included. av_offset: how much sound is ahead (+) of the lips.
    """

    TYPE: ClassVar[str] = "stats"
    time: float
    buffered: float
    playout: float
    av_offset: float
    viewers: int
    drawn: int
    late: int
    dropped: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text has been shown to its end, or dropped by an interruption."""

    TYPE: ClassVar[str] = "spoken"
    id: int
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """All that was sent before `End` has been shown."""

    TYPE: ClassVar[str] = "ended"


@dataclass(frozen=True, slots=True)
class Error:
    """What was wrong, in a sentence; the connection closes after it with CLOSE_CODES[code], unless it is a warning."""

    TYPE: ClassVar[str] = "error"
    code: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Packet:
    """Sound: one packet of the codec that hello named, and where its first sample is.

    position: samples at the format's rate since the sender began; it goes on over reconnections.
    """

    epoch: int
    position: int
    payload: bytes


ClientMessage = Hello | Text | Expression | Interrupt | End
ServerMessage = Ready | Stats | Spoken | Ended | Error
_CLIENT: dict[str, type[ClientMessage]] = {kind.TYPE: kind for kind in (Hello, Text, Expression, Interrupt, End)}
_SERVER: dict[str, type[ServerMessage]] = {kind.TYPE: kind for kind in (Ready, Stats, Spoken, Ended, Error)}


def encode(message: ClientMessage | ServerMessage) -> str:
    """A message as JSON; fields that are None are left out."""
    body = {name: value for name, value in asdict(message).items() if value is not None}
    return json.dumps({"type": message.TYPE, **body}, ensure_ascii=False, separators=(",", ":"))


def encode_packet(packet: Packet) -> bytes:
    """A packet with its header."""
    high, low = divmod(packet.position, 1 << 32)
    return _HEADER.pack(AUDIO, packet.epoch % EPOCHS, high, low) + packet.payload


def decode_packet(data: bytes) -> Packet:
    """A binary message. Raises WireError where it is none of ours."""
    if len(data) <= HEADER_BYTES:
        raise WireError(f"a binary message of {len(data)} bytes holds no sound")
    kind, epoch, high, low = _HEADER.unpack_from(data)
    if kind != AUDIO:
        raise WireError(f"binary messages of kind {kind} are not known")
    return Packet(epoch, (high << 32) + low, bytes(data[HEADER_BYTES:]))


def is_packed(data: bytes) -> bool:
    """Whether a binary message is a packed text, not sound."""
    return data[:1] >= bytes([PACKED])


def following(before: Text | None, words: str) -> Text:
    """The text that a packed message stands for: all but its words is as in the text before it on the same connection.

    Its id is one higher, 1 for the first; it never interrupts. Raises WireError where the words are none of a text.
    """
    return Text(words, 1) if before is None else replace(before, text=words, id=before.id + 1, interrupt=False)


def decode_client(text: str) -> ClientMessage:
    """What a sender said. Raises WireError where it makes no sense."""
    return decoded(text, _CLIENT)


def decode_server(text: str) -> ServerMessage:
    """What a server said. Raises WireError where it makes no sense."""
    return decoded(text, _SERVER)
