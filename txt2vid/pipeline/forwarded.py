"""A session's packets: pictures in each codec that somebody wants, and sound, for peers that all get the same."""

from __future__ import annotations

import time
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from txt2vid.core.media import LISTENING_RATE, Pixels
from txt2vid.core.meshwire import MotionEncoder
from txt2vid.core.packets import MESH, PICTURE_CLOCK, PicturePacket, SoundPacket
from txt2vid.errors import Txt2VidError
from txt2vid.ffmpeg.opus import OpusEncoder
from txt2vid.ffmpeg.pictures import MIN_BITRATE, PictureEncoder
from txt2vid.pipeline.live import Step
from txt2vid.pipeline.messages import Packets

SOUND_BITRATE = 48_000  # bit/s: speech in full band beyond what ears tell apart (RFC 7587, 3.1.1); it came at 24,000
MESH_SOUND_BITRATE = 24_000  # where all draw the face themselves: they asked for little data
KEY_FRAMES = 50  # motions from one key to the next at the latest; a key is 20 bytes more than a delta


class Forwarded:
    """One session's packet encoders, each there while it is wanted. begin: as Streamed has it."""

    def __init__(self, name: str, fps: Fraction, begin: Fraction) -> None:
        self.name, self._fps, self._begin = name, fps, begin
        self.seconds = 0.0
        self._codecs: tuple[str, ...] = ()
        self._bitrate = 0
        self._keys: set[str] = set()
        self._pictures: dict[str, PictureEncoder] = {}
        self._sound: OpusEncoder | None = None
        self._motions, self._since_key = MotionEncoder(), 0

    @property
    def wanted(self) -> bool:
        """Whether anybody wants packets."""
        return bool(self._codecs)

    @property
    def draws(self) -> bool:
        """Whether anybody wants pictures: those who take motion draw them themselves."""
        return any(codec != MESH for codec in self._codecs)

    @property
    def moves(self) -> bool:
        """Whether anybody wants motion."""
        return MESH in self._codecs

    def want(self, codecs: Iterable[str], bitrate: int) -> None:
        """From the next frame on these codecs (none: nothing at all), pictures of at most `bitrate` bit/s each.

        Sound begins anew where its rate changes: all who stay draw by themselves, and leave out what they have heard.
        """
        before = self.draws
        self._codecs, self._bitrate = tuple(codecs), bitrate
        self._pictures = {codec: encoder for codec, encoder in self._pictures.items() if codec in self._codecs}
        if not self._codecs or self.draws != before:
            self._sound = None

    def key(self, codec: str) -> None:
        """The next picture in this codec is a key: somebody has come, or has lost something."""
        self._keys.add(codec)

    def write(self, moment: Step, picture: Pixels | None, rig: int | None = None) -> Packets:
        """The frame as packets. Raises Txt2VidError where it cannot be encoded.

        picture: None where nobody `draws`. rig: the number of the face that moves; None sends no motion.
        """
        started = time.perf_counter()
        at = self._begin + moment.frame.time
        ticks = round(at * PICTURE_CLOCK)
        codecs = [codec for codec in self._codecs if codec != MESH] if picture is not None else []
        pictures = [self._encode(codec, picture, ticks) for codec in codecs if picture is not None]
        if self.moves and rig is not None:
            pictures.append(self._moved(moment, rig, at))
        heard = moment.sound
        if self._sound is None:
            bitrate = SOUND_BITRATE if self.draws else MESH_SOUND_BITRATE
            self._sound = OpusEncoder(bitrate, "voip", round(at * LISTENING_RATE))
            heard = np.concatenate([moment.lead, moment.sound])
        sound = tuple(SoundPacket(packet.position, packet.data) for packet in self._sound.push(heard))
        self.seconds += time.perf_counter() - started
        return Packets(self.name, round(at * LISTENING_RATE), tuple(pictures), sound)

    def close(self) -> None:
        """Forgets the encoders; the next frame begins others."""
        self._pictures.clear()
        self._sound = None

    def _moved(self, moment: Step, rig: int, at: Fraction) -> PicturePacket:
        self._since_key += 1
        key = MESH in self._keys or self._since_key >= KEY_FRAMES
        self._keys.discard(MESH)
        key, data = self._motions.encode(moment.motion, round(at * LISTENING_RATE), rig, key=key)
        if key:
            self._since_key = 0
        return PicturePacket(MESH, round(at * PICTURE_CLOCK), key, data)

    def _encode(self, codec: str, picture: Pixels, at: int) -> PicturePacket:
        encoder = self._pictures.get(codec)
        height, width = picture.shape[0] * 2 // 3, picture.shape[1]
        if encoder is None or (encoder.width, encoder.height) != (width, height) or self._changed(encoder):
            encoder = self._pictures[codec] = PictureEncoder(codec, width, height, self._fps, self._bitrate)
        key = codec in self._keys
        self._keys.discard(codec)
        try:
            return encoder.encode(picture, at, key=key)
        except Txt2VidError:
            del self._pictures[codec]  # the next frame begins another
            raise

    def _changed(self, encoder: PictureEncoder) -> bool:
        """An encoder's rate cannot be changed (PyAV does not let options change); a new one takes 4 ms, and a key."""
        return encoder.bitrate != max(self._bitrate, MIN_BITRATE)
