"""One camera in a process that tracks: its pictures in, what is seen in the newest of them out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av
import cv2
import numpy as np

from txt2vid.core.landmarkwire import Landmarks, Seen, Settings, encode
from txt2vid.core.media import Pixels
from txt2vid.core.options import TrackingOptions
from txt2vid.core.packets import PICTURE_CLOCK, PicturePacket
from txt2vid.errors import MediaError, Txt2VidError
from txt2vid.faces.many import FaceTracker, TrackedFace
from txt2vid.faces.overlay import draw_faces
from txt2vid.ffmpeg.pictures import PictureEncoder
from txt2vid.ffmpeg.seen import PictureDecoder, TooLargeError, still
from txt2vid.pipeline.observing import Event, Looked, Lost, Picture, Unfit

SIDE = 640  # pixels of the longer side that is looked at: a face over a fifth of it has 128, the network sees 192
WAITING = 30  # coded pictures of one camera, a second's: they need each other, so that only all of them can be left out
BAD = 5  # keys in a row that cannot be decoded; then no other will be
QUALITY = 80  # of JPEGs that go back
STILLS = ("jpeg", "webp")


@dataclass(slots=True)
class _Back:
    """What goes back: its codec, and whether a key is due."""

    codecs: tuple[str, ...] = ()
    bitrate: int = 1_000_000
    key: bool = True
    encoder: PictureEncoder | None = None
    last: int = -1


@dataclass(slots=True)
class Observed:
    """One camera. tracker: its own. annotated: pictures go back. `take` what comes; `work` looks at the newest."""

    camera: int
    tracker: FaceTracker
    annotated: bool = False
    settings: Settings = field(default_factory=Settings)
    dropped: int = 0
    worked: float = 0.0  # when it was looked at last: who waits longest comes first
    _waiting: deque[Picture] = field(default_factory=deque)
    _decoder: PictureDecoder | None = None
    _blind: bool = False  # until the next key
    _bad: int = 0
    _frame: int = 0
    _back: _Back = field(default_factory=_Back)

    @property
    def waits(self) -> bool:
        """Whether there is something to look at."""
        return bool(self._waiting)

    def take(self, picture: Picture) -> Event | None:
        """Queues it. A still replaces those that wait; where too much is coded, it is left out up to the next key."""
        if picture.codec in STILLS:
            self.dropped += len(self._waiting)
            self._waiting.clear()
        elif self._blind and not picture.key:
            self.dropped += 1
            return None
        elif len(self._waiting) >= WAITING:
            self.dropped += len(self._waiting) + 1
            self._waiting.clear()
            self._blind = True
            return Lost(self.camera)
        self._blind = False
        self._waiting.append(picture)
        return None

    def tune(self, settings: Settings) -> None:
        """What the sliders say; it holds from the next picture on."""
        self.settings = settings
        self.tracker.options = TrackingOptions(settings.faces, settings.detection, settings.tracking)

    def want(self, codecs: tuple[str, ...], bitrate: int) -> None:
        """What goes back from now on."""
        self._back.codecs, self._back.bitrate = codecs, bitrate

    def key(self) -> None:
        """The next picture that goes back is a key."""
        self._back.key = True

    def work(self, fps: int) -> Event | None:
        """Decodes all that waits, and looks at the newest."""
        pictures = list(self._waiting)
        self._waiting.clear()
        if not pictures:
            return None
        newest = pictures[-1]
        try:
            pixels = self._pixels(pictures)
        except TooLargeError as err:
            return Unfit(self.camera, str(err))
        except MediaError as err:
            return self._undecoded(newest, str(err))
        self._bad = 0
        self.dropped += len(pictures) - 1
        return None if pixels is None else self._look(newest, pixels, fps)

    def _look(self, picture: Picture, pixels: Pixels, fps: int) -> Looked:
        faces = self.tracker.track(pixels)
        height, width = pixels.shape[:2]
        back = self._drawn(picture, pixels, faces) if self.annotated else None
        scale = np.array([width, height, width], np.float32)
        seen = [Seen(face.id, face.confidence, face.landmarks / scale) for face in faces]
        self._frame += 1
        spent = (time.monotonic() - picture.came) * 1000
        said = Landmarks(
            self._frame, width, height, seen, picture.captured, spent, self.dropped, fps, self.settings.serial
        )
        return Looked(self.camera, encode(said), len(faces), self.dropped, back)

    def _undecoded(self, newest: Picture, why: str) -> Event:
        self._decoder, self._blind = None, True
        self._bad += 1
        if self._bad >= BAD:
            return Unfit(self.camera, f"{self._bad} times in a row {why}")
        return Lost(self.camera) if newest.codec not in STILLS else Unfit(self.camera, why)

    def _pixels(self, pictures: Sequence[Picture]) -> Pixels | None:
        """Of the newest. Raises MediaError."""
        newest = pictures[-1]
        if newest.codec in STILLS:
            return still(newest.data, SIDE)
        frame: av.VideoFrame | None = None
        for each in pictures:
            if self._decoder is None or self._decoder.codec != each.codec:
                self._decoder = PictureDecoder(each.codec, SIDE)
            frame = self._decoder.decode(each.data) or frame
        return None if frame is None or self._decoder is None else self._decoder.pixels(frame)

    def _drawn(self, picture: Picture, pixels: Pixels, faces: Sequence[TrackedFace]) -> PicturePacket | None:
        if self.settings.mirror:  # here, so that numbers can be read
            pixels, faces = np.ascontiguousarray(pixels[:, ::-1]), [_mirrored(face, pixels.shape[1]) for face in faces]
        pixels = draw_faces(pixels, faces)
        if picture.codec in STILLS:
            done, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            return PicturePacket("jpeg", 0, True, data.tobytes()) if done else None
        if not self._back.codecs:
            return None
        return self._encoded(picture, pixels)

    def _encoded(self, picture: Picture, pixels: Pixels) -> PicturePacket | None:
        back, (height, width) = self._back, pixels.shape[:2]
        codec = back.codecs[0]
        shape = (codec, width, height, back.bitrate)
        made = back.encoder
        if made is None or (made.codec, made.width, made.height, made.bitrate) != shape:
            made = back.encoder = PictureEncoder(codec, width, height, Fraction(30), back.bitrate)
        back.last = max(back.last + 1, round(picture.came * PICTURE_CLOCK))
        key, back.key = back.key, False
        try:
            return made.encode(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420), np.uint8), back.last, key=key)
        except Txt2VidError:
            back.encoder, back.key = None, True
            return None


def _mirrored(face: TrackedFace, width: int) -> TrackedFace:
    landmarks = face.landmarks.copy()
    landmarks[:, 0] = width - landmarks[:, 0]
    return replace(face, landmarks=landmarks)
