"""What the server's process and a studio's process say to each other; pickled, over a socket between the two alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from txt2vid.core.captions import Caption
from txt2vid.core.expressions import Cue
from txt2vid.core.motionwire import Seen
from txt2vid.core.options import FaceOptions, SpeakerOptions
from txt2vid.core.packets import PicturePacket, SoundPacket
from txt2vid.core.wire import AudioFormat, Packet

# Server to studio


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make a face ready, beside the sessions that run; answered by Prepared. Twice the same name replaces it."""

    face: str
    options: FaceOptions


@dataclass(frozen=True, slots=True)
class Forget:
    """Nobody will ask for this face again; sessions that show it go on."""

    face: str


@dataclass(frozen=True, slots=True)
class Open:
    """Begin a session with a face that was asked for before; answered by Opened, or Failed.

    mark: draw a white square into a corner while the sound is loud, for measurements. begin: seconds at which its time
    begins: where it was when the studio before this one was lost. expression: the mood of whoever sets none.
    """

    session: str
    face: str
    fps: Fraction | None = None
    seed: int = 0
    mark: bool = False
    begin: Fraction = Fraction(0)
    expression: Cue | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Draw and encode (Encoding comes, with pipes), or do so no longer: nobody watches."""

    session: str
    on: bool


@dataclass(frozen=True, slots=True)
class Forward:
    """Draw, and send Packets, their pictures in these codecs, each of at most `bitrate` bit/s; no codecs: no longer.

    MESH among them: send motion as well, and Rigged before it. MESH alone: nothing is drawn.
    """

    session: str
    codecs: tuple[str, ...]
    bitrate: int = 0


@dataclass(frozen=True, slots=True)
class Key:
    """The next picture in this codec can be decoded without others."""

    session: str
    codec: str


@dataclass(frozen=True, slots=True)
class Source:
    """A sender is there, with this sound (None: text alone). fresh: a new one, its positions begin anew."""

    session: str
    audio: AudioFormat | None
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class Hear:
    """Sound from the sender."""

    session: str
    packet: Packet


@dataclass(frozen=True, slots=True)
class Say:
    """A text to speak, and who does; answered by Said."""

    session: str
    text: str
    id: int = 0
    interrupt: bool = False
    speaker: SpeakerOptions = field(default_factory=SpeakerOptions)
    unknown_tags: str = "speak"


@dataclass(frozen=True, slots=True)
class Express:
    """The face shows this from now on; None is the mood that the session began with."""

    session: str
    cue: Cue | None


@dataclass(frozen=True, slots=True)
class Move:
    """What the sender's camera saw: the face does it, too."""

    session: str
    seen: Seen


@dataclass(frozen=True, slots=True)
class Cut:
    """An interruption: everything that is not shown yet is dropped. epoch: what sound carries from now on (modulo)."""

    session: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Answered by Drained once all that came before is shown."""

    session: str


@dataclass(frozen=True, slots=True)
class ChangeFace:
    """From the next frame on another face of the same size; answered by Failed where that cannot be."""

    session: str
    face: str


@dataclass(frozen=True, slots=True)
class Close:
    """End a session."""

    session: str


@dataclass(frozen=True, slots=True)
class Ask:
    """From now on the engine's network is asked over the file descriptor that comes with this."""


@dataclass(frozen=True, slots=True)
class DoWithout:
    """There will be no network: sessions that begin from now on do not wait for what it would hear."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the studio."""


# Studio to server


@dataclass(frozen=True, slots=True)
class Prepared:
    """A face is ready (width, height, fps of its own), or the error says why it is not."""

    face: str
    width: int = 0
    height: int = 0
    error: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """A session runs."""

    session: str
    width: int
    height: int
    fps: Fraction


@dataclass(frozen=True, slots=True)
class Failed:
    """Something asked of a session cannot be done; it goes on, unless this `ends` it. code: of wire.CLOSE_CODES."""

    session: str
    code: str
    message: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """A new encoder writes; two file descriptors come with it, the reading ends of its MPEG-TS and fragmented MP4.

    start: seconds of the session at the stream's first frame: timestamps of both streams begin there.
    restarted: the one before it died.
    """

    session: str
    start: Fraction
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Packets:
    """One frame for peers. time: of the frame, in samples since the session's start; sound may be ahead of it.

    pictures: one for each codec that is wanted. sound: what packets are complete, in order.
    """

    session: str
    time: int
    pictures: tuple[PicturePacket, ...]
    sound: tuple[SoundPacket, ...]


@dataclass(frozen=True, slots=True)
class Rigged:
    """The face whose motion comes from now on, for those who draw it. number: what keys of motion call it.

    bundle: None where the face cannot be drawn elsewhere; then no motion comes until it changes.
    """

    session: str
    number: int
    bundle: bytes | None


@dataclass(frozen=True, slots=True)
class Said:
    """A text was shown to its end, or dropped."""

    session: str
    id: int
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Captioned:
    """A sentence is going to be heard, in seconds of the session. One that is not over yet ends where it begins."""

    session: str
    caption: Caption


@dataclass(frozen=True, slots=True)
class Silenced:
    """An interruption: from `at` on, in seconds of the session, nothing is said that was told of before."""

    session: str
    at: float


@dataclass(frozen=True, slots=True)
class Drained:
    """All that was heard before is shown."""

    session: str


@dataclass(frozen=True, slots=True)
class Report:
    """Once a second, of one session. Counters since its start; delays in seconds.

    time: of the session, at `clock` of time.monotonic() (the same clock in all processes of a machine).
    mouths: frames whose mouth a network drew in time. held: whose mouth was an earlier one, since it did not.
    encoder_pid: None while nobody watches.
    """

    session: str
    time: float
    clock: float
    epoch: int
    buffered: float
    playout: float
    av_offset: float
    drawn: int
    late: int
    dropped: int
    restarts: int
    render_seconds: float
    encode_seconds: float
    queued_frames: int
    heard_seconds: float
    concealed_seconds: float
    trimmed_seconds: float
    mouths: int = 0
    held: int = 0
    encoder_pid: int | None = None


_OfFaces = Prepare | Forget | ChangeFace
_OfViewers = Watch | Forward | Key
_OfSenders = Source | Hear | Say | Express | Move | Cut | Drain
Request = _OfFaces | _OfViewers | _OfSenders | Open | Close | Ask | DoWithout | Stop
Event = Prepared | Opened | Failed | Encoding | Packets | Rigged | Said | Captioned | Silenced | Drained | Report
